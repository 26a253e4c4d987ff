//! `lenslet train`.

mod settings;
mod words;

use std::path::PathBuf;
use std::time::Instant;

use lenslet_data::Split;
use lenslet_model::Metric;
use lenslet_store::{
    CheckpointWriter, HistoryRow, Run, RunConfig, RunFile, RunResult, TrainingConfig,
};
use lenslet_train::{Checkpoint, Compile, Fit, History, Model, OnNan};

use crate::callbacks::{CallbackArgs, Callbacks, metrics};
use crate::data::DataArgs;
use crate::failure::Failure;
use crate::findings::Findings;
use crate::loss::LossArgs;
use crate::machine::{ShortcutArgs, ThreadArgs};
use crate::number::{at_least_one, natural};
use crate::optimizer::OptimizerArgs;
use crate::progress::{Verbosity, Watch};
use crate::resume::{Begun, ResumeArgs};
use crate::schedule::ScheduleArgs;
use crate::unsaved::Unsaved;
use crate::{interrupt, run_folder};
use settings::Settings;
use words::{conclude, introduce, tell_profile};

/// Train a network and leave a folder with all that it learnt.
///
/// Without arguments this trains the tutorial's convolutional network on the built-in pictures:
/// nothing is downloaded. After each epoch the network is tried on images that it does not learn
/// from. At the end, or after Ctrl-C, the run's folder holds the model, its history, pictures of
/// both, and config.toml, which repeats the run exactly. Whatever breaks it off, --resume goes on
/// with it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// synthetic or scenes (built in), cifar10, or the path of a folder of images [default: synthetic]
    ///
    /// A folder of images has train/CLASS/*.jpg and test/CLASS/*.jpg (or val/), or only CLASS/*.jpg:
    /// then a share of every class is held out for testing. JPEG, PNG, GIF, BMP and WebP of any size.
    ///
    /// Where images have any number of labels, the folder has a file labels.csv (or train/ and test/
    /// have one each): a line `file,labels`, then lines such as `a.jpg,cat|dog`; or a line
    /// `file,cat,dog`, then lines such as `a.jpg,1,1`. scenes are built-in images of that kind. The loss
    /// is binary_crossentropy then, and the network ends with a sigmoid.
    dataset: Option<String>,

    #[command(flatten)]
    data: DataArgs,

    /// Use only so many of the training images, the first in the seed's order [default: all]
    #[arg(long, value_name = "N", help_heading = "Data", value_parser = at_least_one, allow_negative_numbers = true)]
    limit: Option<usize>,

    #[command(flatten)]
    training: TrainingArgs,

    #[command(flatten)]
    callbacks: CallbackArgs,

    #[command(flatten)]
    resume: ResumeArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// What is learnt, and how.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model and training")]
struct TrainingArgs {
    /// The network: a name that `lenslet models` lists, or a file that describes one [default: cnn]
    #[arg(long, value_name = "NAME|FILE.toml")]
    model: Option<String>,

    /// How often every image is seen [default: 10]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    epochs: Option<usize>,

    /// Images per step [default: 10]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    batch_size: Option<usize>,

    #[command(flatten)]
    optimizer: OptimizerArgs,

    #[command(flatten)]
    schedule: ScheduleArgs,

    #[command(flatten)]
    loss: LossArgs,

    /// Tell more of the training and the validation images after each epoch: precision, recall, precision_macro,
    /// recall_macro, f1_macro, f1_micro, f1_weighted, roc_auc, exact_match; where each has one class
    /// also top_5_accuracy, cohen_kappa, matthews_correlation, expected_calibration_error
    /// [default: loss and accuracy alone]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    metrics: Vec<Metric>,

    /// What the initial weights, the order of the images and dropout grow from [default: 42]
    #[arg(long, value_name = "N", value_parser = natural, allow_negative_numbers = true)]
    seed: Option<u64>,

    /// Where the loss or the weights stop being numbers: stop (Keras's TerminateOnNaN), or rollback to
    /// where the epoch began and go on with half the learning rate, at most three times [default: stop]
    #[arg(long, value_name = "stop|rollback")]
    on_nan: Option<OnNan>,

    #[command(flatten)]
    threads: ThreadArgs,

    #[command(flatten)]
    shortcuts: ShortcutArgs,

    /// Repeat the run of this config.toml exactly, but for the options that are given beside it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Where it goes, and what is told.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// The run's folder; must be new or empty [default: runs/DATASET-MODEL, numbered]
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    out: Option<PathBuf>,

    /// The run's name: the folder is runs/NAME, numbered where there is one already
    #[arg(long)]
    name: Option<String>,

    /// While it trains, show 0: nothing, 1: a progress bar, 2: a line per epoch
    #[arg(long, value_name = "0|1|2", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(0..=2))]
    verbose: u8,

    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,

    /// Tell where the time of the training steps goes, layer by layer; profile.json in the run's
    /// folder then shows the first 20 steps on a time line (open it in chrome://tracing or at
    /// ui.perfetto.dev)
    #[arg(long)]
    profile: bool,
}

/// Steps whose single spans a profile keeps: some hundred kilobytes for a small network.
const TRACED_STEPS: usize = 20;

