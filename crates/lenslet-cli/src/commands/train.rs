//! `lenslet train`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use lenslet_data::Split;
use lenslet_engine::{Phase, Profile, Shortcut};
use lenslet_kernels::Isa;
use lenslet_model::Metric;
use lenslet_store::{
    CheckpointWriter, DataConfig, HistoryRow, Run, RunConfig, RunFile, RunResult, SavedModel,
    TrainingConfig, run_name,
};
use lenslet_train::{Checkpoint, Compile, Evaluation, Fit, History, Model, OnNan, verdict};

use crate::callbacks::{CallbackArgs, Callbacks, metrics};
use crate::console::{counted, note, say, tell, width};
use crate::data::{self, DataArgs, Wanted};
use crate::failure::Failure;
use crate::loss::LossArgs;
use crate::machine::{self, ShortcutArgs, ThreadArgs};
use crate::model_choice::ModelChoice;
use crate::optimizer::OptimizerArgs;
use crate::progress::{Verbosity, Watch};
use crate::resume::{Begun, ResumeArgs};
use crate::schedule::{Length, ScheduleArgs};
use crate::unsaved::Unsaved;
use crate::{interrupt, results, run_folder};

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
    /// synthetic (built in), cifar10, or the path of a folder of images [default: synthetic]
    ///
    /// A folder of images has train/CLASS/*.jpg and test/CLASS/*.jpg (or val/), or only CLASS/*.jpg:
    /// then a share of every class is held out for testing. JPEG, PNG, GIF, BMP and WebP of any size.
    dataset: Option<String>,

    #[command(flatten)]
    data: DataArgs,

    /// Use only so many of the training images, the first in the seed's order [default: all]
    #[arg(long, value_name = "N", help_heading = "Data", value_parser = at_least_one)]
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
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,

    /// Images per step [default: 10]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    batch_size: Option<usize>,

    #[command(flatten)]
    optimizer: OptimizerArgs,

    #[command(flatten)]
    schedule: ScheduleArgs,

    #[command(flatten)]
    loss: LossArgs,

    /// Tell more of the validation images after each epoch: top_5_accuracy, precision_macro,
    /// recall_macro, f1_macro, f1_micro, f1_weighted, roc_auc, cohen_kappa, matthews_correlation,
    /// expected_calibration_error [default: loss and accuracy alone]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    metrics: Vec<Metric>,

    /// What the initial weights, the order of the images and dropout grow from [default: 42]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Where the loss or the weights stop being numbers: stop, or rollback to where the epoch began
    /// and go on with half the learning rate, at most three times [default: stop]
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
  lenslet train --model net.toml --limit 2000    a network of your own, tried on fewer images
  lenslet train --config runs/synthetic-cnn/config.toml    once more, bit for bit
  lenslet train --resume runs/synthetic-cnn      on from where it was broken off";

/// For counts that cannot be 0.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("it must be a whole number, at least 1".to_owned()),
    }
}

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
    let evaluation = model.evaluate(&split.test)?;
    unsaved.note("the evaluation", run_folder::write_evaluation(&run, &evaluation));
    unsaved.note("--tensorboard", callbacks.finish(&evaluation));
    unsaved.note("the checkpoint", writer.finish());
    let stopped = history.stopped && interrupt::signal().is_some();
    if !stopped && unsaved.check().is_ok() {
        unsaved.note("the result", write_result(&run, &config, &history, &evaluation));
    }
    if !quiet {
        conclude(&run, &history, &evaluation, seconds, callbacks.restored())?;
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
    evaluation: &Evaluation,
) -> Result<(), Failure> {
    let number = |value: f64| Some(value).filter(|value| value.is_finite());
    let result = RunResult {
        epochs: config.training.epochs,
        trained: history.epochs.len(),
        ended: history.stopped,
        test_loss: number(evaluation.loss),
        test_accuracy: number(evaluation.accuracy),
    };
    Ok(run.write(RunFile::Result, result.to_json().as_bytes())?)
}

/// What is told before training.
fn introduce(run: &Run, split: &Split, model: &Model) -> Result<(), Failure> {
    tell(&format!("Run: {}", run.folder().display()))?;
    tell(&format!("Data: {}", data::describe(split)))?;
    tell(&format!("Classes: {}", data::classes(&split.train)))?;
    say(format_args!("\n{}", model.network().summary(width())))
}

