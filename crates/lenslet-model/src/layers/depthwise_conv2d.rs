//! Depthwise 2-D convolution.

use lenslet_kernels::Pool2dShape;
use serde::{Deserialize, Serialize};

use super::{Describe, check_count, glorot_uniform, one, setters, yes, zeros};
use crate::padding::window_axes;
use crate::{Activation, Initializer, Padding, Pair, ParameterSpec, Problem, Regularizer, Shape};

/// Slides filters of its own over each channel: `(height, width, channels)` becomes
/// `(height', width', channels * depth_multiplier)`.
///
/// Output channel `c * depth_multiplier + m` is filter `m` of input channel `c`. Parameters:
/// `kernel` of shape `(kernel_h, kernel_w, channels, depth_multiplier)`, drawn Glorot-uniform, and
/// `bias` of shape `(channels * depth_multiplier)`, zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv2D {
    /// Height and width of a filter.
    pub kernel_size: Pair,
    /// Steps of the window; (1, 1).
    #[serde(default = "one")]
    pub strides: Pair,
    /// At the border; valid.
    #[serde(default)]
    pub padding: Padding,
    /// Filters of each channel; 1.
    #[serde(default = "single")]
    pub depth_multiplier: usize,
    /// Steps between the taps of a filter; (1, 1).
    #[serde(default = "one")]
    pub dilation_rate: Pair,
    /// Whether a bias is added; yes.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// What is done to the sum; nothing.
    #[serde(default, skip_serializing_if = "Activation::is_linear")]
    pub activation: Activation,
    /// What the filters hold before training; Glorot-uniform.
    #[serde(default = "glorot_uniform", skip_serializing_if = "Initializer::is_glorot_uniform")]
    pub depthwise_initializer: Initializer,
    /// What the bias holds before training; zeros.
    #[serde(default = "zeros", skip_serializing_if = "Initializer::is_zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the filters; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub depthwise_regularizer: Regularizer,
    /// Penalty on the bias; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub bias_regularizer: Regularizer,
    /// Penalty on the output; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub activity_regularizer: Regularizer,
}

pub(super) fn single() -> usize {
    1
}

impl DepthwiseConv2D {
    /// One filter a channel, with stride 1, valid padding, a bias and no activation.
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self {
            kernel_size: kernel_size.into(),
            strides: one(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: one(),
            use_bias: true,
            activation: Activation::Linear,
            depthwise_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            depthwise_regularizer: Regularizer::default(),
            bias_regularizer: Regularizer::default(),
            activity_regularizer: Regularizer::default(),
        }
    }

    setters! {
        /// Sets the steps of the window.
        strides: Pair,
        /// Sets what happens at the border.
        padding: Padding,
        /// Sets the number of filters of each channel.
        depth_multiplier: usize,
        /// Sets the steps between the taps of a filter.
        dilation_rate: Pair,
        /// Sets whether a bias is added.
        use_bias: bool,
        /// Sets the activation.
        activation: Activation,
        /// Sets what the filters hold before training.
        depthwise_initializer: Initializer,
        /// Sets what the bias holds before training.
        bias_initializer: Initializer,
        /// Sets the penalty on the filters.
        depthwise_regularizer: Regularizer,
        /// Sets the penalty on the bias.
        bias_regularizer: Regularizer,
        /// Sets the penalty on the output.
        activity_regularizer: Regularizer,
    }

    /// Where the windows stand on pictures of the shape `input`; `channels` are the input's.
    ///
    /// # Errors
    /// Where the input is no picture or a window does not fit.
    pub fn geometry(&self, input: &Shape) -> Result<Pool2dShape, Problem> {
        let [h, w, channels] = input.picture()?;
        let (size, rate) = (self.kernel_size, self.dilation_rate);
        let [height, width] =
            window_axes([h, w], size, self.strides, rate, self.padding, "kernel_size")?;
        Ok(Pool2dShape { height, width, channels })
    }
}

impl Describe for DepthwiseConv2D {
    const KIND: &'static str = "DepthwiseConv2D";
    const STEM: &'static str = "depthwise_conv2d";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_count("depth_multiplier", self.depth_multiplier)?;
        self.activation.check()?;
        let shape = self.geometry(input)?;
        for spec in self.parameters(input) {
            spec.check()?;
        }
        self.activity_regularizer.check("activity_regularizer")?;
        let channels = shape.channels.saturating_mul(self.depth_multiplier);
        Ok(Shape::new([shape.height.output, shape.width.output, channels]))
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let (Pair(height, width), multiplier) = (self.kernel_size, self.depth_multiplier);
        let shape = [height, width, input.last(), multiplier];
        let kernel = ParameterSpec::new("kernel", shape, self.depthwise_initializer);
        let mut all = vec![kernel.regularized(self.depthwise_regularizer)];
        if self.use_bias {
            let channels = input.last().saturating_mul(multiplier);
            let bias = ParameterSpec::new("bias", [channels], self.bias_initializer);
            all.push(bias.regularized(self.bias_regularizer));
        }
        all
    }

    fn multiply_adds(&self, _input: &Shape, output: &Shape) -> u64 {
        (output.elements() * self.kernel_size.0 * self.kernel_size.1) as u64
    }

    fn activity_regularizer(&self) -> Regularizer {
        self.activity_regularizer
    }
}
