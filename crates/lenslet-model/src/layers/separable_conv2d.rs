//! Depthwise separable 2-D convolution.

use serde::{Deserialize, Serialize};

use super::depthwise_conv2d::single;
use super::{
    Conv2D, DepthwiseConv2D, Describe, check_count, glorot_uniform, one, setters, yes, zeros,
};
use crate::{Activation, Initializer, Padding, Pair, ParameterSpec, Problem, Regularizer, Shape};

/// A [`DepthwiseConv2D`] without bias or activation, and a [`Conv2D`] with 1x1 filters of what it
/// gives (Chollet 2017): `(height, width, channels)` becomes `(height', width', filters)`.
///
/// Parameters: `depthwise_kernel` of shape `(kernel_h, kernel_w, channels, depth_multiplier)` and
/// `pointwise_kernel` of shape `(1, 1, channels * depth_multiplier, filters)`, drawn
/// Glorot-uniform, and `bias` of shape `(filters)`, zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparableConv2D {
    /// Number of filters: channels of the output.
    pub filters: usize,
    /// Height and width of a depthwise filter.
    pub kernel_size: Pair,
    /// Steps of the window; (1, 1).
    #[serde(default = "one")]
    pub strides: Pair,
    /// At the border; valid.
    #[serde(default)]
    pub padding: Padding,
    /// Steps between the taps of a filter; (1, 1).
    #[serde(default = "one")]
    pub dilation_rate: Pair,
    /// Depthwise filters of each channel; 1.
    #[serde(default = "single")]
    pub depth_multiplier: usize,
    /// What is done to the sum; nothing.
    #[serde(default, skip_serializing_if = "Activation::is_linear")]
    pub activation: Activation,
    /// Whether a bias is added; yes.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// What the depthwise filters hold before training; Glorot-uniform.
    #[serde(default = "glorot_uniform", skip_serializing_if = "Initializer::is_glorot_uniform")]
    pub depthwise_initializer: Initializer,
    /// What the 1x1 filters hold before training; Glorot-uniform.
    #[serde(default = "glorot_uniform", skip_serializing_if = "Initializer::is_glorot_uniform")]
    pub pointwise_initializer: Initializer,
    /// What the bias holds before training; zeros.
    #[serde(default = "zeros", skip_serializing_if = "Initializer::is_zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the depthwise filters; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub depthwise_regularizer: Regularizer,
    /// Penalty on the 1x1 filters; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub pointwise_regularizer: Regularizer,
    /// Penalty on the bias; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub bias_regularizer: Regularizer,
    /// Penalty on the output; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub activity_regularizer: Regularizer,
}

impl SeparableConv2D {
    /// Stride 1, valid padding, a bias and no activation.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: one(),
            padding: Padding::Valid,
            dilation_rate: one(),
            depth_multiplier: 1,
            activation: Activation::Linear,
            use_bias: true,
            depthwise_initializer: glorot_uniform(),
            pointwise_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            depthwise_regularizer: Regularizer::default(),
            pointwise_regularizer: Regularizer::default(),
            bias_regularizer: Regularizer::default(),
            activity_regularizer: Regularizer::default(),
        }
    }

    setters! {
        /// Sets the steps of the window.
        strides: Pair,
        /// Sets what happens at the border.
        padding: Padding,
        /// Sets the steps between the taps of a filter.
        dilation_rate: Pair,
        /// Sets the number of depthwise filters of each channel.
        depth_multiplier: usize,
        /// Sets the activation.
        activation: Activation,
        /// Sets whether a bias is added.
        use_bias: bool,
        /// Sets what the depthwise filters hold before training.
        depthwise_initializer: Initializer,
        /// Sets what the 1x1 filters hold before training.
        pointwise_initializer: Initializer,
        /// Sets what the bias holds before training.
        bias_initializer: Initializer,
        /// Sets the penalty on the depthwise filters.
        depthwise_regularizer: Regularizer,
        /// Sets the penalty on the 1x1 filters.
        pointwise_regularizer: Regularizer,
        /// Sets the penalty on the bias.
        bias_regularizer: Regularizer,
        /// Sets the penalty on the output.
        activity_regularizer: Regularizer,
    }

    /// Its first part.
    pub fn depthwise(&self) -> DepthwiseConv2D {
        DepthwiseConv2D::new(self.kernel_size)
            .strides(self.strides)
            .padding(self.padding)
            .dilation_rate(self.dilation_rate)
            .depth_multiplier(self.depth_multiplier)
            .use_bias(false)
    }

    /// Its second part.
    pub fn pointwise(&self) -> Conv2D {
        Conv2D::new(self.filters, 1).use_bias(self.use_bias).activation(self.activation)
    }
}

impl Describe for SeparableConv2D {
    const KIND: &'static str = "SeparableConv2D";
    const STEM: &'static str = "separable_conv2d";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_count("filters", self.filters)?;
        let between = self.depthwise().output(input)?;
        between.check()?;
        for spec in self.parameters(input) {
            spec.check()?;
        }
        self.activity_regularizer.check("activity_regularizer")?;
        self.pointwise().output(&between)
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let (Pair(height, width), multiplier) = (self.kernel_size, self.depth_multiplier);
        let shape = [height, width, input.last(), multiplier];
        let depthwise = ParameterSpec::new("depthwise_kernel", shape, self.depthwise_initializer);
        let shape = [1, 1, input.last().saturating_mul(multiplier), self.filters];
        let pointwise = ParameterSpec::new("pointwise_kernel", shape, self.pointwise_initializer);
        let mut all = vec![
            depthwise.regularized(self.depthwise_regularizer),
            pointwise.regularized(self.pointwise_regularizer),
        ];
        if self.use_bias {
            let bias = ParameterSpec::new("bias", [self.filters], self.bias_initializer);
            all.push(bias.regularized(self.bias_regularizer));
        }
        all
    }

    fn multiply_adds(&self, input: &Shape, output: &Shape) -> u64 {
        let channels = input.last() * self.depth_multiplier;
        let between = output.with_last(channels);
        self.depthwise().multiply_adds(input, &between)
            + self.pointwise().multiply_adds(&between, output)
    }

    fn activity_regularizer(&self) -> Regularizer {
        self.activity_regularizer
    }
}
