//! Exponential linear unit, as a layer.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Activation, Problem, Shape};

/// `x` above zero, `alpha * (exp(x) - 1)` below (Clevert et al. 2016).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ELU {
    /// Minus the limit at minus infinity, at least 0; 1.
    pub alpha: f64,
}

impl Default for ELU {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl ELU {
    /// A unit with this alpha.
    pub fn new(alpha: f64) -> Self {
        Self { alpha }
    }

    /// The function that it applies.
    pub fn activation(&self) -> Activation {
        Activation::Elu { alpha: self.alpha }
    }
}

impl Describe for ELU {
    const KIND: &'static str = "ELU";
    const STEM: &'static str = "elu";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.activation().check()?;
        Ok(input.clone())
    }
}
