//! `lenslet export`.

use std::path::PathBuf;

use clap::ValueEnum;
use lenslet_formats::keras::{KerasOptions, encode_keras};
use lenslet_formats::onnx::{Layout, OnnxOptions, encode_onnx};
use lenslet_formats::torch::encode_torch;
use lenslet_store::{Run, encode_weights, write};

use crate::console::say;
use crate::failure::Failure;

/// Write a run's model as a file for other programs.
///
/// onnx: for onnxruntime and many others; opset 17, any number of images at once. The classes'
/// names and what is done to pixels are in its metadata.
/// keras: a .keras file that Keras 3 loads, with the same layers.
/// safetensors: Lenslet's own weights, named and laid out as Keras does.
/// torch-safetensors: weights named and laid out as PyTorch does, with torchvision's names for
/// resnet18 and mobilenet_v2.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The run's folder, as `lenslet train` left it
    run: PathBuf,

    /// What to write
    #[arg(long, value_enum)]
    format: Format,

    /// The file [default: in the run's folder: model.onnx, model.keras, model.safetensors or
    /// model.torch.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Where the channels of ONNX's input are [default: nchw]
    #[arg(long, value_enum)]
    layout: Option<Order>,

    /// Let the input of ONNX or Keras be pixels as bytes (0 to 255), and scale them inside
    #[arg(long)]
    bytes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Onnx,
    Keras,
    Safetensors,
    TorchSafetensors,
}

impl Format {
    /// The file's name where none is given.
    fn file(self) -> &'static str {
        match self {
            Self::Onnx => "model.onnx",
            Self::Keras => "model.keras",
            Self::Safetensors => "model.safetensors",
            Self::TorchSafetensors => "model.torch.safetensors",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    /// Batch, channels, height, width
    Nchw,
    /// Batch, height, width, channels
    Nhwc,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    if args.format != Format::Onnx && args.layout.is_some() {
        return Err(Failure::usage("--layout is for --format onnx; leave it out"));
    }
    if !matches!(args.format, Format::Onnx | Format::Keras) && args.bytes {
        return Err(Failure::usage("--bytes is for --format onnx and keras; leave it out"));
    }
    let model = Run::open(&args.run)?.load_model()?;
    let layout = match args.layout {
        Some(Order::Nhwc) => Layout::Nhwc,
        Some(Order::Nchw) | None => Layout::Nchw,
    };
    let bytes = match args.format {
        Format::Onnx => encode_onnx(&model, OnnxOptions { layout, bytes: args.bytes })?,
        Format::Keras => encode_keras(&model, KerasOptions { bytes: args.bytes })?,
        Format::Safetensors => encode_weights(&model.saved, &model.parameters)?,
        Format::TorchSafetensors => encode_torch(&model)?,
    };
    let path = args.out.unwrap_or_else(|| args.run.join(args.format.file()));
    write(&path, &bytes)?;
    say(format_args!("Written: {}", path.display()))
}
