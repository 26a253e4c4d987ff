//! 2-D convolution.

use lenslet_kernels::Conv2dShape;
use serde::{Deserialize, Serialize};

use super::{Describe, check_count};
use crate::padding::window_axes;
use crate::{Activation, Initializer, Padding, Pair, ParameterSpec, Problem, Shape};

/// Slides `filters` small filters over a picture: `(height, width, channels)` becomes
/// `(height', width', filters)`.
///
/// Each output is the sum over a window of inputs times weights, plus a bias, through an
/// activation. Parameters: `kernel` of shape `(kernel_h, kernel_w, channels, filters)`, drawn
/// Glorot-uniform, and `bias` of shape `(filters)`, zero.
///
/// ```
/// use lenslet_model::layers::Conv2D;
/// use lenslet_model::{Activation, Padding};
/// Conv2D::new(32, (3, 3)).padding(Padding::Same).activation(Activation::Relu);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    /// Number of filters: channels of the output.
    pub filters: usize,
    /// Height and width of a filter.
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
    /// Whether a bias is added; yes.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// What is done to the sum; nothing.
    #[serde(default, skip_serializing_if = "Activation::is_linear")]
    pub activation: Activation,
}

fn one() -> Pair {
    Pair(1, 1)
}

fn yes() -> bool {
    true
}

impl Conv2D {
    /// A convolution with stride 1, valid padding, a bias and no activation.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: one(),
            padding: Padding::Valid,
            dilation_rate: one(),
            use_bias: true,
            activation: Activation::Linear,
        }
    }

    /// Sets the steps of the window.
    pub fn strides(self, strides: impl Into<Pair>) -> Self {
        Self { strides: strides.into(), ..self }
    }

    /// Sets what happens at the border.
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Sets the steps between the taps of a filter.
    pub fn dilation_rate(self, dilation_rate: impl Into<Pair>) -> Self {
        Self { dilation_rate: dilation_rate.into(), ..self }
    }

    /// Sets whether a bias is added.
    pub fn use_bias(self, use_bias: bool) -> Self {
        Self { use_bias, ..self }
    }

    /// Sets the activation.
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The geometry on pictures of the shape `input`.
    pub fn geometry(&self, input: &Shape) -> Result<Conv2dShape, Problem> {
        let [h, w, in_channels] = input.picture()?;
        let (size, rate) = (self.kernel_size, self.dilation_rate);
        let [height, width] =
            window_axes([h, w], size, self.strides, rate, self.padding, "kernel_size")?;
        Ok(Conv2dShape { height, width, in_channels, out_channels: self.filters })
    }
}

impl Describe for Conv2D {
    const KIND: &'static str = "Conv2D";
    const STEM: &'static str = "conv2d";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_count("filters", self.filters)?;
        self.activation.check()?;
        let shape = self.geometry(input)?;
        Ok(Shape::new([shape.height.output, shape.width.output, self.filters]))
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let shape = [self.kernel_size.0, self.kernel_size.1, input.last(), self.filters];
        let mut all = vec![ParameterSpec::new("kernel", shape, Initializer::GlorotUniform)];
        if self.use_bias {
            all.push(ParameterSpec::new("bias", [self.filters], Initializer::Zeros));
        }
        all
    }
}
