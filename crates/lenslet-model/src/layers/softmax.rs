//! Softmax, as a layer.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Activation, Problem, Shape};

/// `exp(x) / sum(exp(x))` over the last axis: probabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {}

impl Softmax {
    /// A softmax.
    pub fn new() -> Self {
        Self {}
    }

    /// The function that it applies.
    pub fn activation(&self) -> Activation {
        Activation::Softmax
    }
}

impl Describe for Softmax {
    const KIND: &'static str = "Softmax";
    const STEM: &'static str = "softmax";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.activation().check()?;
        Ok(input.clone())
    }
}
