//! Activation functions, as an argument of a layer.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Problem, nearest};

/// What a layer does to its result. In files a name (`"relu"`), or a table with settings
/// (`{ name = "elu", alpha = 0.5 }`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// `exp(x) / sum(exp(x))` over the last axis: probabilities.
    Softmax,
}

const NAMES: [&str; 7] = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softmax"];

impl Activation {
    /// Leaky ReLU with Keras's slope of 0.2.
    pub const LEAKY_RELU: Self = Self::LeakyRelu { negative_slope: 0.2 };
    /// ELU with Keras's alpha of 1.
    pub const ELU: Self = Self::Elu { alpha: 1.0 };

    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
            Self::Softmax => "softmax",
        }
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

impl FromStr for Activation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "linear" => Self::Linear,
            "sigmoid" => Self::Sigmoid,
            "tanh" => Self::Tanh,
            "relu" => Self::Relu,
            "leaky_relu" => Self::LEAKY_RELU,
            "elu" => Self::ELU,
            "softmax" => Self::Softmax,
            _ => {
                let known = NAMES.join(", ");
                let meant = nearest(name, NAMES);
                let meant = meant.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                return Err(format!("unknown activation `{name}` (known: {known}){meant}"));
            }
        })
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An activation with its settings spelt out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_slope: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.name();
        if name.parse() == Ok(*self) {
            return serializer.serialize_str(name);
        }
        let (negative_slope, alpha) = match *self {
            Self::LeakyRelu { negative_slope } => (Some(negative_slope), None),
            Self::Elu { alpha } => (None, Some(alpha)),
            _ => (None, None),
        };
        Table { name: name.to_owned(), negative_slope, alpha }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = Activation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an activation, or a table with its name and settings")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Activation, E> {
                name.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Activation, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                let mut activation: Activation = table.name.parse().map_err(de::Error::custom)?;
                let stray = match &mut activation {
                    Activation::LeakyRelu { negative_slope } => {
                        *negative_slope = table.negative_slope.unwrap_or(*negative_slope);
                        table.alpha.map(|_| "alpha")
                    }
                    Activation::Elu { alpha } => {
                        *alpha = table.alpha.unwrap_or(*alpha);
                        table.negative_slope.map(|_| "negative_slope")
                    }
                    _ => table
                        .alpha
                        .map(|_| "alpha")
                        .or(table.negative_slope.map(|_| "negative_slope")),
                };
                match stray {
                    Some(key) => Err(de::Error::custom(format!("`{}` has no `{key}`", table.name))),
                    None => Ok(activation),
                }
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}
