//! Saves a model while it is trained.

use std::error::Error;
use std::fmt;

use lenslet_engine::{Engine, State};

use super::monitor::{Best, Quantity};
use crate::{Epoch, Flow, Memory, Note, Observer, Plan, TrainError};

/// After which epochs a model is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveWhen {
    /// After each that is better than all before it.
    Best(Quantity),
    /// After each.
    Last,
    /// After every so many; at least 1.
    Every(usize),
}

/// What a save may come back with.
pub type SaveResult = Result<(), Box<dyn Error + Send + Sync>>;

type Save<'a> = dyn FnMut(&State, &Epoch) -> SaveResult + 'a;

/// Hands a model's numbers to whoever keeps them, after some epochs.
///
/// ```
/// use lenslet_train::{ModelCheckpoint, Quantity, SaveWhen};
/// let mut best = None;
/// let checkpoint = ModelCheckpoint::new(SaveWhen::Best(Quantity::ValLoss), |state, epoch| {
///     best = Some((epoch.epoch, state.clone()));
///     Ok(())
/// });
/// # drop(checkpoint);
/// ```
pub struct ModelCheckpoint<'a> {
    when: SaveWhen,
    save: Box<Save<'a>>,
    best: Best,
}

impl<'a> ModelCheckpoint<'a> {
    /// Calls `save` after some epochs; where it fails, training ends with its error.
    pub fn new(when: SaveWhen, save: impl FnMut(&State, &Epoch) -> SaveResult + 'a) -> Self {
        Self { when, save: Box::new(save), best: Best::default() }
    }
}

impl Observer for ModelCheckpoint<'_> {
    fn begin(&mut self, plan: &Plan<'_>) -> Result<(), TrainError> {
        self.best = Best::default();
        match self.when {
            SaveWhen::Best(quantity) => quantity.check("ModelCheckpoint", plan),
            SaveWhen::Every(0) => Err(TrainError::Callback(
                "ModelCheckpoint: every 0 epochs is out of range; it must be at least 1".into(),
            )),
            SaveWhen::Last | SaveWhen::Every(_) => Ok(()),
        }
    }

    fn steer(&mut self, epoch: &Epoch, engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        let mut best = self.best;
        let wanted = match self.when {
            SaveWhen::Best(quantity) => {
                quantity.of(epoch).is_some_and(|value| best.improved_by(quantity, 0.0, value))
            }
            SaveWhen::Last => true,
            SaveWhen::Every(epochs) => epoch.epoch.is_multiple_of(epochs),
        };
        if wanted {
            (self.save)(&engine.state(), epoch).map_err(TrainError::Callback)?;
            // What could not be saved is not to be surpassed.
            self.best = best;
        }
        Ok(Flow::Continue)
    }

    fn remember(&self, memory: &mut Memory) {
        if let SaveWhen::Best(quantity) = self.when {
            memory.notes.push(Note::new(&name(quantity)).number("best", self.best.value()));
        }
    }

    fn recall(&mut self, _history: &[Epoch], memory: &mut Memory) -> Result<(), TrainError> {
        if let SaveWhen::Best(quantity) = self.when {
            let note = memory.take(&name(quantity)).unwrap_or_default();
            self.best = Best::new(note.get("best"));
        }
        Ok(())
    }
}

fn name(quantity: Quantity) -> String {
    format!("model_checkpoint/{quantity}")
}

impl fmt::Debug for ModelCheckpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelCheckpoint({:?})", self.when)
    }
}
