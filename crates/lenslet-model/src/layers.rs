//! The layers, one file each: settings, shape inference, parameters.

mod activation;
mod add;
mod affine_norm;
mod average_pool2d;
mod axes;
mod batch_normalization;
mod broadcast;
mod concatenate;
mod conv2d;
mod cropping2d;
mod dense;
mod depthwise_conv2d;
mod dropout;
mod elu;
mod flatten;
mod gaussian_noise;
mod global_average_pooling2d;
mod global_max_pooling2d;
mod global_pooling;
mod group_normalization;
mod layer_normalization;
mod leaky_re_lu;
mod max_pool2d;
mod maxout;
mod multiply;
mod normalization;
mod p_re_lu;
mod pooling;
mod re_lu;
mod rescaling;
mod reshape;
mod separable_conv2d;
mod softmax;
mod spatial_dropout2d;
mod sum_pool2d;
mod zero_padding2d;

pub use activation::ActivationLayer;
pub use add::Add;
pub use average_pool2d::AveragePool2D;
pub use axes::Axes;
pub use batch_normalization::BatchNormalization;
pub use concatenate::Concatenate;
pub use conv2d::Conv2D;
pub use cropping2d::Cropping2D;
pub use dense::Dense;
pub use depthwise_conv2d::DepthwiseConv2D;
pub use dropout::Dropout;
pub use elu::ELU;
pub use flatten::Flatten;
pub use gaussian_noise::GaussianNoise;
pub use global_average_pooling2d::GlobalAveragePooling2D;
pub use global_max_pooling2d::GlobalMaxPooling2D;
pub use group_normalization::GroupNormalization;
pub use layer_normalization::LayerNormalization;
pub use leaky_re_lu::LeakyReLU;
pub use max_pool2d::MaxPool2D;
pub use maxout::Maxout;
pub use multiply::Multiply;
pub use normalization::Normalization;
pub use p_re_lu::PReLU;
pub use re_lu::ReLU;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use separable_conv2d::SeparableConv2D;
pub use softmax::Softmax;
pub use spatial_dropout2d::SpatialDropout2D;
pub use sum_pool2d::SumPool2D;
pub use zero_padding2d::ZeroPadding2D;

use serde::{Deserialize, Serialize};

use crate::{Pair, ParameterSpec, Problem, Regularizer, Shape};

/// What every layer tells about itself.
pub(crate) trait Describe {
    /// The class name that Keras's summary shows.
    const KIND: &'static str;
    /// The stem of automatic names.
    const STEM: &'static str;

    /// Checks the settings and infers the output's shape.
    fn output(&self, input: &Shape) -> Result<Shape, Problem>;

    /// The same for a layer of several inputs. Others refuse more than one.
    fn merge(&self, inputs: &[Shape]) -> Result<Shape, Problem> {
        match inputs {
            [input] => self.output(input),
            _ => Err(Problem::new(
                format!("has {} inputs, but takes one", inputs.len()),
                "join them first, with Add, Multiply or Concatenate",
            )),
        }
    }

    /// The parameters, for an input that [`Self::output`] accepted.
    fn parameters(&self, _input: &Shape) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// Multiplications with a weight for one sample.
    fn multiply_adds(&self, _input: &Shape, _output: &Shape) -> u64 {
        0
    }

    /// The penalty on its outputs.
    fn activity_regularizer(&self) -> Regularizer {
        Regularizer::default()
    }
}

/// Methods that set one setting each.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $t:ty,)*) => {
        $(
            $(#[$doc])*
            pub fn $name(mut self, $name: impl Into<$t>) -> Self {
                self.$name = $name.into();
                self
            }
        )*
    };
}

pub(crate) use setters;

macro_rules! layers {
    ($($(#[$attribute:meta])* $variant:ident($config:ty),)*) => {
        /// One layer of a network: a closed set of plain descriptions.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum Layer {
            $(
                #[doc = concat!("[`", stringify!($config), "`].")]
                $(#[$attribute])*
                $variant($config),
            )*
        }

        impl Layer {
            /// The class names of all layers.
            pub const KINDS: &'static [&'static str] = &[$(<$config>::KIND,)*];

            /// The class name, as Keras's summary shows it: `Conv2D`, `MaxPooling2D`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$config>::KIND,)* }
            }

            pub(crate) fn stem(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$config>::STEM,)* }
            }

            pub(crate) fn merge(&self, inputs: &[Shape]) -> Result<Shape, Problem> {
                match self { $(Self::$variant(layer) => layer.merge(inputs),)* }
            }

            pub(crate) fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
                match self { $(Self::$variant(layer) => layer.parameters(input),)* }
            }

            pub(crate) fn multiply_adds(&self, input: &Shape, output: &Shape) -> u64 {
                match self { $(Self::$variant(layer) => layer.multiply_adds(input, output),)* }
            }

            /// The penalty on its outputs; none where it is all zero.
            pub fn activity_regularizer(&self) -> Regularizer {
                match self { $(Self::$variant(layer) => layer.activity_regularizer(),)* }
            }
        }

        $(
            impl From<$config> for Layer {
                fn from(layer: $config) -> Self {
                    Self::$variant(layer)
                }
            }
        )*
    };
}