const EXAMPLES: &str = "\
Examples:
  lenslet train                                  the tutorial's network on built-in pictures
  lenslet train cifar10 --epochs 20              on photographs (downloads 170 MB once)
  lenslet train photos --image-size 48x48        on a folder with a folder of images per class
  lenslet train scenes --metrics f1_macro        on built-in images with several labels each
  lenslet train --model net.toml --limit 2000    a network of your own, tried on fewer images
  lenslet train --config runs/synthetic-cnn/config.toml    once more, bit for bit
  lenslet train --resume runs/synthetic-cnn      on from where it was broken off";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let settings = Settings::new(args)?;
    let quiet = settings.quiet;
    let (split, config, saved) = settings.prepare()?;
    if let Some(begun) = &settings.begun
        && begun.finished(&config, quiet)?
    {
        return Ok(());
    }
    interrupt::listen()?;
    let run = settings.folder(&config)?;
    let _lock = if settings.begun.is_none() { Some(run.lock()?) } else { None };
    run.write_config(&config)?;
    run_folder::write_samples(&run, &split.train)?;

    let TrainingConfig { optimizer, loss, .. } = config.training.clone();
    let options = settings.threads.options(settings.isa, &config);
    let metrics = metrics(&config.training.metrics);
    let mut model = saved.model.clone().compile_with(optimizer, loss, &metrics, options)?;
    if !quiet {
        introduce(&run, &split, &model)?;
    }
    let checkpoint = |begun: &Begun| begun.checkpoint(&config, quiet);
    let from = settings.begun.as_ref().map(checkpoint).transpose()?.flatten();
    if settings.profile {
        model.start_profile(TRACED_STEPS);
    }
    let unsaved = Unsaved::default();
    let mut callbacks = settings.callbacks.begin(&run, &saved, &config, &unsaved)?;
    let mut writer = settings.resume.writer(&run, &config);
    let mut training = Training {
        config: &config,
        from,
        writer: &mut writer,
        callbacks: &mut callbacks,
        verbosity: settings.verbosity,
    };
    let start = Instant::now();
    let history = training.fit(&mut model, &split)?;
    let seconds = start.elapsed().as_secs_f64();

    let profile = model.take_profile();
    unsaved.note("the settings", again_if_gone(&run, &config, &split));
    unsaved.note("the model", run.write_model(&saved, &model.weights()));
    unsaved.note("the history", write_history(&run, &history));
    if let Some(profile) = &profile {
        let trace = profile.chrome_trace();
        unsaved.note("the profile", run.write(RunFile::Profile, trace.as_bytes()));
    }
    let findings = Findings::of(&mut model, &split.test)?;
    unsaved.note("the evaluation", run_folder::write_evaluation(&run, &findings));
    unsaved.note("--tensorboard", callbacks.finish(&findings));
    unsaved.note("the checkpoint", writer.finish());
    let stopped = history.stopped && interrupt::signal().is_some();
    if !stopped && unsaved.check().is_ok() {
        unsaved.note("the result", write_result(&run, &config, &history, &findings));
    }
    if !quiet {
        conclude(&run, &history, &findings, seconds, callbacks.restored())?;
        profile.iter().try_for_each(|profile| tell_profile(&run, profile))?;
    }
    unsaved.check()?;
    interrupt::signal().map_or(Ok(()), |signal| Err(Failure::Interrupted(signal)))
}

/// Writes what the run began with where somebody has removed it since.
fn again_if_gone(run: &Run, config: &RunConfig, split: &Split) -> Result<(), Failure> {
    if run.path(RunFile::Config).exists() {
        return Ok(());
    }
    run.make_again()?;
    run.write_config(config)?;
    run_folder::write_samples(run, &split.train)
}

/// In numbers and drawn.
fn write_history(run: &Run, history: &History) -> Result<(), Failure> {
    let rows: Vec<_> = history.epochs.iter().map(HistoryRow::from).collect();
    run.write_history(&rows)?;
    run_folder::write_curves(run, &rows)
}

/// Says that the run is finished: after everything else.
fn write_result(
    run: &Run,
    config: &RunConfig,
    history: &History,
    findings: &Findings,
) -> Result<(), Failure> {
    let [loss, accuracy] = findings.loss_and_accuracy();
    let number = |value: f64| Some(value).filter(|value| value.is_finite());
    let result = RunResult {
        epochs: config.training.epochs,
        trained: history.epochs.len(),
        ended: history.stopped,
        test_loss: number(loss),
        test_accuracy: number(accuracy),
    };
    Ok(run.write(RunFile::Result, result.to_json().as_bytes())?)
}

/// What a training goes by.
struct Training<'a, 'b> {
    config: &'a RunConfig,
    from: Option<Checkpoint>,
    writer: &'a mut CheckpointWriter,
    callbacks: &'a mut Callbacks<'b>,
    verbosity: Verbosity,
}

impl Training<'_, '_> {
    fn fit(&mut self, model: &mut Model, split: &Split) -> Result<History, Failure> {
        let TrainingConfig { epochs, batch_size, seed, shuffle, on_nan, .. } = self.config.training;
        let validation = Some(&split.test);
        let fit = Fit { epochs, batch_size, seed, shuffle, validation, on_nan };
        let mut watch = Watch::new(self.verbosity);
        let mut observers = self.callbacks.with(&mut watch);
        let from = self.from.take();
        let history = model.fit_kept(&split.train, fit, from, self.writer, &mut observers);
        watch.close();
        Ok(history?)
    }
}
