//! Leaky rectified linear unit, as a layer.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Activation, Problem, Shape};

/// `x` above zero, `negative_slope * x` below (Maas et al. 2013).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeakyReLU {
    /// Slope below zero, at least 0; 0.3, as in Keras's layer.
    pub negative_slope: f64,
}

impl Default for LeakyReLU {
    fn default() -> Self {
        Self::new(0.3)
    }
}

impl LeakyReLU {
    /// A rectifier with this slope below zero.
    pub fn new(negative_slope: f64) -> Self {
        Self { negative_slope }
    }

    /// The function that it applies.
    pub fn activation(&self) -> Activation {
        Activation::LeakyRelu { negative_slope: self.negative_slope }
    }
}

impl Describe for LeakyReLU {
    const KIND: &'static str = "LeakyReLU";
    const STEM: &'static str = "leaky_re_lu";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.activation().check()?;
        Ok(input.clone())
    }
}
