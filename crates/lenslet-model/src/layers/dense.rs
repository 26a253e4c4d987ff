//! Fully connected layer.

use serde::{Deserialize, Serialize};

use super::{Describe, check_count};
use crate::{Activation, Initializer, ParameterSpec, Problem, Shape};

/// `activation(x kernel + bias)` over the last axis: `(..., features)` becomes `(..., units)`.
///
/// Parameters: `kernel` of shape `(features, units)`, drawn Glorot-uniform, and `bias` of shape
/// `(units)`, zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Number of outputs.
    pub units: usize,
    /// What is done to the sum; nothing.
    #[serde(default, skip_serializing_if = "Activation::is_linear")]
    pub activation: Activation,
    /// Whether a bias is added; yes.
    #[serde(default = "yes")]
    pub use_bias: bool,
}

fn yes() -> bool {
    true
}

impl Dense {
    /// A layer with a bias and no activation.
    pub fn new(units: usize) -> Self {
        Self { units, activation: Activation::Linear, use_bias: true }
    }

    /// Sets the activation.
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// Sets whether a bias is added.
    pub fn use_bias(self, use_bias: bool) -> Self {
        Self { use_bias, ..self }
    }
}

impl Describe for Dense {
    const KIND: &'static str = "Dense";
    const STEM: &'static str = "dense";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_count("units", self.units)?;
        self.activation.check()?;
        Ok(input.with_last(self.units))
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let shape = [input.last(), self.units];
        let mut all = vec![ParameterSpec::new("kernel", shape, Initializer::GlorotUniform)];
        if self.use_bias {
            all.push(ParameterSpec::new("bias", [self.units], Initializer::Zeros));
        }
        all
    }
}
