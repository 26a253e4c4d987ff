//! The layers, one file each: settings, shape inference, parameters.

mod activation;
mod average_pool2d;
mod conv2d;
mod dense;
mod dropout;
mod elu;
mod flatten;
mod leaky_re_lu;
mod max_pool2d;
mod maxout;
mod pooling;
mod re_lu;
mod softmax;
mod sum_pool2d;

pub use activation::ActivationLayer;
pub use average_pool2d::AveragePool2D;
pub use conv2d::Conv2D;
pub use dense::Dense;
pub use dropout::Dropout;
pub use elu::ELU;
pub use flatten::Flatten;
pub use leaky_re_lu::LeakyReLU;
pub use max_pool2d::MaxPool2D;
pub use maxout::Maxout;
pub use re_lu::ReLU;
pub use softmax::Softmax;
pub use sum_pool2d::SumPool2D;

use serde::{Deserialize, Serialize};

use crate::{ParameterSpec, Problem, Shape};

/// What every layer tells about itself.
pub(crate) trait Describe {
    /// The class name that Keras's summary shows.
    const KIND: &'static str;
    /// The stem of automatic names.
    const STEM: &'static str;

    /// Checks the settings and infers the output's shape.
    fn output(&self, input: &Shape) -> Result<Shape, Problem>;

    /// The parameters, for an input that [`Self::output`] accepted.
    fn parameters(&self, _input: &Shape) -> Vec<ParameterSpec> {
        Vec::new()
    }
}

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
            /// The class name, as Keras's summary shows it: `Conv2D`, `MaxPooling2D`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$config>::KIND,)* }
            }

            pub(crate) fn stem(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$config>::STEM,)* }
            }

            pub(crate) fn output(&self, input: &Shape) -> Result<Shape, Problem> {
                match self { $(Self::$variant(layer) => layer.output(input),)* }
            }

            pub(crate) fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
                match self { $(Self::$variant(layer) => layer.parameters(input),)* }
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
    #[serde(alias = "MaxPooling2D")]
    MaxPool2D(MaxPool2D),
    #[serde(alias = "AveragePooling2D")]
    AveragePool2D(AveragePool2D),
    #[serde(alias = "SumPooling2D")]
    SumPool2D(SumPool2D),
    Flatten(Flatten),
    Dense(Dense),
    Dropout(Dropout),
    Activation(ActivationLayer),
    ReLU(ReLU),
    LeakyReLU(LeakyReLU),
    ELU(ELU),
    Softmax(Softmax),
    Maxout(Maxout),
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
