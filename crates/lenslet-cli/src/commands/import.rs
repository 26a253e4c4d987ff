//! `lenslet import`.

use std::path::{Path, PathBuf};

use lenslet_formats::keras::{import_keras, keras_weights};
use lenslet_formats::onnx::import_onnx;
use lenslet_formats::torch::TorchFile;
use lenslet_formats::{FormatError, Imported};
use lenslet_model::{Adam, Graph, SparseCategoricalCrossentropy, zoo};
use lenslet_store::{
    DataConfig, Run, RunConfig, SavedModel, TrainedModel, TrainingConfig, decode_weights, read,
    run_name,
};
use lenslet_train::OnNan;

use crate::commands::summary::Input;
use crate::console::{counted, note, say};
use crate::failure::Failure;
use crate::machine;
use crate::model_choice::ModelChoice;
use crate::number::real;

/// The most bytes of a file: the most parameters that a network may have, and room for more.
const MOST_BYTES: u64 = 5 << 30;
/// The most bytes of a file of names.
const MOST_NAMES: u64 = 1 << 20;

/// Make a run of another program's model, to evaluate and to predict with.
///
/// .onnx: a network of the operators that Lenslet has layers for; pictures with the channels first
/// or last.
/// .keras: a Sequential or Functional model of Keras 3.
/// .weights.h5: weights of Keras 3, of the network that --model names.
/// .safetensors: weights as PyTorch's state_dict has them, of the network that --model names:
/// resnet18 and mobilenet_v2 with torchvision's names. What Lenslet has exported needs no --model.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The file: FILE.onnx, FILE.keras, FILE.weights.h5 or FILE.safetensors
    file: PathBuf,

    /// Whose weights a file holds that does not say so: a name that `lenslet models` lists, or a file that
    /// describes a network
    #[arg(long, value_name = "NAME|FILE.toml")]
    model: Option<String>,

    /// Height, width and channels of the images, for a name [default: what its authors had in mind]
    #[arg(long, value_name = "HxWxC", requires = "model")]
    input: Option<Input>,

    /// The classes' names in the order of the outputs, apart by commas, or a file with one a line
    /// [default: the file's, else class 0, class 1, ...]
    #[arg(long, value_name = "NAMES|FILE")]
    classes: Option<String>,

    /// What is subtracted from each channel before the network sees it, of pixels from 0 to 1:
    /// 0.485,0.456,0.406 for torchvision's networks
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = real, allow_negative_numbers = true, requires = "std")]
    mean: Vec<f64>,

    /// What each channel is divided by then: 0.229,0.224,0.225 for torchvision's networks
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = real, allow_negative_numbers = true, requires = "mean")]
    std: Vec<f64>,

    /// Say that the network takes pixels from 0 to 255, as one of Keras's does that begins with
    /// Rescaling(1/255), where the file does not say so
    #[arg(long)]
    bytes: bool,

    /// Keep outputs that are no probabilities instead of adding a softmax
    #[arg(long)]
    logits: bool,

    /// The run's folder [default: runs/imported-MODEL]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let classes = args.classes.as_deref().map(names).transpose()?;
    let at_file = |e: FormatError| Failure::failed(format!("{}: {e}", args.file.display()));
    let mut imported = match ending(&args.file).as_str() {
        "onnx" | "keras" if args.model.is_some() => {
            return Err(Failure::usage("such a file says itself what it is; leave --model out"));
        }
        "onnx" => import_onnx(&read(&args.file, MOST_BYTES)?).map_err(at_file)?,
        "keras" => import_keras(&read(&args.file, MOST_BYTES)?).map_err(at_file)?,
        "h5" => weights_h5(&args, classes.as_deref())?,
        "safetensors" => safetensors(&args, classes.as_deref())?,
        _ => {
            return Err(Failure::usage(format!(
                "{}: unknown kind of file; give one that ends in .onnx, .keras, .weights.h5 or \
                 .safetensors",
                args.file.display()
            )));
        }
    };
    imported.bytes |= args.bytes;
    let divides = !imported.bytes && imported.begins_with_division();
    imported = imported.with_unit_pixels().map_err(at_file)?;
    if !args.mean.is_empty() {
        imported = imported.with_normalization(&args.mean, &args.std).map_err(at_file)?;
    }
    if !args.logits {
        imported = imported.with_softmax().map_err(at_file)?;
    }
    save(imported.into_trained(classes).map_err(at_file)?, args.out.as_deref())?;
    if divides {
        note("its first layer divides by 255: if it takes pixels from 0 to 255, say --bytes");
    }
    Ok(())
}

fn ending(path: &Path) -> String {
    path.extension().map_or(String::new(), |ending| ending.to_string_lossy().to_lowercase())
}

