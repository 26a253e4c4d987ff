//! Penalties on large weights or outputs.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// Adds `l1 * sum(|x|) + l2 * sum(x^2)` to the loss, over the numbers of a parameter, or over a
/// layer's outputs divided by the batch size. Keras's `L1`, `L2` and `L1L2`; in files
/// `{ l2 = 0.0001 }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regularizer {
    /// Factor of the absolute values; 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub l1: f64,
    /// Factor of the squares; 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub l2: f64,
}

fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

impl Regularizer {
    /// `l1 * sum(|x|)`.
    pub fn l1(l1: f64) -> Self {
        Self { l1, l2: 0.0 }
    }

    /// `l2 * sum(x^2)`.
    pub fn l2(l2: f64) -> Self {
        Self { l1: 0.0, l2 }
    }

    /// The sum of both.
    pub fn l1_l2(l1: f64, l2: f64) -> Self {
        Self { l1, l2 }
    }

    /// Whether it does nothing.
    pub fn is_none(&self) -> bool {
        self.l1 == 0.0 && self.l2 == 0.0
    }

    pub(crate) fn check(self, setting: &str) -> Result<(), Problem> {
        for (key, value) in [("l1", self.l1), ("l2", self.l2)] {
            if !value.is_finite() || value < 0.0 {
                return Err(Problem::new(
                    format!("{key} = {value} of its {setting} is out of range"),
                    "it must be a finite number, at least 0, for example 0.0001",
                ));
            }
        }
        Ok(())
    }
}
