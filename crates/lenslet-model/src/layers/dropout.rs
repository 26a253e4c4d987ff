//! Dropout.

use serde::{Deserialize, Serialize};

use super::{Describe, check_rate};
use crate::{Problem, Shape};

/// In training sets each number to zero with probability `rate` and multiplies the others by
/// `1 / (1 - rate)`; at prediction does nothing (Srivastava et al. 2014).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Share of numbers that are dropped: at least 0, below 1.
    pub rate: f64,
}

impl Dropout {
    /// Drops this share of the numbers.
    pub fn new(rate: f64) -> Self {
        Self { rate }
    }
}

impl Describe for Dropout {
    const KIND: &'static str = "Dropout";
    const STEM: &'static str = "dropout";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_rate(self.rate)?;
        Ok(input.clone())
    }
}