/// The classes' names, or those in a file of that name.
fn names(text: &str) -> Result<Vec<String>, Failure> {
    let path = Path::new(text);
    if !path.is_file() {
        return Ok(text.split(',').map(|name| name.trim().to_owned()).collect());
    }
    let text = String::from_utf8(read(path, MOST_NAMES)?).map_err(|_| {
        Failure::failed(format!("{}: it is no text in UTF-8; name another file", path.display()))
    })?;
    Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

fn safetensors(args: &Args, classes: Option<&[String]>) -> Result<Imported, Failure> {
    let failed = |e: String| Failure::failed(format!("{}: {e}", args.file.display()));
    let bytes = read(&args.file, MOST_BYTES)?;
    let file = TorchFile::parse(&bytes).map_err(|e| failed(e.to_string()))?;
    let of = |network, parameters, classes| Imported { network, parameters, classes, bytes: false };
    match (&args.model, file.description()) {
        (None, Some(_)) if file.has_lenslets_names() => {
            let TrainedModel { saved, network, parameters } =
                decode_weights(&bytes).map_err(|e| failed(e.to_string()))?;
            Ok(of(network, parameters, Some(saved.classes)))
        }
        (None, Some(description)) => {
            let saved = SavedModel::from_json(description).map_err(|e| failed(e.to_string()))?;
            let network = saved.check().map_err(|e| failed(e.to_string()))?;
            let parameters = file.parameters(&network).map_err(|e| failed(e.to_string()))?;
            Ok(of(network, parameters, Some(saved.classes)))
        }
        (None, None) => Err(Failure::usage(format!(
            "{} does not say of which network its weights are; say so with --model resnet18, \
             --model mobilenet_v2 or --model FILE.toml",
            args.file.display()
        ))),
        (Some(model), _) => {
            let classes = classes.map(<[_]>::len).or(file.classes());
            let network = described(model, args.input, classes)?.build()?;
            let parameters = file.parameters(&network).map_err(|e| failed(e.to_string()))?;
            Ok(of(network, parameters, None))
        }
    }
}

/// Keras's weights of the network that `--model` names.
fn weights_h5(args: &Args, classes: Option<&[String]>) -> Result<Imported, Failure> {
    let Some(model) = &args.model else {
        return Err(Failure::usage(format!(
            "{} does not say of which network its weights are; say so with --model NAME or \
             --model FILE.toml, or save the whole model as .keras",
            args.file.display()
        )));
    };
    let bytes = read(&args.file, MOST_BYTES)?;
    let network = described(model, args.input, classes.map(<[_]>::len))?.build()?;
    let parameters = keras_weights(&bytes, &network)
        .map_err(|e| Failure::failed(format!("{}: {e}", args.file.display())))?;
    Ok(Imported { network, parameters, classes: None, bytes: false })
}

/// The network that `--model` names.
fn described(model: &str, input: Option<Input>, classes: Option<usize>) -> Result<Graph, Failure> {
    let choice = ModelChoice::new(model)?;
    let ModelChoice::Named(name) = &choice else {
        if input.is_some() {
            return Err(Failure::usage(format!(
                "{model} says itself what it takes; leave --input out"
            )));
        }
        return Ok(choice.typical()?);
    };
    let known = zoo().iter().find(|model| model.name == *name).expect("it was looked up");
    let input = input.map_or(known.input, |input| input.0);
    Ok(known.model(input, classes.unwrap_or(known.classes)))
}

/// Leaves the model in a run folder.
fn save(model: TrainedModel, out: Option<&Path>) -> Result<(), Failure> {
    let TrainedModel { saved, network, parameters } = model;
    let config = RunConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        isa: machine::isa()?.name().to_owned(),
        without: Vec::new(),
        limit: None,
        data: DataConfig::Imported {},
        training: TrainingConfig {
            epochs: 0,
            batch_size: 32,
            seed: 0,
            shuffle: true,
            on_nan: OnNan::Stop,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            metrics: Vec::new(),
            optimizer: Adam::default().into(),
            loss: SparseCategoricalCrossentropy::default().into(),
        },
        model: saved.model.clone(),
    };
    let run = match out {
        Some(out) => Run::create_at(out)?,
        None => Run::create(Path::new("runs"), &run_name("imported", network.name()))?,
    };
    run.write_config(&config)?;
    run.write_model(&saved, &parameters)?;
    let folder = run.folder().display();
    say(format_args!(
        "Imported {}: {}, {}, input {}\n",
        network.name(),
        counted(network.nodes().len(), "layer"),
        counted(network.parameter_count(), "parameter"),
        network.input()
    ))?;
    say(format_args!("  lenslet summary {folder}\n  lenslet predict {folder} IMAGE"))
}