/// What is told after it.
fn conclude(
    run: &Run,
    history: &History,
    evaluation: &Evaluation,
    seconds: f64,
    restored: Option<usize>,
) -> Result<(), Failure> {
    say("")?;
    if history.stopped {
        tell(&format!("Stopped in epoch {}; what was learnt is kept.", history.epochs.len()))?;
    }
    if interrupt::signal().is_some() && history.stopped {
        tell(&format!("To go on: lenslet train --resume {}", run.folder().display()))?;
    }
    if let Some(epoch) = restored {
        tell(&format!("The weights of the best epoch, {epoch}, are those that stayed."))?;
    }
    let headline = results::headline(evaluation, "test");
    tell(&format!("Trained for {seconds:.1} s: {headline}"))?;
    tell(&results::weakest(&evaluation.confusion))?;
    tell(&results::most_confused(&evaluation.confusion))?;
    tell(&verdict(history).to_string())?;
    let folder = run.folder().display();
    say(format_args!(
        "\nIn {folder}:\n  \
         samples, accuracy, loss, confusion_matrix  pictures (.png and .svg)\n  \
         classification_report.txt, history.csv     numbers\n  \
         weights.safetensors, model.json            the model\n  \
         config.toml                                repeats the run (--config)\n\n\
         Next:\n  lenslet evaluate {folder}\n  lenslet predict {folder} IMAGE"
    ))
}

/// Where the time went.
fn tell_profile(run: &Run, profile: &Profile) -> Result<(), Failure> {
    let step = profile.total(None, Phase::Step).time / profile.threads() as u32;
    say(format_args!(
        "\nWhere the {:.1} s of {} went, on {}:\n\n{profile}",
        step.as_secs_f64(),
        counted(profile.steps(), "training step"),
        counted(profile.threads(), "thread"),
    ))?;
    tell(&format!(
        "GFLOP/s by the definition, and as made: without skipped zeros, with Winograd's fewer \
         multiplications. Time line of the first {}: {}",
        counted(profile.traced_steps(), "step"),
        run.path(RunFile::Profile).display()
    ))
}

/// All that the arguments say, checked as far as that goes without the images.
struct Settings {
    args: DataArgs,
    data: DataConfig,
    model: ModelChoice,
    training: TrainingConfig,
    schedule: ScheduleArgs,
    loss: LossArgs,
    callbacks: CallbackArgs,
    resume: ResumeArgs,
    /// The run to go on with.
    begun: Option<Begun>,
    limit: Option<usize>,
    isa: Isa,
    without: Vec<Shortcut>,
    threads: ThreadArgs,
    out: Option<PathBuf>,
    name: Option<String>,
    verbosity: Verbosity,
    quiet: bool,
    profile: bool,
}

impl Settings {
    fn new(args: Args) -> Result<Self, Failure> {
        let Args { dataset, data: data_args, limit, training: options, .. } = args;
        let (callbacks, resume, output) = (args.callbacks, args.resume, args.output);
        let begun = resume.begun()?;
        let last = match &begun {
            Some(begun) => Some(begun.config.clone()),
            None => options.config.as_deref().map(RunConfig::read).transpose()?,
        };
        let mut training = training(&options, last.as_ref())?;
        callbacks.apply(&mut training)?;
        let model = match (&options.model, &last) {
            (None, Some(last)) => ModelChoice::Described(last.model.clone()),
            (name, _) => ModelChoice::new(name.as_deref().unwrap_or("cnn"))?,
        };
        let wanted = Wanted { shape: model.image_shape(), last: last.as_ref().map(|l| &l.data) };
        let verbosity = match (output.quiet, output.verbose) {
            (true, _) | (_, 0) => Verbosity::Silent,
            (_, 1) => Verbosity::Bar,
            _ => Verbosity::Lines,
        };
        Ok(Self {
            data: data_args.config(dataset.as_deref(), wanted)?,
            args: data_args,
            model,
            training,
            schedule: options.schedule,
            loss: options.loss,
            callbacks,
            resume,
            begun,
            limit: limit.or(last.as_ref().and_then(|last| last.limit)),
            isa: isa(last.as_ref())?,
            without: options.shortcuts.without(last.as_ref().map_or(&[], |last| &last.without)),
            threads: options.threads,
            out: output.out,
            name: output.name,
            verbosity,
            quiet: output.quiet,
            profile: output.profile,
        })
    }

