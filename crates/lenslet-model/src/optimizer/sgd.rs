//! Stochastic gradient descent.

use serde::{Deserialize, Serialize};

use super::{Describe, Moment};
use crate::{Problem, range};

/// Stochastic gradient descent.
///
/// Without momentum `p -= learning_rate * g`; with it `v = momentum * v - learning_rate * g` and
/// `p += v`, or `p += momentum * v - learning_rate * g` with Nesterov's look-ahead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SGD {
    /// Step size; 0.01.
    pub learning_rate: f64,
    /// Share of the last step that is taken again; 0.
    pub momentum: f64,
    /// Nesterov's form of momentum; no.
    pub nesterov: bool,
}

impl Default for SGD {
    fn default() -> Self {
        Self { learning_rate: 0.01, momentum: 0.0, nesterov: false }
    }
}

impl SGD {
    /// Plain gradient descent with this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }

    /// With momentum.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// With Nesterov's form of momentum.
    pub fn nesterov(self) -> Self {
        Self { nesterov: true, ..self }
    }
}

impl Describe for SGD {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        if self.momentum > 0.0 { vec![Moment::new("momentum")] } else { Vec::new() }
    }

    fn check(&self) -> Result<(), Problem> {
        range::share("momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Problem::new(
                "momentum = 0 is out of range",
                "nesterov needs a momentum above 0, for example 0.9",
            ));
        }
        Ok(())
    }
}
