//! Noise in training.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, Shape};

/// In training adds normal noise of mean 0 to each number; at prediction does nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianNoise {
    /// Standard deviation of the noise: between 0 and 1.
    pub stddev: f64,
}

impl GaussianNoise {
    /// Noise of this standard deviation.
    pub fn new(stddev: f64) -> Self {
        Self { stddev }
    }
}

impl Describe for GaussianNoise {
    const KIND: &'static str = "GaussianNoise";
    const STEM: &'static str = "gaussian_noise";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        if !(0.0..=1.0).contains(&self.stddev) {
            return Err(Problem::new(
                format!("stddev = {} is out of range", self.stddev),
                "it must lie between 0 and 1, for example 0.1",
            ));
        }
        Ok(input.clone())
    }
}
