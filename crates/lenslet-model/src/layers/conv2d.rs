//! 2-D convolution.

use lenslet_kernels::Conv2dShape;
use serde::{Deserialize, Serialize};

use super::{Describe, check_count, glorot_uniform, one, setters, yes, zeros};
use crate::padding::window_axes;
use crate::{Activation, Initializer, Padding, Pair, ParameterSpec, Problem, Regularizer, Shape};

/// Slides `filters` small filters over a picture: `(height, width, channels)` becomes
/// `(height', width', filters)`.
///
/// Each output is the sum over a window of inputs times weights, plus a bias, through an
/// activation. With `groups` the channels and the filters are split into that many groups, and the
/// filters of a group see its channels alone. Parameters: `kernel` of shape
/// `(kernel_h, kernel_w, channels / groups, filters)`, drawn Glorot-uniform, and `bias` of shape
/// `(filters)`, zero.
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
    /// Number of groups; 1. It divides the channels and the filters.
    #[serde(default = "one_group", skip_serializing_if = "is_one")]
    pub groups: usize,
    /// Whether a bias is added; yes.
    #[serde(default = "yes")]
    pub use_bias: bool,
    /// What is done to the sum; nothing.
    #[serde(default, skip_serializing_if = "Activation::is_linear")]
    pub activation: Activation,
    /// What the filters hold before training; Glorot-uniform.
    #[serde(default = "glorot_uniform", skip_serializing_if = "Initializer::is_glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// What the bias holds before training; zeros.
    #[serde(default = "zeros", skip_serializing_if = "Initializer::is_zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the filters; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub kernel_regularizer: Regularizer,
    /// Penalty on the bias; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub bias_regularizer: Regularizer,
    /// Penalty on the output; none.
    #[serde(default, skip_serializing_if = "Regularizer::is_none")]
    pub activity_regularizer: Regularizer,
}

fn one_group() -> usize {
    1
}

fn is_one(groups: &usize) -> bool {
    *groups == 1
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
            groups: 1,
            use_bias: true,
            activation: Activation::Linear,
            kernel_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            kernel_regularizer: Regularizer::default(),
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
        /// Sets the number of groups.
        groups: usize,
        /// Sets whether a bias is added.
        use_bias: bool,
        /// Sets the activation.
        activation: Activation,
        /// Sets what the filters hold before training.
        kernel_initializer: Initializer,
        /// Sets what the bias holds before training.
        bias_initializer: Initializer,
        /// Sets the penalty on the filters.
        kernel_regularizer: Regularizer,
        /// Sets the penalty on the bias.
        bias_regularizer: Regularizer,
        /// Sets the penalty on the output.
        activity_regularizer: Regularizer,
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
        self.check_groups(shape.in_channels)?;
        for spec in self.parameters(input) {
            spec.check()?;
        }
        self.activity_regularizer.check("activity_regularizer")?;
        Ok(Shape::new([shape.height.output, shape.width.output, self.filters]))
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let Pair(height, width) = self.kernel_size;
        let shape = [height, width, input.last() / self.groups, self.filters];
        let kernel = ParameterSpec::new("kernel", shape, self.kernel_initializer);
        let mut all = vec![kernel.regularized(self.kernel_regularizer)];
        if self.use_bias {
            let bias = ParameterSpec::new("bias", [self.filters], self.bias_initializer);
            all.push(bias.regularized(self.bias_regularizer));
        }
        all
    }

    fn multiply_adds(&self, input: &Shape, output: &Shape) -> u64 {
        let Pair(height, width) = self.kernel_size;
        (output.elements() * height * width * input.last() / self.groups) as u64
    }

    fn activity_regularizer(&self) -> Regularizer {
        self.activity_regularizer
    }
}

impl Conv2D {
    fn check_groups(&self, channels: usize) -> Result<(), Problem> {
        check_count("groups", self.groups)?;
        for (what, count) in [("channels of its input", channels), ("filters", self.filters)] {
            if !count.is_multiple_of(self.groups) {
                return Err(Problem::new(
                    format!("groups = {} does not divide the {count} {what}", self.groups),
                    "both the channels and the filters must be multiples of groups",
                ));
            }
        }
        Ok(())
    }
}
