//! Ends a training that does not get better.

use lenslet_engine::{Engine, State};
use serde::{Deserialize, Serialize};

use super::monitor::{Best, Quantity, check_min_delta};
use crate::{Epoch, Flow, Memory, Note, Observer, Plan, TrainError};

const NAME: &str = "early_stopping";

/// Ends a training when what it monitors has not got better for some epochs. Keras's rule: after
/// each epoch that is no better than the best by more than `min_delta`, one more is counted; at
/// `patience` it ends.
///
/// ```
/// use lenslet_train::EarlyStopping;
/// let stopping = EarlyStopping::new(3).min_delta(0.01).restore_best_weights();
/// assert_eq!(stopping.best_epoch(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// What it looks at; the validation loss.
    pub monitor: Quantity,
    /// Epochs without getting better that end the training; 0: the first one.
    pub patience: usize,
    /// What is better by no more than this is no better; 0.
    pub min_delta: f64,
    /// Whether the weights of the best epoch are those that stay; no: those of the last.
    pub restore_best_weights: bool,
    /// Epochs at the beginning that it does not look at; 0.
    pub start_from_epoch: usize,
    #[serde(skip)]
    best: Best,
    #[serde(skip)]
    best_epoch: Option<usize>,
    #[serde(skip)]
    best_weights: Option<Vec<f32>>,
    #[serde(skip)]
    waited: usize,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            monitor: Quantity::default(),
            patience: 0,
            min_delta: 0.0,
            restore_best_weights: false,
            start_from_epoch: 0,
            best: Best::default(),
            best_epoch: None,
            best_weights: None,
            waited: 0,
        }
    }
}

impl EarlyStopping {
    /// Ends a training whose validation loss has not got better for so many epochs.
    pub fn new(patience: usize) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Sets what it looks at.
    pub fn monitor(self, monitor: Quantity) -> Self {
        Self { monitor, ..self }
    }

    /// Sets what is no better.
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    /// Keeps the weights of the best epoch.
    pub fn restore_best_weights(self) -> Self {
        Self { restore_best_weights: true, ..self }
    }

    /// Sets how many epochs at the beginning it does not look at.
    pub fn start_from_epoch(self, start_from_epoch: usize) -> Self {
        Self { start_from_epoch, ..self }
    }

    /// The best epoch so far, counted from 1.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best_epoch
    }
}

impl Observer for EarlyStopping {
    fn begin(&mut self, plan: &Plan<'_>) -> Result<(), TrainError> {
        check_min_delta("EarlyStopping", self.min_delta)?;
        self.monitor.check("EarlyStopping", plan)?;
        (self.best, self.best_epoch, self.best_weights) = Default::default();
        self.waited = 0;
        Ok(())
    }

    fn steer(&mut self, epoch: &Epoch, engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        let Some(value) = self.monitor.of(epoch) else { return Ok(Flow::Continue) };
        if epoch.epoch <= self.start_from_epoch {
            return Ok(Flow::Continue);
        }
        self.waited += 1;
        if self.best.improved_by(self.monitor, self.min_delta, value) {
            self.best_epoch = Some(epoch.epoch);
            self.best_weights = self.restore_best_weights.then(|| engine.state().parameters);
            self.waited = 0;
        } else if self.waited >= self.patience && epoch.epoch > 1 {
            return Ok(Flow::Stop);
        }
        Ok(Flow::Continue)
    }

    fn remember(&self, memory: &mut Memory) {
        let note = Note::new(NAME)
            .number("best", self.best.value())
            .count("best_epoch", self.best_epoch)
            .count("waited", self.waited);
        memory.notes.push(Note { weights: self.best_weights.clone().unwrap_or_default(), ..note });
    }

    fn recall(&mut self, _history: &[Epoch], memory: &mut Memory) -> Result<(), TrainError> {
        if let Some(note) = memory.take(NAME) {
            self.best = Best::new(note.get("best"));
            self.best_epoch = note.get_count("best_epoch");
            self.waited = note.get_count("waited").unwrap_or(0);
            self.best_weights = Some(note.weights).filter(|weights| !weights.is_empty());
        }
        Ok(())
    }

    fn end(&mut self, engine: &mut dyn Engine) -> Result<(), TrainError> {
        if let Some(parameters) = self.best_weights.take() {
            engine.load_state(&State { parameters, ..engine.state() })?;
        }
        Ok(())
    }
}
