//! Lion.

use serde::{Deserialize, Serialize};

use super::{Describe, Moment};
use crate::{Problem, range};

/// Lion (Chen et al. 2023): every parameter goes the same distance, by the sign of its momentum.
///
/// `p -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)`, then
/// `m = beta_2 * m + (1 - beta_2) * g`. A good learning rate is a third to a tenth of Adam's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lion {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// Share of the momentum in the direction of a step; 0.9.
    pub beta_1: f64,
    /// Decay of the momentum; 0.99.
    pub beta_2: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Self { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.99 }
    }
}

impl Lion {
    /// With this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }
}

impl Describe for Lion {
    fn name(&self) -> &'static str {
        "lion"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        vec![Moment::new("momentum")]
    }

    fn check(&self) -> Result<(), Problem> {
        range::share("beta_1", self.beta_1)?;
        range::share("beta_2", self.beta_2)
    }
}
