//! `lenslet evaluate`.

use std::path::PathBuf;

use clap::ValueEnum;
use lenslet_data::{Dataset, Split};
use lenslet_report::{Prediction, predictions_grid};
use lenslet_train::Evaluation;
use serde_json::{Map, json};

use crate::console::{say, tell, width};
use crate::data::{self, DataArgs, Wanted};
use crate::failure::Failure;
use crate::machine::{ShortcutArgs, ThreadArgs};
use crate::picture_file;
use crate::results;
use crate::trained::Trained;

/// Wrong images in a grid of mistakes.
const MISTAKES: usize = 40;

/// Try a run's model on images: loss, accuracy, what is taken for what, scores per class.
///
/// Without a data set this takes the test images of the run's own data.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's folder, as `lenslet train` left it
    run: PathBuf,

    /// synthetic, cifar10, or the path of a folder of images [default: the run's own data]
    dataset: Option<String>,

    /// Which of the images
    #[arg(long, value_enum, default_value_t = Part::Test)]
    part: Part,

    /// Draw the mistakes that the model is surest of
    #[arg(long, value_name = "FILE.png")]
    mistakes: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    threads: ThreadArgs,

    #[command(flatten)]
    shortcuts: ShortcutArgs,

    #[command(flatten)]
    data: DataArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Those that are kept for testing
    Test,
    /// Those that are learnt from
    Train,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    args.mistakes.as_deref().map(picture_file::check).transpose()?;
    let mut trained = Trained::open(&args.run, &args.threads, &args.shortcuts, None)?;
    let wanted = Wanted { shape: trained.image_shape(), last: Some(&trained.config.data) };
    let config = args.data.config(args.dataset.as_deref(), wanted)?;
    let (mut split, _) = data::load(config, &args.data.cifar10, false)?;
    if args.dataset.is_none() {
        data::limit(&mut split, trained.config.limit, trained.config.training.seed);
    }
    let (part, images) = part(args.part, &split);
    let evaluation = trained.model.evaluate(images)?;
    if args.json {
        say(json(images, part, &evaluation))?;
    } else {
        print(images, part, &evaluation)?;
    }
    let Some(path) = args.mistakes else { return Ok(()) };
    picture_file::write(&path, &mistakes(images, &evaluation))?;
    if args.json { Ok(()) } else { say(format_args!("\nThe surest mistakes: {}", path.display())) }
}

fn part(part: Part, split: &Split) -> (&'static str, &Dataset) {
    match part {
        Part::Test => ("test", &split.test),
        Part::Train => ("train", &split.train),
    }
}

fn print(images: &Dataset, part: &str, evaluation: &Evaluation) -> Result<(), Failure> {
    let confusion = &evaluation.confusion;
    say(format_args!("{}: {}\n", images.name(), results::headline(evaluation, part)))?;
    if let Some(matrix) = results::matrix(confusion, width()) {
        say("What is taken for what (rows: the class that it is; columns: what the model says)")?;
        say(matrix)?;
    }
    say(evaluation.report())?;
    say(evaluation.scores)?;
    tell(&results::weakest(confusion))?;
    tell(&results::most_confused(confusion))
}

fn json(images: &Dataset, part: &str, evaluation: &Evaluation) -> String {
    let report = evaluation.report();
    let classes: Vec<_> = (report.classes.iter().zip(&report.scores))
        .map(|(class, scores)| {
            json!({
                "class": class,
                "precision": scores.precision,
                "recall": scores.recall,
                "f1": scores.f1,
                "support": scores.support,
            })
        })
        .collect();
    let rows: Vec<_> = evaluation.confusion.counts().chunks(report.classes.len()).collect();
    let scores = evaluation.scores.entries().map(|(metric, value)| (metric.name(), value));
    let scores: Map<_, _> = scores.into_iter().map(|(key, x)| (key.to_owned(), json!(x))).collect();
    let all = json!({
        "data": images.name(),
        "part": part,
        "images": images.len(),
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "scores": scores,
        "classes": classes,
        "confusion_matrix": rows,
    });
    format!("{all:#}")
}

fn mistakes(images: &Dataset, evaluation: &Evaluation) -> lenslet_report::Picture {
    let classes = images.classes();
    let predictions: Vec<_> = (evaluation.mistakes.iter().take(MISTAKES))
        .map(|mistake| Prediction {
            pixels: images.image(mistake.index),
            predicted: &classes[mistake.predicted],
            probability: mistake.probability,
            truth: Some(&classes[mistake.truth]),
        })
        .collect();
    predictions_grid(&predictions, images.image_shape(), "The surest mistakes")
}