    /// Reads the images and fits the model to them; what cannot be trained is refused here.
    fn prepare(&self) -> Result<(Split, RunConfig, SavedModel), Failure> {
        let (mut split, data) = data::load(self.data.clone(), &self.args.cifar10, self.quiet)?;
        data::limit(&mut split, self.limit, self.training.seed);
        trainable(&split, self.limit)?;
        let model = self.model.fitted_to(&split.train)?;
        let saved = SavedModel::new(model.clone(), split.train.classes().to_vec());
        saved.check()?;
        let mut training = self.training.clone();
        let steps_per_epoch = split.train.len().div_ceil(training.batch_size);
        let length = Length { epochs: training.epochs, steps_per_epoch };
        self.schedule.apply(&mut training.optimizer, length)?;
        self.loss.weigh(&mut training.loss, &split.train)?;
        let config = RunConfig {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            isa: self.isa.name().to_owned(),
            without: self.without.clone(),
            limit: self.limit,
            data,
            training,
            model,
        };
        let config = match &self.begun {
            Some(begun) => begun.config(&config)?,
            None => config,
        };
        Ok((split, config, saved))
    }

    /// The run's folder, which is made where it is new.
    fn folder(&self, config: &RunConfig) -> Result<Run, Failure> {
        if let Some(begun) = &self.begun {
            return Ok(begun.run.clone());
        }
        let run = match (&self.out, &self.name) {
            (Some(out), _) => Run::create_at(out),
            (None, Some(name)) => Run::create(Path::new("runs"), name),
            (None, None) => {
                let name = run_name(&data::title(&config.data), &config.model.name);
                Run::create(Path::new("runs"), &name)
            }
        };
        Ok(run?)
    }
}

/// How to train: the options, else the last run's, else the tutorial's.
fn training(options: &TrainingArgs, last: Option<&RunConfig>) -> Result<TrainingConfig, Failure> {
    let last = last.map(|last| &last.training);
    let config = TrainingConfig {
        epochs: options.epochs.or(last.map(|l| l.epochs)).unwrap_or(10),
        batch_size: options.batch_size.or(last.map(|l| l.batch_size)).unwrap_or(10),
        seed: options.seed.or(last.map(|l| l.seed)).unwrap_or(42),
        shuffle: last.is_none_or(|l| l.shuffle),
        on_nan: options.on_nan.or(last.map(|l| l.on_nan)).unwrap_or_default(),
        early_stopping: last.and_then(|l| l.early_stopping.clone()),
        reduce_lr_on_plateau: last.and_then(|l| l.reduce_lr_on_plateau.clone()),
        metrics: match (&options.metrics[..], last) {
            ([], Some(last)) => last.metrics.clone(),
            (asked, _) => asked.to_vec(),
        },
        optimizer: options.optimizer.optimizer(last.map(|l| &l.optimizer))?,
        loss: options.loss.loss(last.map(|l| &l.loss))?,
    };
    if config.epochs == 0 {
        return Err(Failure::usage("epochs = 0: there is nothing to do; give at least 1"));
    }
    Ok(config)
}

/// The instruction set: that asked for, else that of the run which is repeated, else the best.
fn isa(last: Option<&RunConfig>) -> Result<Isa, Failure> {
    let best = Isa::detect();
    match (machine::isa_asked_for()?, last) {
        (Some(isa), _) => Ok(isa),
        (None, None) => Ok(best),
        (None, Some(last)) => Ok(last.isa.parse().unwrap_or_else(|_| {
            note(format_args!(
                "the run was made with {}, which this CPU lacks; {best} rounds sums differently, \
                 so the last digits will differ",
                last.isa
            ));
            best
        })),
    }
}

fn trainable(split: &Split, limit: Option<usize>) -> Result<(), Failure> {
    let refusal = match split.train.check_trainable() {
        Err(error) => error.to_string(),
        Ok(()) if split.test.is_empty() => format!(
            "data set `{}` has no image to test on; put some into test/, or leave test/ out",
            split.test.name()
        ),
        Ok(()) => return Ok(()),
    };
    match limit {
        Some(limit) if limit <= split.train.len() => {
            Err(Failure::failed(format!("with --limit {limit}: {refusal}; or raise the limit")))
        }
        _ => Err(Failure::failed(refusal)),
    }
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
