//! The same factor again and again.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, range};

/// `learning_rate * decay_rate ^ (step / decay_steps)`. Keras's `ExponentialDecay`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialDecay {
    /// Steps in which the rate is multiplied by `decay_rate` once.
    pub decay_steps: u64,
    /// The factor.
    pub decay_rate: f64,
    /// All at once at the end of these steps; no.
    #[serde(default)]
    pub staircase: bool,
}

/// The rate is multiplied by `gamma` every `step_size` steps (PyTorch's `StepLR`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDecay {
    /// Steps with one rate.
    pub step_size: u64,
    /// The factor; 0.1.
    #[serde(default = "tenth")]
    pub gamma: f64,
}

fn tenth() -> f64 {
    0.1
}

impl ExponentialDecay {
    /// Times `decay_rate` in `decay_steps` steps, bit by bit.
    pub fn new(decay_steps: u64, decay_rate: f64) -> Self {
        Self { decay_steps, decay_rate, staircase: false }
    }
}

impl StepDecay {
    /// A tenth every so many steps.
    pub fn new(step_size: u64) -> Self {
        Self { step_size, gamma: tenth() }
    }
}

impl Describe for ExponentialDecay {
    fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        let times = step as f64 / self.decay_steps as f64;
        let times = if self.staircase { times.floor() } else { times };
        learning_rate * self.decay_rate.powf(times)
    }

    fn check(&self) -> Result<(), Problem> {
        range::count("schedule: decay_steps", self.decay_steps)?;
        range::positive("schedule: decay_rate", self.decay_rate)
    }
}

impl Describe for StepDecay {
    fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        learning_rate * self.gamma.powf((step / self.step_size) as f64)
    }

    fn check(&self) -> Result<(), Problem> {
        range::count("schedule: step_size", self.step_size)?;
        range::positive("schedule: gamma", self.gamma)
    }
}
