//! Smaller steps where larger ones get no further.

use lenslet_engine::Engine;
use serde::{Deserialize, Serialize};

use super::monitor::{Best, Quantity, check_min_delta};
use crate::{Epoch, Flow, Memory, Note, Observer, Plan, TrainError};

const NAME: &str = "reduce_lr_on_plateau";

/// Multiplies the learning rate, or a whole schedule from here on, by `factor` when what it monitors
/// has not got better for `patience` epochs; then it looks away for `cooldown` epochs. Keras's rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReduceLROnPlateau {
    /// What it looks at; the validation loss.
    pub monitor: Quantity,
    /// What the rate is multiplied by, between 0 and 1; 0.1.
    pub factor: f64,
    /// Epochs without getting better; 10.
    pub patience: usize,
    /// What is better by no more than this is no better; 0.0001.
    pub min_delta: f64,
    /// Epochs after a change that do not count; 0.
    pub cooldown: usize,
    /// The rate does not fall below this; 0.
    pub min_lr: f64,
    #[serde(skip)]
    best: Best,
    #[serde(skip)]
    waited: usize,
    #[serde(skip)]
    cooling: usize,
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        Self {
            monitor: Quantity::default(),
            factor: 0.1,
            patience: 10,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            best: Best::default(),
            waited: 0,
            cooling: 0,
        }
    }
}

impl ReduceLROnPlateau {
    /// A tenth of the learning rate when the validation loss has not got better for so many epochs.
    pub fn new(patience: usize) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Sets what it looks at.
    pub fn monitor(self, monitor: Quantity) -> Self {
        Self { monitor, ..self }
    }

    /// Sets what the rate is multiplied by.
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Sets what is no better.
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    /// Sets how many epochs after a change do not count.
    pub fn cooldown(self, cooldown: usize) -> Self {
        Self { cooldown, ..self }
    }

    /// Sets what the rate does not fall below.
    pub fn min_lr(self, min_lr: f64) -> Self {
        Self { min_lr, ..self }
    }
}

impl Observer for ReduceLROnPlateau {
    fn begin(&mut self, plan: &Plan<'_>) -> Result<(), TrainError> {
        check_min_delta("ReduceLROnPlateau", self.min_delta)?;
        for (setting, value, most) in
            [("factor", self.factor, 1.0), ("min_lr", self.min_lr, f64::MAX)]
        {
            let fits = (0.0..most).contains(&value) && (setting == "min_lr" || value > 0.0);
            if !fits {
                let range = if setting == "factor" { "between 0 and 1" } else { "at least 0" };
                return Err(TrainError::Callback(
                    format!(
                        "ReduceLROnPlateau: {setting} = {value} is out of range; it must be {range}"
                    )
                    .into(),
                ));
            }
        }
        self.monitor.check("ReduceLROnPlateau", plan)?;
        (self.best, self.waited, self.cooling) = Default::default();
        Ok(())
    }

    fn steer(&mut self, epoch: &Epoch, engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        let Some(value) = self.monitor.of(epoch) else { return Ok(Flow::Continue) };
        if self.cooling > 0 {
            self.cooling -= 1;
            self.waited = 0;
        }
        if self.best.improved_by(self.monitor, self.min_delta, value) {
            self.waited = 0;
        } else if self.cooling == 0 {
            self.waited += 1;
            let rate = engine.learning_rate();
            if self.waited >= self.patience && rate > self.min_lr {
                engine.scale_learning_rate((rate * self.factor).max(self.min_lr) / rate);
                (self.waited, self.cooling) = (0, self.cooldown);
            }
        }
        Ok(Flow::Continue)
    }

    fn remember(&self, memory: &mut Memory) {
        let note = Note::new(NAME).number("best", self.best.value());
        memory.notes.push(note.count("waited", self.waited).count("cooling", self.cooling));
    }

    fn recall(&mut self, _history: &[Epoch], memory: &mut Memory) -> Result<(), TrainError> {
        if let Some(note) = memory.take(NAME) {
            self.best = Best::new(note.get("best"));
            self.waited = note.get_count("waited").unwrap_or(0);
            self.cooling = note.get_count("cooling").unwrap_or(0);
        }
        Ok(())
    }
}
