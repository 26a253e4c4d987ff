//! What a training is told: the arguments, the run that is repeated or gone on with, the defaults.

use std::path::{Path, PathBuf};

use lenslet_data::{Dataset, Labels, Split};
use lenslet_engine::Shortcut;
use lenslet_kernels::Isa;
use lenslet_model::Metric;
use lenslet_store::{DataConfig, Run, RunConfig, SavedModel, TrainingConfig, run_name};

use super::{Args, TrainingArgs};
use crate::callbacks::CallbackArgs;
use crate::console::note;
use crate::data::{self, DataArgs, Wanted};
use crate::failure::Failure;
use crate::loss::LossArgs;
use crate::machine::{self, ThreadArgs};
use crate::model_choice::ModelChoice;
use crate::progress::Verbosity;
use crate::resume::{Begun, ResumeArgs};
use crate::schedule::{Length, ScheduleArgs};

/// All that the arguments say, checked as far as that goes without the images.
pub(super) struct Settings {
    args: DataArgs,
    data: DataConfig,
    model: ModelChoice,
    training: TrainingConfig,
    schedule: ScheduleArgs,
    loss: LossArgs,
    pub(super) callbacks: CallbackArgs,
    pub(super) resume: ResumeArgs,
    /// The run to go on with.
    pub(super) begun: Option<Begun>,
    limit: Option<usize>,
    pub(super) isa: Isa,
    without: Vec<Shortcut>,
    pub(super) threads: ThreadArgs,
    out: Option<PathBuf>,
    name: Option<String>,
    pub(super) verbosity: Verbosity,
    pub(super) quiet: bool,
    pub(super) profile: bool,
}

impl Settings {
    pub(super) fn new(args: Args) -> Result<Self, Failure> {
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
    pub(super) fn prepare(&self) -> Result<(Split, RunConfig, SavedModel), Failure> {
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
        self.loss.fit_to(&mut training.loss, &split.train)?;
        check_metrics(&training.metrics, &split.train)?;
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
    pub(super) fn folder(&self, config: &RunConfig) -> Result<Run, Failure> {
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

/// Refuses metrics that have no meaning for these images.
fn check_metrics(metrics: &[Metric], images: &Dataset) -> Result<(), Failure> {
    let idle = metrics.iter().find(|metric| !metric.takes_many_labels());
    match (images.labels(), idle) {
        (Labels::MultiHot(_), Some(metric)) => Err(Failure::usage(format!(
            "--metrics {metric} is for images of one class each, but those of {} have any number of \
             labels; leave it out",
            images.name()
        ))),
        _ => Ok(()),
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
