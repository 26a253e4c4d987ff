//! Activation functions, as an argument of a layer.

use std::fmt;
use std::str::FromStr;

use crate::Problem;
use crate::named::{Named, Setting, serde_by_name};

/// What a layer does to its result. In files a name (`"relu"`), or a table with settings
/// (`{ name = "elu", alpha = 0.5 }`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `x`: none.
    #[default]
    Linear,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `tanh(x)`.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)` (Howard et al. 2017).
    Relu6,
    /// `x` above zero, `negative_slope * x` below.
    LeakyRelu {
        /// Slope below zero, at least 0; 0.2 as in Keras.
        negative_slope: f64,
    },
    /// `x` above zero, `alpha * (exp(x) - 1)` below (Clevert et al. 2016).
    Elu {
        /// Minus the limit at minus infinity, at least 0; 1 as in Keras.
        alpha: f64,
    },
    /// `1.0507 x` above zero, `1.0507 * 1.6733 * (exp(x) - 1)` below (Klambauer et al. 2017).
    Selu,
    /// `x * P(N <= x)` for a standard normal `N` (Hendrycks and Gimpel 2016).
    Gelu {
        /// By way of the hyperbolic tangent instead of the error function; no.
        approximate: bool,
    },
    /// `x * sigmoid(x)`, also called swish (Ramachandran et al. 2017).
    Silu,
    /// `x * min(max(x + 3, 0), 6) / 6` (Howard et al. 2019); Keras's `hard_silu`.
    HardSwish,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `x * tanh(softplus(x))` (Misra 2019).
    Mish,
    /// `exp(x)`.
    Exponential,
    /// `exp(x) / sum(exp(x))` over the last axis: probabilities.
    Softmax,
}

impl Activation {
    /// Leaky ReLU with Keras's slope of 0.2.
    pub const LEAKY_RELU: Self = Self::LeakyRelu { negative_slope: 0.2 };
    /// ELU with Keras's alpha of 1.
    pub const ELU: Self = Self::Elu { alpha: 1.0 };
    /// GELU by the error function.
    pub const GELU: Self = Self::Gelu { approximate: false };

    /// Keras's name.
    pub fn name(self) -> &'static str {
        Named::name(self)
    }

    pub(crate) fn is_linear(&self) -> bool {
        *self == Self::Linear
    }

    pub(crate) fn check(self) -> Result<(), Problem> {
        let (setting, value) = match self {
            Self::LeakyRelu { negative_slope } => ("negative_slope", negative_slope),
            Self::Elu { alpha } => ("alpha", alpha),
            _ => return Ok(()),
        };
        if value.is_finite() && value >= 0.0 {
            return Ok(());
        }
        Err(Problem::new(
            format!("{setting} = {value} is out of range"),
            "it must be a finite number, at least 0",
        ))
    }
}

impl Named for Activation {
    const WHAT: &'static str = "activation";
    const NAMES: &'static [&'static str] = &[
        "linear",
        "sigmoid",
        "tanh",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "hard_swish",
        "hard_sigmoid",
        "softplus",
        "softsign",
        "mish",
        "exponential",
        "softmax",
    ];

    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "linear" => Self::Linear,
            "sigmoid" => Self::Sigmoid,
            "tanh" => Self::Tanh,
            "relu" => Self::Relu,
            "relu6" => Self::Relu6,
            "leaky_relu" => Self::LEAKY_RELU,
            "elu" => Self::ELU,
            "selu" => Self::Selu,
            "gelu" => Self::GELU,
            "silu" | "swish" => Self::Silu,
            "hard_swish" | "hard_silu" => Self::HardSwish,
            "hard_sigmoid" => Self::HardSigmoid,
            "softplus" => Self::Softplus,
            "softsign" => Self::Softsign,
            "mish" => Self::Mish,
            "exponential" => Self::Exponential,
            "softmax" => Self::Softmax,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
            Self::Selu => "selu",
            Self::Gelu { .. } => "gelu",
            Self::Silu => "silu",
            Self::HardSwish => "hard_swish",
            Self::HardSigmoid => "hard_sigmoid",
            Self::Softplus => "softplus",
            Self::Softsign => "softsign",
            Self::Mish => "mish",
            Self::Exponential => "exponential",
            Self::Softmax => "softmax",
        }
    }

    fn settings(&mut self) -> Vec<(&'static str, Setting<'_>)> {
        match self {
            Self::LeakyRelu { negative_slope } => {
                vec![("negative_slope", Setting::Number(negative_slope))]
            }
            Self::Elu { alpha } => vec![("alpha", Setting::Number(alpha))],
            Self::Gelu { approximate } => vec![("approximate", Setting::Flag(approximate))],
            _ => Vec::new(),
        }
    }
}

serde_by_name!(Activation);

impl FromStr for Activation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Named::parse(name)
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
