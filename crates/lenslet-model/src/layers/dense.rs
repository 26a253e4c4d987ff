//! Fully connected layer.

use serde::{Deserialize, Serialize};

use super::{Describe, check_count, glorot_uniform, setters, yes, zeros};
use crate::{Activation, Initializer, ParameterSpec, Problem, Regularizer, Shape};

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
    /// What the kernel holds before training; Glorot-uniform.
    #[serde(default = "glorot_uniform", skip_serializing_if = "Initializer::is_glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// What the bias holds before training; zeros.
    #[serde(default = "zeros", skip_serializing_if = "Initializer::is_zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub kernel_regularizer: Regularizer,
    /// Penalty on the bias; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub bias_regularizer: Regularizer,
    /// Penalty on the output; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub activity_regularizer: Regularizer,
}

impl Dense {
    /// A layer with a bias and no activation.
    pub fn new(units: usize) -> Self {
        Self {
            units,
            activation: Activation::Linear,
            use_bias: true,
            kernel_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            kernel_regularizer: Regularizer::default(),
            bias_regularizer: Regularizer::default(),
            activity_regularizer: Regularizer::default(),
        }
    }

    setters! {
        /// Sets the activation.
        activation: Activation,
        /// Sets whether a bias is added.
        use_bias: bool,
        /// Sets what the kernel holds before training.
        kernel_initializer: Initializer,
        /// Sets what the bias holds before training.
        bias_initializer: Initializer,
        /// Sets the penalty on the kernel.
        kernel_regularizer: Regularizer,
        /// Sets the penalty on the bias.
        bias_regularizer: Regularizer,
        /// Sets the penalty on the output.
        activity_regularizer: Regularizer,
    }
}

impl Describe for Dense {
    const KIND: &'static str = "Dense";
    const STEM: &'static str = "dense";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_count("units", self.units)?;
        self.activation.check()?;
        for spec in self.parameters(input) {
            spec.check()?;
        }
        self.activity_regularizer.check("activity_regularizer")?;
        Ok(input.with_last(self.units))
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let shape = [input.last(), self.units];
        let kernel = ParameterSpec::new("kernel", shape, self.kernel_initializer);
        let mut all = vec![kernel.regularized(self.kernel_regularizer)];
        if self.use_bias {
            let bias = ParameterSpec::new("bias", [self.units], self.bias_initializer);
            all.push(bias.regularized(self.bias_regularizer));
        }
        all
    }

    fn multiply_adds(&self, input: &Shape, output: &Shape) -> u64 {
        (output.elements() * input.last()) as u64
    }

    fn activity_regularizer(&self) -> Regularizer {
        self.activity_regularizer
    }
}
