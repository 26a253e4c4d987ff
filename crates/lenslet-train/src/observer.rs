//! Watching, and ending, a training run from outside.

use std::time::Duration;

use lenslet_engine::Engine;
use lenslet_model::Metric;

use crate::{Epoch, Memory, TrainError};

/// Whether training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// It ends here; what was learnt so far is kept.
    Stop,
}

/// Where an epoch stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// From 1.
    pub epoch: usize,
    /// Epochs in the run.
    pub epochs: usize,
    /// Steps done in this epoch.
    pub step: usize,
    /// Steps in an epoch.
    pub steps: usize,
    /// Time since the epoch began.
    pub elapsed: Duration,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Accuracy of the epoch so far.
    pub accuracy: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
}

/// What a run is going to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Number of epochs.
    pub epochs: usize,
    /// Steps in each.
    pub steps: usize,
    /// Whether each ends with an evaluation on validation data.
    pub validation: bool,
    /// What is told beside the loss, of training and validation.
    pub metrics: &'a [Metric],
}

/// Sees a training run as it goes, and may steer it. Every method has a default that does nothing
/// and goes on.
pub trait Observer {
    /// Before the first step; nothing is trained where it fails.
    ///
    /// # Errors
    /// Where the run does not give what the observer needs.
    fn begin(&mut self, _plan: &Plan<'_>) -> Result<(), TrainError> {
        Ok(())
    }

    /// After each step.
    fn step(&mut self, _progress: &Progress) -> Flow {
        Flow::Continue
    }

    /// After each epoch, validation included; `progress` is that of its last step.
    fn epoch(&mut self, _progress: &Progress, _epoch: &Epoch) -> Flow {
        Flow::Continue
    }

    /// After each epoch that was not broken off, with the engine at hand.
    ///
    /// # Errors
    /// Whatever keeps the observer from its work; training ends there.
    fn steer(&mut self, _epoch: &Epoch, _engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        Ok(Flow::Continue)
    }

    /// Writes down what the observer must know to go on after a break, under the name of its kind.
    fn remember(&self, _memory: &mut Memory) {}

    /// Goes on after a break: called after [`Self::begin`] with the epochs until then and what
    /// [`Self::remember`] wrote down, of which the observer takes its own.
    ///
    /// # Errors
    /// Whatever keeps the observer from its work; nothing is trained then.
    fn recall(&mut self, _history: &[Epoch], _memory: &mut Memory) -> Result<(), TrainError> {
        Ok(())
    }

    /// A step left no numbers, and training goes back to where the epoch began, for the `times`-th
    /// time: see [`OnNan::Rollback`](crate::OnNan::Rollback). [`Self::recall`] comes next.
    fn rolled_back(&mut self, _why: &TrainError, _times: usize) {}

    /// When the run has ended, at its last epoch or before, but not by an error.
    ///
    /// # Errors
    /// Whatever keeps the observer from its work.
    fn end(&mut self, _engine: &mut dyn Engine) -> Result<(), TrainError> {
        Ok(())
    }
}

/// Several observers, each of which sees everything; one that says stop is enough.
#[derive(Default)]
pub struct Observers<'a>(pub Vec<&'a mut dyn Observer>);

impl Observers<'_> {
    fn all(&mut self, mut ask: impl FnMut(&mut dyn Observer) -> Flow) -> Flow {
        let answers = self.0.iter_mut().map(|observer| ask(&mut **observer));
        answers
            .fold(Flow::Continue, |flow, answer| if answer == Flow::Stop { answer } else { flow })
    }
}

impl Observer for Observers<'_> {
    fn begin(&mut self, plan: &Plan<'_>) -> Result<(), TrainError> {
        self.0.iter_mut().try_for_each(|observer| observer.begin(plan))
    }

    fn step(&mut self, progress: &Progress) -> Flow {
        self.all(|observer| observer.step(progress))
    }

    fn epoch(&mut self, progress: &Progress, epoch: &Epoch) -> Flow {
        self.all(|observer| observer.epoch(progress, epoch))
    }

    fn steer(&mut self, epoch: &Epoch, engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        self.0.iter_mut().try_fold(Flow::Continue, |flow, observer| {
            let answer = observer.steer(epoch, engine)?;
            Ok(if answer == Flow::Stop { answer } else { flow })
        })
    }

    fn remember(&self, memory: &mut Memory) {
        self.0.iter().for_each(|observer| observer.remember(memory));
    }

    fn recall(&mut self, history: &[Epoch], memory: &mut Memory) -> Result<(), TrainError> {
        self.0.iter_mut().try_for_each(|observer| observer.recall(history, memory))
    }

    fn rolled_back(&mut self, why: &TrainError, times: usize) {
        self.0.iter_mut().for_each(|observer| observer.rolled_back(why, times));
    }

    fn end(&mut self, engine: &mut dyn Engine) -> Result<(), TrainError> {
        self.0.iter_mut().try_for_each(|observer| observer.end(engine))
    }
}

/// Watches nothing.
impl Observer for () {}

/// Sees every epoch.
impl<F: FnMut(&Epoch) -> Flow> Observer for F {
    fn epoch(&mut self, _progress: &Progress, epoch: &Epoch) -> Flow {
        self(epoch)
    }
}
