//! Adagrad.

use serde::{Deserialize, Serialize};

use super::{Describe, Moment};
use crate::{Problem, range};

/// Adagrad (Duchi et al. 2011): steps divided by the root of the sum of all squared gradients.
///
/// `a += g^2`, `p -= learning_rate * g / sqrt(a + epsilon)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adagrad {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// What the sums begin with; 0.1.
    pub initial_accumulator_value: f64,
    /// Added below the root; 1e-7.
    pub epsilon: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self { learning_rate: 0.001, initial_accumulator_value: 0.1, epsilon: 1e-7 }
    }
}

impl Adagrad {
    /// With this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }
}

impl Describe for Adagrad {
    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        vec![Moment { name: "accumulator", initial: self.initial_accumulator_value }]
    }

    fn check(&self) -> Result<(), Problem> {
        range::not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        range::positive("epsilon", self.epsilon)
    }
}
