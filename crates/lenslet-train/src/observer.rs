//! Watching, and ending, a training run from outside.

use std::time::Duration;

use crate::Epoch;

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
}

/// Sees a training run as it goes. Every method has a default that does nothing and goes on.
pub trait Observer {
    /// After each step.
    fn step(&mut self, _progress: &Progress) -> Flow {
        Flow::Continue
    }

    /// After each epoch, validation included; `progress` is that of its last step.
    fn epoch(&mut self, _progress: &Progress, _epoch: &Epoch) -> Flow {
        Flow::Continue
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
