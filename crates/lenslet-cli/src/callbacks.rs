//! What steers a training and what watches it, from the arguments.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lenslet_model::Metric;
use lenslet_report::{Setting, TensorBoard};
use lenslet_store::{CsvLogger, Run, RunConfig, SavedModel, TrainingConfig, write_weights};
use lenslet_train::{
    EarlyStopping, ModelCheckpoint, Observer, Observers, Plan, Quantity, ReduceLROnPlateau,
    SaveWhen,
};

use crate::failure::Failure;
use crate::findings::Findings;
use crate::number::{count, real};
use crate::unsaved::{Tolerant, Unsaved};

/// What ends, changes and records a training.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Callbacks")]
pub(crate) struct CallbackArgs {
    /// End when N epochs in a row were no better
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    early_stopping: Option<usize>,

    /// With --early-stopping: keep the weights of the best epoch, not of the last
    #[arg(long)]
    restore_best: bool,

    /// Multiply the learning rate by --reduce-lr-factor when N epochs in a row were no better
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    reduce_lr: Option<usize>,

    /// With --reduce-lr: what the rate is multiplied by [default: 0.1]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, value_parser = real)]
    reduce_lr_factor: Option<f64>,

    /// What the two, and --checkpoint best, look at: val_loss, val_accuracy, loss, accuracy, or
    /// f1_macro, val_f1_macro and the like of --metrics [default: val_loss]
    #[arg(long, value_name = "QUANTITY")]
    monitor: Option<Quantity>,

    /// What is better by no more than this is no better [default: 0; for --reduce-lr 0.0001]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = real)]
    min_delta: Option<f64>,

    /// Save weights while training, to checkpoints/ in the run's folder: after the best epoch, after
    /// each (last), or after every N. Can be given more than once
    #[arg(long, value_name = "best|last|N")]
    checkpoint: Vec<When>,

    /// Write the history so far to this file after every epoch
    #[arg(long, value_name = "FILE.csv")]
    csv_log: Option<PathBuf>,

    /// Write event files for TensorBoard to this folder
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
}

/// When weights are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Best,
    Last,
    Every(usize),
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Last => f.write_str("last"),
            Self::Every(epochs) => write!(f, "{epochs}"),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("best", _) => Ok(Self::Best),
            ("last", _) => Ok(Self::Last),
            (_, Ok(epochs @ 1..)) => Ok(Self::Every(epochs)),
            _ => Err("give best, last, or a number of epochs, at least 1".to_owned()),
        }
    }
}

impl CallbackArgs {
    /// Writes what changes results into the configuration, which repeats them.
    pub(crate) fn apply(&self, training: &mut TrainingConfig) -> Result<(), Failure> {
        if let Some(patience) = self.early_stopping {
            training.early_stopping.get_or_insert_default().patience = patience;
        }
        if let Some(patience) = self.reduce_lr {
            training.reduce_lr_on_plateau.get_or_insert_default().patience = patience;
        }
        let (stopping, reduce) = (&mut training.early_stopping, &mut training.reduce_lr_on_plateau);
        self.refuse_idle(stopping.is_some(), reduce.is_some())?;
        if let Some(stopping) = stopping {
            stopping.restore_best_weights |= self.restore_best;
            stopping.monitor = self.monitor.unwrap_or(stopping.monitor);
            stopping.min_delta = self.min_delta.unwrap_or(stopping.min_delta);
        }
        if let Some(reduce) = reduce {
            reduce.factor = self.reduce_lr_factor.unwrap_or(reduce.factor);
            reduce.monitor = self.monitor.unwrap_or(reduce.monitor);
            reduce.min_delta = self.min_delta.unwrap_or(reduce.min_delta);
        }
        // The program always validates: what is refused is a setting.
        let metrics = metrics(&training.metrics);
        let plan = Plan { epochs: training.epochs, steps: 1, validation: true, metrics: &metrics };
        let callbacks = [
            stopping.as_mut().map(|stopping| stopping.begin(&plan)),
            reduce.as_mut().map(|reduce| reduce.begin(&plan)),
        ];
        callbacks
            .into_iter()
            .flatten()
            .try_for_each(|checked| checked.map_err(|error| Failure::usage(error.to_string())))
    }

    /// Refuses an option that would do nothing.
    fn refuse_idle(&self, stopping: bool, reduce: bool) -> Result<(), Failure> {
        let monitored = stopping || reduce || self.checkpoint.contains(&When::Best);
        let cases = [
            ("--restore-best", self.restore_best && !stopping, "--early-stopping"),
            ("--reduce-lr-factor", self.reduce_lr_factor.is_some() && !reduce, "--reduce-lr"),
            ("--monitor", self.monitor.is_some() && !monitored, "--early-stopping"),
            ("--min-delta", self.min_delta.is_some() && !stopping && !reduce, "--early-stopping"),
        ];
        match cases.into_iter().find(|(_, idle, _)| *idle) {
            Some((flag, _, what)) => {
                Err(Failure::usage(format!("{flag} does nothing without {what}; add it, too")))
            }
            None => Ok(()),
        }
    }

