//! Adam with Nesterov's momentum.

use serde::{Deserialize, Serialize};

use super::{Describe, Moment};
use crate::{Problem, range};

/// Nadam (Dozat 2016): Adam that looks ahead by one step of its momentum, with Keras's schedule of the
/// momentum, `beta_1 * (1 - 0.5 * 0.96^t)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nadam {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients; 0.9.
    pub beta_1: f64,
    /// Decay of the mean of their squares; 0.999.
    pub beta_2: f64,
    /// Added to the root of the second; 1e-7.
    pub epsilon: f64,
}

impl Default for Nadam {
    fn default() -> Self {
        Self { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl Nadam {
    /// With this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }
}

impl Describe for Nadam {
    fn name(&self) -> &'static str {
        "nadam"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        vec![Moment::new("momentum"), Moment::new("velocity")]
    }

    fn check(&self) -> Result<(), Problem> {
        range::share("beta_1", self.beta_1)?;
        range::share("beta_2", self.beta_2)?;
        range::positive("epsilon", self.epsilon)
    }
}
