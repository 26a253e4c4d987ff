//! All that it takes to go on after a break as if there had been none.

use std::collections::BTreeMap;
use std::time::Duration;

use lenslet_engine::{State, Tally};

use crate::{Epoch, TrainError};

/// A training between two steps. Training that goes on from here takes the same steps, to the last
/// bit, as if it had never been broken off: on the same data, with the same model and settings, on
/// the same instruction set, with any number of threads.
///
/// Random numbers are functions of the seed and of the steps taken, so that there is no generator
/// to keep; learning rates are functions of the steps and of [`State::rate_scale`].
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Parameters, the optimiser's moments (sums of gradients and averages of parameters are among
    /// them) and the count of steps.
    pub state: State,
    /// Where in the training it is.
    pub position: Position,
    /// The epochs until here.
    pub history: Vec<Epoch>,
    /// What the callbacks know.
    pub memory: Memory,
    /// Whether a callback has ended the training, as [`EarlyStopping`](crate::EarlyStopping) does:
    /// then more epochs change nothing.
    pub ended: bool,
    /// How often the training has gone back: see [`OnNan::Rollback`](crate::OnNan::Rollback).
    pub rollbacks: usize,
}

/// A place in a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// The epoch under way or, between two of them, the next one; from 1.
    pub epoch: usize,
    /// Steps done in it.
    pub step: usize,
    /// Sums over the samples of these steps.
    pub sums: Tally,
    /// Learning rate of the last of them; 0 where there is none.
    pub learning_rate: f64,
    /// The time that they took.
    pub elapsed: Duration,
}

impl Position {
    /// Before the first step of an epoch.
    pub fn start_of(epoch: usize) -> Self {
        let (sums, elapsed) = (Tally::default(), Duration::ZERO);
        Self { epoch, step: 0, sums, learning_rate: 0.0, elapsed }
    }
}

impl Checkpoint {
    /// Refuses a checkpoint of another training than one with so many steps in an epoch.
    pub(crate) fn check(&self, steps: usize) -> Result<(), TrainError> {
        let Position { epoch, step, .. } = self.position;
        if epoch == self.history.len() + 1 && step <= steps {
            return Ok(());
        }
        Err(TrainError::Checkpoint { epoch, step, epochs: self.history.len(), steps })
    }
}

/// What observers must know to go on after a break.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// In the order of the observers.
    pub notes: Vec<Note>,
}

/// What one observer must know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// Of the kind of observer: `early_stopping`.
    pub observer: String,
    /// Numbers with a name.
    pub numbers: BTreeMap<String, f64>,
    /// A flat parameter buffer; empty where there is none.
    pub weights: Vec<f32>,
}

impl Note {
    /// An empty one of this kind of observer.
    pub fn new(observer: &str) -> Self {
        Self { observer: observer.to_owned(), ..Self::default() }
    }

    /// Adds a number, if there is one.
    pub fn number(mut self, name: &str, value: impl Into<Option<f64>>) -> Self {
        self.numbers.extend(value.into().map(|value| (name.to_owned(), value)));
        self
    }

    /// Adds a count.
    pub fn count(self, name: &str, value: impl Into<Option<usize>>) -> Self {
        let value: Option<usize> = value.into();
        self.number(name, value.map(|value| value as f64))
    }

    /// The number of that name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.numbers.get(name).copied()
    }

    /// The count of that name.
    pub fn get_count(&self, name: &str) -> Option<usize> {
        self.get(name).map(|value| value as usize)
    }
}

impl Memory {
    /// Takes the first note of this kind of observer: several of a kind get theirs in the order in
    /// which they wrote them.
    pub fn take(&mut self, observer: &str) -> Option<Note> {
        let index = self.notes.iter().position(|note| note.observer == observer)?;
        Some(self.notes.remove(index))
    }
}

/// Keeps checkpoints: in files, for example.
pub trait Keeper {
    /// Whether one is wanted here. Making it copies the parameters and all moments.
    fn due(&mut self, moment: Moment) -> bool;

    /// Takes it.
    ///
    /// # Errors
    /// Whatever should end the training.
    fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError>;

    /// The state of a checkpoint that is needed no more, if there is one: the next one is made in its
    /// memory.
    fn spare(&mut self) -> Option<State> {
        None
    }

    /// The checkpoint at which the epoch began in whose middle the training went on; asked for
    /// where that is to be gone back to. `None` where there is none.
    ///
    /// # Errors
    /// Where it cannot be had.
    fn epoch_start(&mut self) -> Result<Option<Checkpoint>, TrainError> {
        Ok(None)
    }
}

/// When a checkpoint can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After a step.
    Step,
    /// After an epoch, validation and callbacks included.
    Epoch,
    /// After the step at which an observer broke the training off.
    Stop,
}

/// Keeps none.
impl Keeper for () {
    fn due(&mut self, _moment: Moment) -> bool {
        false
    }

    fn keep(&mut self, _checkpoint: Checkpoint) -> Result<(), TrainError> {
        Ok(())
    }
}
