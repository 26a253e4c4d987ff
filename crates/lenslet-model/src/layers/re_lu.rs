//! Rectified linear unit, as a layer.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Activation, Problem, Shape};

/// `max(x, 0)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReLU {}

impl ReLU {
    /// A rectifier.
    pub fn new() -> Self {
        Self {}
    }

    /// The function that it applies.
    pub fn activation(&self) -> Activation {
        Activation::Relu
    }
}

impl Describe for ReLU {
    const KIND: &'static str = "ReLU";
    const STEM: &'static str = "re_lu";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.activation().check()?;
        Ok(input.clone())
    }
}
