//! Files that could not be written: the work goes on, and at the end this is told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

use lenslet_engine::Engine;
use lenslet_train::{Epoch, Flow, Memory, Observer, Plan, Progress, TrainError};

use crate::console::note;
use crate::failure::Failure;

/// Between two warnings of one kind.
const PAUSE: Duration = Duration::from_secs(60);

/// Warns at most once a minute.
#[derive(Debug, Default)]
pub(crate) struct Warning(Option<Instant>);

impl Warning {
    pub(crate) fn say(&mut self, text: impl Display) {
        if self.0.is_none_or(|last| last.elapsed() >= PAUSE) {
            self.0 = Some(Instant::now());
            note(text);
        }
    }
}

/// What is not saved, and why not.
#[derive(Debug, Default)]
pub(crate) struct Unsaved(RefCell<BTreeMap<String, String>>);

impl Unsaved {
    /// Takes down how writing `what` went the last time.
    pub(crate) fn note<T, E: Display>(&self, what: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.0.borrow_mut().remove(what);
                Some(value)
            }
            Err(error) => {
                self.0.borrow_mut().insert(what.to_owned(), error.to_string());
                None
            }
        }
    }

    /// Refuses to pretend that everything is saved where it is not.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let unsaved = self.0.borrow();
        if unsaved.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> =
            unsaved.iter().map(|(what, why)| format!("\n  {what}: {why}")).collect();
        Err(Failure::failed(format!("this is not saved:{}", lines.concat())))
    }
}

/// An observer that writes files: where it cannot, training goes on, and it tries again after the
/// next epoch.
pub(crate) struct Tolerant<'a, O> {
    what: String,
    observer: O,
    unsaved: &'a Unsaved,
    warning: Warning,
}

impl<'a, O> Tolerant<'a, O> {
    pub(crate) fn new(what: impl Into<String>, observer: O, unsaved: &'a Unsaved) -> Self {
        Self { what: what.into(), observer, unsaved, warning: Warning::default() }
    }

    pub(crate) fn observer(&mut self) -> &mut O {
        &mut self.observer
    }
}

impl<O: Observer> Observer for Tolerant<'_, O> {
    // Nothing is lost yet where this fails.
    fn begin(&mut self, plan: &Plan<'_>) -> Result<(), TrainError> {
        self.observer.begin(plan)
    }

    fn step(&mut self, progress: &Progress) -> Flow {
        self.observer.step(progress)
    }

    fn epoch(&mut self, progress: &Progress, epoch: &Epoch) -> Flow {
        self.observer.epoch(progress, epoch)
    }

    fn steer(&mut self, epoch: &Epoch, engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        let result = self.observer.steer(epoch, engine);
        if let Err(error) = &result {
            self.warning.say(format_args!("{error}; training goes on"));
        }
        Ok(self.unsaved.note(&self.what, result).unwrap_or(Flow::Continue))
    }

    fn remember(&self, memory: &mut Memory) {
        self.observer.remember(memory);
    }

    fn recall(&mut self, history: &[Epoch], memory: &mut Memory) -> Result<(), TrainError> {
        self.observer.recall(history, memory)
    }

    fn rolled_back(&mut self, why: &TrainError, times: usize) {
        self.observer.rolled_back(why, times);
    }

    fn end(&mut self, engine: &mut dyn Engine) -> Result<(), TrainError> {
        self.observer.end(engine)
    }
}