layers! {
    Conv2D(Conv2D),
    DepthwiseConv2D(DepthwiseConv2D),
    SeparableConv2D(SeparableConv2D),
    #[serde(alias = "MaxPooling2D")]
    MaxPool2D(MaxPool2D),
    #[serde(alias = "AveragePooling2D")]
    AveragePool2D(AveragePool2D),
    #[serde(alias = "SumPooling2D")]
    SumPool2D(SumPool2D),
    GlobalAveragePooling2D(GlobalAveragePooling2D),
    GlobalMaxPooling2D(GlobalMaxPooling2D),
    ZeroPadding2D(ZeroPadding2D),
    Cropping2D(Cropping2D),
    Reshape(Reshape),
    Flatten(Flatten),
    Dense(Dense),
    Dropout(Dropout),
    SpatialDropout2D(SpatialDropout2D),
    GaussianNoise(GaussianNoise),
    BatchNormalization(BatchNormalization),
    LayerNormalization(LayerNormalization),
    GroupNormalization(GroupNormalization),
    Rescaling(Rescaling),
    Normalization(Normalization),
    Add(Add),
    Multiply(Multiply),
    Concatenate(Concatenate),
    Activation(ActivationLayer),
    ReLU(ReLU),
    LeakyReLU(LeakyReLU),
    ELU(ELU),
    PReLU(PReLU),
    Softmax(Softmax),
    Maxout(Maxout),
}

impl Layer {
    /// What it does to each of its outputs last, where it is a layer that has such a setting or does
    /// nothing else.
    pub fn activation(&self) -> Option<crate::Activation> {
        match self {
            Self::Conv2D(layer) => Some(layer.activation),
            Self::DepthwiseConv2D(layer) => Some(layer.activation),
            Self::SeparableConv2D(layer) => Some(layer.activation),
            Self::Dense(layer) => Some(layer.activation),
            Self::Activation(layer) => Some(layer.activation),
            Self::Softmax(_) => Some(crate::Activation::Softmax),
            _ => None,
        }
    }

    /// Changes what [`Self::activation`] tells; whether it can be changed.
    pub fn set_activation(&mut self, activation: crate::Activation) -> bool {
        match self {
            Self::Conv2D(layer) => layer.activation = activation,
            Self::DepthwiseConv2D(layer) => layer.activation = activation,
            Self::SeparableConv2D(layer) => layer.activation = activation,
            Self::Dense(layer) => layer.activation = activation,
            Self::Activation(layer) => layer.activation = activation,
            Self::Softmax(_) => *self = activation.into(),
            _ => return false,
        }
        true
    }
}

impl From<crate::Activation> for Layer {
    fn from(activation: crate::Activation) -> Self {
        Self::Activation(ActivationLayer::new(activation))
    }
}

/// The number of units or filters of a layer.
fn check_count(setting: &str, count: usize) -> Result<(), Problem> {
    const MOST: usize = 1 << 20;
    if (1..=MOST).contains(&count) {
        return Ok(());
    }
    Err(Problem::new(
        format!("{setting} = {count} is out of range"),
        format!("it must lie between 1 and {MOST}"),
    ))
}

/// A number that must be finite and above zero.
fn check_above_zero(setting: &str, value: f64, example: &str) -> Result<(), Problem> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Problem::new(
        format!("{setting} = {value} is out of range"),
        format!("it must be a finite number above 0, for example {example}"),
    ))
}

/// A share: at least 0, below 1.
fn check_rate(rate: f64) -> Result<(), Problem> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(Problem::new(
        format!("rate = {rate} is out of range"),
        "it must be at least 0 and below 1, for example 0.5",
    ))
}

/// The default of `use_bias` and its like.
fn yes() -> bool {
    true
}

/// The default of strides and dilation.
fn one() -> Pair {
    Pair(1, 1)
}

/// The default initializer of kernels.
fn glorot_uniform() -> crate::Initializer {
    crate::Initializer::GlorotUniform
}

/// The default initializer of biases and shifts.
fn zeros() -> crate::Initializer {
    crate::Initializer::Zeros
}

/// The default initializer of scales.
fn ones() -> crate::Initializer {
    crate::Initializer::Ones
}
