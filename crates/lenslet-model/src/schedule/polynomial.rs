//! A power of what is left of the time.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, range};

/// `(learning_rate - end) * (1 - step / decay_steps) ^ power + end`; then it stays. With `cycle` it
/// starts again instead, each time over one `decay_steps` more. Keras's `PolynomialDecay`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolynomialDecay {
    /// Steps until the end.
    pub decay_steps: u64,
    /// The rate at the end; 0.0001.
    #[serde(default = "end_learning_rate")]
    pub end_learning_rate: f64,
    /// The power; 1: a straight line.
    #[serde(default = "power")]
    pub power: f64,
    /// Whether it starts again; no.
    #[serde(default)]
    pub cycle: bool,
}

fn end_learning_rate() -> f64 {
    0.0001
}

fn power() -> f64 {
    1.0
}

impl PolynomialDecay {
    /// In a straight line to 0.0001 in so many steps.
    pub fn new(decay_steps: u64) -> Self {
        Self { decay_steps, end_learning_rate: end_learning_rate(), power: power(), cycle: false }
    }
}

impl Describe for PolynomialDecay {
    fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        let (step, steps) = match self.cycle {
            true => (step, self.decay_steps * step.div_ceil(self.decay_steps).max(1)),
            false => (step.min(self.decay_steps), self.decay_steps),
        };
        let left = 1.0 - step as f64 / steps as f64;
        (learning_rate - self.end_learning_rate) * left.powf(self.power) + self.end_learning_rate
    }

    fn check(&self) -> Result<(), Problem> {
        range::count("schedule: decay_steps", self.decay_steps)?;
        range::not_negative("schedule: end_learning_rate", self.end_learning_rate)?;
        range::positive("schedule: power", self.power)
    }
}
