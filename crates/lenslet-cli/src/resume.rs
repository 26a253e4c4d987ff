//! Going on with a run that was broken off, and what makes that possible.

use std::path::PathBuf;
use std::time::Duration;

use lenslet_store::{CheckpointWriter, Difference, Run, RunConfig, RunLock, StoreError};
use lenslet_train::Checkpoint;

use crate::console::{counted, note, tell};
use crate::failure::Failure;
use crate::unsaved::Warning;

/// How a training survives.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Breaks")]
pub(crate) struct ResumeArgs {
    /// Go on with this run where it was broken off, with its settings, to the same bits as if it
    /// had not been
    ///
    /// --epochs may be more than it was to have. What records a run is not kept in it and given
    /// again: --checkpoint, --csv-log, --tensorboard, --checkpoint-minutes.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "out", "name"])]
    resume: Option<PathBuf>,

    /// Write a checkpoint to go on from after every epoch and every so many minutes [default: 5]
    #[arg(long, value_name = "MINUTES", value_parser = minutes, allow_negative_numbers = true)]
    checkpoint_minutes: Option<Duration>,
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = text.parse().ok().map(|minutes: f64| minutes * 60.0);
    let time = minutes.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "it must be a number, at least 0".to_owned())
}

/// A run that was begun before.
pub(crate) struct Begun {
    pub(crate) run: Run,
    pub(crate) config: RunConfig,
    _lock: RunLock,
}

impl ResumeArgs {
    /// The run to go on with, if one is asked for, which is now ours.
    pub(crate) fn begun(&self) -> Result<Option<Begun>, Failure> {
        let Some(folder) = &self.resume else { return Ok(None) };
        let run = Run::begun(folder)?;
        let lock = run.lock()?;
        let config = run.load_config()?;
        Ok(Some(Begun { run, config, _lock: lock }))
    }

    /// What writes the checkpoints of a run.
    pub(crate) fn writer(&self, run: &Run, config: &RunConfig) -> CheckpointWriter {
        let every = self.checkpoint_minutes.unwrap_or(Duration::from_secs(5 * 60));
        let mut warning = Warning::default();
        CheckpointWriter::new(run.checkpoints(config), every, move |error: &StoreError| {
            warning.say(format_args!("no checkpoint is written, but training goes on: {error}"));
        })
    }
}

impl Begun {
    /// The configuration to go on with: the run's, and the number of epochs that the arguments
    /// make it, which together with it have given `asked`.
    pub(crate) fn config(&self, asked: &RunConfig) -> Result<RunConfig, Failure> {
        let folder = self.run.folder().display();
        // Another instruction set that was not asked for has been remarked on.
        let comparable = RunConfig { isa: asked.isa.clone(), ..self.config.clone() };
        let comparable = if self.isa_is_missing() { &comparable } else { &self.config };
        let refuse = |Difference { setting, here, there }| {
            Failure::usage(format!(
                "{folder} has {setting} = {here}, and {there} was asked for; a run goes on with its \
                 own settings: leave that out, or begin a new run with --config {folder}/config.toml"
            ))
        };
        comparable.difference(asked).map(refuse).map_or(Ok(()), Err)?;
        let (had, asked_for) = (self.config.training.epochs, asked.training.epochs);
        if asked_for < had {
            return Err(Failure::usage(format!(
                "{folder} is to have {had} epochs, and {asked_for} were asked for; there may only \
                 be more of them"
            )));
        }
        if self.config.version != asked.version {
            note(format_args!(
                "{folder} was begun with version {}, this is {}: the last digits may differ",
                self.config.version, asked.version
            ));
        }
        let mut config = self.config.clone();
        config.training.epochs = asked_for;
        Ok(config)
    }

    fn isa_is_missing(&self) -> bool {
        self.config.isa.parse::<lenslet_kernels::Isa>().is_err()
    }

    /// The checkpoint to go on from; none where the run came to none. Says what was found.
    pub(crate) fn checkpoint(
        &self,
        config: &RunConfig,
        quiet: bool,
    ) -> Result<Option<Checkpoint>, Failure> {
        let found = self.run.checkpoints(config).newest()?;
        let words = match &found {
            None => "It goes on from the beginning: there is no checkpoint.".to_owned(),
            Some(found) => {
                for error in &found.damaged {
                    note(format_args!("{error}; the checkpoint before it is taken"));
                }
                let position = found.newest.position;
                match found.newest.ended {
                    true => "Early stopping has ended it: nothing is left to train.".to_owned(),
                    false => format!(
                        "It goes on in epoch {}, after step {}.",
                        position.epoch, position.step
                    ),
                }
            }
        };
        if !quiet {
            tell(&words)?;
        }
        Ok(found.map(|found| found.newest))
    }

    /// Says that there is nothing to do, where there is nothing.
    pub(crate) fn finished(&self, config: &RunConfig, quiet: bool) -> Result<bool, Failure> {
        let epochs = config.training.epochs;
        let Some(result) = self.run.result().filter(|result| result.is_final(epochs)) else {
            return Ok(false);
        };
        if !quiet {
            let folder = self.run.folder().display();
            let why = match result.ended {
                true => "early stopping ended it",
                false => "give more --epochs to train on",
            };
            let trained = counted(result.trained, "epoch");
            tell(&format!("{folder} is finished: it has trained for {trained}; {why}."))?;
        }
        Ok(true)
    }
}
