//! `lenslet evaluate`.

use std::path::PathBuf;

use clap::ValueEnum;
use lenslet_data::{Dataset, Split};
use lenslet_model::Metric;
use lenslet_train::{ClassScores, Evaluation, LabelEvaluation};
use serde_json::{Map, Value, json};

use crate::console::{say, tell, width};
use crate::data::{self, DataArgs, Wanted};
use crate::failure::Failure;
use crate::findings::Findings;
use crate::machine::{ShortcutArgs, ThreadArgs};
use crate::picture_file;
use crate::results;
use crate::trained::Trained;

/// Try a run's model on images: loss, accuracy, what is taken for what, scores per class.
///
/// Without a data set this takes the test images of the run's own data. Where images have any number of
/// labels, it tells of each label how often it was said and missed, rightly and wrongly.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's folder, as `lenslet train` left it
    run: PathBuf,

    /// synthetic, scenes, cifar10, or the path of a folder of images [default: the run's own data]
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
    let findings = Findings::of(&mut trained.model, images)?;
    if args.json {
        say(format_args!("{:#}", json(images, part, &findings)))?;
    } else {
        print(images, part, &findings)?;
    }
    let Some(path) = args.mistakes else { return Ok(()) };
    picture_file::write(&path, &findings.mistakes(images))?;
    if args.json { Ok(()) } else { say(format_args!("\nThe surest mistakes: {}", path.display())) }
}

fn part(part: Part, split: &Split) -> (&'static str, &Dataset) {
    match part {
        Part::Test => ("test", &split.test),
        Part::Train => ("train", &split.train),
    }
}

fn print(images: &Dataset, part: &str, findings: &Findings) -> Result<(), Failure> {
    say(format_args!("{}: {}\n", images.name(), findings.headline(part)))?;
    if let Findings::Classes(Evaluation { confusion, .. }) = findings
        && let Some(matrix) = results::matrix(confusion, width())
    {
        say("What is taken for what (rows: the class that it is; columns: what the model says)")?;
        say(matrix)?;
    }
    say(findings.report())?;
    if let Findings::Classes(evaluation) = findings {
        say(evaluation.scores)?;
    }
    findings.weaknesses().iter().try_for_each(|weakness| tell(weakness))
}

fn json(images: &Dataset, part: &str, findings: &Findings) -> Value {
    let [loss, accuracy] = findings.loss_and_accuracy();
    let mut all = json!({
        "data": images.name(),
        "part": part,
        "images": images.len(),
        "loss": loss,
        "accuracy": accuracy,
    });
    let more = match findings {
        Findings::Classes(evaluation) => of_classes(evaluation),
        Findings::Labels(evaluation) => of_labels(evaluation),
    };
    all.as_object_mut().expect("it is one").extend(more);
    all
}

fn of_classes(evaluation: &Evaluation) -> Map<String, Value> {
    let report = evaluation.report();
    let classes: Vec<_> = (report.classes.iter().zip(&report.scores))
        .map(|(class, scores)| {
            let mut class = named("class", class);
            class.extend(of_scores(scores));
            class
        })
        .collect();
    let rows: Vec<_> = evaluation.confusion.counts().chunks(report.classes.len()).collect();
    let more = [
        ("scores", json!(of_metrics(&evaluation.scores.entries()))),
        ("classes", json!(classes)),
        ("confusion_matrix", json!(rows)),
    ];
    more.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

fn of_labels(LabelEvaluation { report, .. }: &LabelEvaluation) -> Map<String, Value> {
    let labels: Vec<_> = (report.classes.iter().zip(&report.counts).zip(&report.aucs))
        .map(|((name, counts), auc)| {
            let mut label = named("label", name);
            label.extend(of_scores(&counts.scores()));
            let numbers = [
                ("roc_auc", json!(auc)),
                ("true_positives", json!(counts.true_positives)),
                ("false_negatives", json!(counts.false_negatives)),
                ("false_positives", json!(counts.false_positives)),
                ("true_negatives", json!(counts.true_negatives)),
            ];
            label.extend(numbers.map(|(key, value)| (key.to_owned(), value)));
            label
        })
        .collect();
    let more = [("scores", json!(of_metrics(&report.entries()))), ("labels", json!(labels))];
    more.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

fn named(key: &str, name: &str) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), json!(name))])
}

fn of_scores(scores: &ClassScores) -> Map<String, Value> {
    let ClassScores { precision, recall, f1, support } = scores;
    let numbers = [
        ("precision", json!(precision)),
        ("recall", json!(recall)),
        ("f1", json!(f1)),
        ("support", json!(support)),
    ];
    numbers.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

fn of_metrics(metrics: &[(Metric, Option<f64>)]) -> Map<String, Value> {
    metrics.iter().map(|(metric, value)| (metric.name().to_owned(), json!(value))).collect()
}