    /// Everything that steers and records, ready to begin.
    pub(crate) fn begin<'a>(
        &self,
        run: &'a Run,
        saved: &'a SavedModel,
        config: &RunConfig,
        unsaved: &'a Unsaved,
    ) -> Result<Callbacks<'a>, Failure> {
        let board = self.tensorboard.as_deref().map(|folder| board(folder, run, config));
        let quantity = config.training.early_stopping.as_ref().map(|stopping| stopping.monitor);
        let monitor = self.monitor.or(quantity).unwrap_or_default();
        Ok(Callbacks {
            stopping: config.training.early_stopping.clone(),
            reduce: config.training.reduce_lr_on_plateau.clone(),
            checkpoints: self
                .checkpoint
                .iter()
                .map(|&when| {
                    let what = format!("--checkpoint {when}");
                    Tolerant::new(what, checkpoint(when, monitor, run, saved), unsaved)
                })
                .collect(),
            csv: self
                .csv_log
                .as_ref()
                .map(|path| Tolerant::new("--csv-log", CsvLogger::new(path), unsaved)),
            board: board.transpose()?.map(|board| Tolerant::new("--tensorboard", board, unsaved)),
        })
    }
}

/// All that a training tells beside the loss: accuracy always.
pub(crate) fn metrics(asked: &[Metric]) -> Vec<Metric> {
    let others = asked.iter().copied().filter(|&m| m != Metric::Accuracy);
    std::iter::once(Metric::Accuracy).chain(others).collect()
}

fn checkpoint<'a>(
    when: When,
    monitor: Quantity,
    run: &'a Run,
    saved: &'a SavedModel,
) -> ModelCheckpoint<'a> {
    let due = match when {
        When::Best => SaveWhen::Best(monitor),
        When::Last => SaveWhen::Last,
        When::Every(epochs) => SaveWhen::Every(epochs),
    };
    ModelCheckpoint::new(due, move |state, epoch| {
        let name = match when {
            When::Best => "best.safetensors".to_owned(),
            When::Last => "last.safetensors".to_owned(),
            When::Every(_) => format!("epoch-{:04}.safetensors", epoch.epoch),
        };
        let folder = run.folder().join("checkpoints");
        std::fs::create_dir_all(&folder)
            .map_err(|e| format!("cannot make the folder {}: {e}", folder.display()))?;
        Ok(write_weights(&folder.join(name), saved, &state.parameters)?)
    })
}

/// TensorBoard's files, with the settings of the run.
fn board(folder: &Path, run: &Run, config: &RunConfig) -> Result<TensorBoard, Failure> {
    let training = &config.training;
    let number = |n: usize| Setting::Number(n as f64);
    let settings = [
        ("model", Setting::Text(config.model.name.clone())),
        ("optimizer", Setting::Text(training.optimizer.name().to_owned())),
        ("learning_rate", Setting::Number(training.optimizer.learning_rate())),
        ("weight_decay", Setting::Number(training.optimizer.decay())),
        ("loss", Setting::Text(training.loss.function.name().to_owned())),
        ("batch_size", number(training.batch_size)),
        ("epochs", number(training.epochs)),
        ("seed", Setting::Number(training.seed as f64)),
        ("shuffle", Setting::Switch(training.shuffle)),
    ];
    let name = run.folder().file_name().map(|name| name.to_string_lossy().into_owned());
    TensorBoard::create(folder)
        .and_then(|mut board| {
            board.hparams(&name.unwrap_or_default(), settings)?;
            Ok(board)
        })
        .map_err(|e| unwritable(folder, &e))
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    let folder = folder.display();
    Failure::failed(format!(
        "--tensorboard: cannot write to {folder}: {error}; name another folder"
    ))
}

/// What steers and records a training.
pub(crate) struct Callbacks<'a> {
    stopping: Option<EarlyStopping>,
    reduce: Option<ReduceLROnPlateau>,
    checkpoints: Vec<Tolerant<'a, ModelCheckpoint<'a>>>,
    csv: Option<Tolerant<'a, CsvLogger>>,
    board: Option<Tolerant<'a, TensorBoard>>,
}

impl Callbacks<'_> {
    /// All of them, behind `first`.
    pub(crate) fn with<'a>(&'a mut self, first: &'a mut dyn Observer) -> Observers<'a> {
        let mut all: Vec<&mut dyn Observer> = vec![first];
        all.extend(self.stopping.as_mut().map(|o| o as &mut dyn Observer));
        all.extend(self.reduce.as_mut().map(|o| o as &mut dyn Observer));
        all.extend(self.checkpoints.iter_mut().map(|o| o as &mut dyn Observer));
        all.extend(self.csv.as_mut().map(|o| o as &mut dyn Observer));
        all.extend(self.board.as_mut().map(|o| o as &mut dyn Observer));
        Observers(all)
    }

    /// The best epoch, where its weights are those that stayed.
    pub(crate) fn restored(&self) -> Option<usize> {
        let stopping = self.stopping.as_ref().filter(|stopping| stopping.restore_best_weights);
        stopping.and_then(EarlyStopping::best_epoch)
    }

    /// Adds what was taken for what, or said of each label, to what TensorBoard shows.
    pub(crate) fn finish(&mut self, findings: &Findings) -> Result<(), Failure> {
        let Some(board) = self.board.as_mut().map(Tolerant::observer) else { return Ok(()) };
        let drawn = board.picture("confusion_matrix", &findings.picture());
        drawn.map_err(|e| unwritable(board.folder(), &e))
    }
}
