//! The same scale and shift for all numbers.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, Shape};

/// `x * scale + offset`.
///
/// Lenslet's networks see pixels between 0 and 1; `Rescaling::new(2.0).offset(-1.0)` makes that
/// -1 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// Factor.
    pub scale: f64,
    /// What is added after that; 0.
    #[serde(default)]
    pub offset: f64,
}

impl Rescaling {
    /// Multiplies by `scale`.
    pub fn new(scale: f64) -> Self {
        Self { scale, offset: 0.0 }
    }

    /// Sets what is added after that.
    pub fn offset(self, offset: f64) -> Self {
        Self { offset, ..self }
    }
}

impl Describe for Rescaling {
    const KIND: &'static str = "Rescaling";
    const STEM: &'static str = "rescaling";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        for (setting, value) in [("scale", self.scale), ("offset", self.offset)] {
            if !value.is_finite() {
                return Err(Problem::new(
                    format!("{setting} = {value} is out of range"),
                    "it must be a finite number",
                ));
            }
        }
        Ok(input.clone())
    }
}
