//! Mean 0 and variance 1, from the data.

use serde::{Deserialize, Serialize};

use super::{Describe, ones, zeros};
use crate::{Initializer, ParameterSpec, Problem, Shape};

/// `(x - mean) / max(sqrt(variance), 1e-7)`, channel by channel.
///
/// Mean and variance are given, or taken from the training data before training starts. Then they
/// are parameters that are not trained, of shape `(channels)`, beside Keras's `count` of one
/// number: how many samples they come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Normalization {
    /// One number a channel, or one for all; from the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// One number a channel, or one for all; from the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variance: Option<Vec<f64>>,
}

impl Normalization {
    /// With mean and variance of the data.
    pub fn new() -> Self {
        Self::default()
    }

    /// With these, one number a channel or one for all.
    pub fn with(mean: impl Into<Vec<f64>>, variance: impl Into<Vec<f64>>) -> Self {
        Self { mean: Some(mean.into()), variance: Some(variance.into()) }
    }

    /// Whether mean and variance come from the data.
    pub fn adapts(&self) -> bool {
        self.mean.is_none()
    }

    /// Mean and variance of each of `channels` channels, where they are given.
    pub fn given(&self, channels: usize) -> Option<[Vec<f64>; 2]> {
        let all = |given: &Vec<f64>| match given[..] {
            [one] => vec![one; channels],
            _ => given.clone(),
        };
        self.mean.as_ref().zip(self.variance.as_ref()).map(|(m, v)| [all(m), all(v)])
    }

    fn check(&self, channels: usize) -> Result<(), Problem> {
        if self.mean.is_some() != self.variance.is_some() {
            return Err(Problem::new(
                "has only one of mean and variance",
                "give both, or neither to take them from the data",
            ));
        }
        for (setting, given) in [("mean", &self.mean), ("variance", &self.variance)] {
            let Some(given) = given else { continue };
            if given.len() != 1 && given.len() != channels {
                return Err(Problem::new(
                    format!("{setting} has {} numbers for {channels} channels", given.len()),
                    "give one for each channel, or one for all",
                ));
            }
            let least = if setting == "variance" { 0.0 } else { f64::NEG_INFINITY };
            if let Some(wrong) = given.iter().find(|x| !x.is_finite() || **x < least) {
                return Err(Problem::new(
                    format!("{setting} holds {wrong}"),
                    "its numbers must be finite, and those of the variance at least 0",
                ));
            }
        }
        Ok(())
    }
}

impl Describe for Normalization {
    const KIND: &'static str = "Normalization";
    const STEM: &'static str = "normalization";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.check(input.last())?;
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        if !self.adapts() {
            return Vec::new();
        }
        let spec = |name, shape: Vec<usize>, initializer: Initializer| {
            ParameterSpec::new(name, shape, initializer).frozen()
        };
        vec![
            spec("mean", vec![input.last()], zeros()),
            spec("variance", vec![input.last()], ones()),
            spec("count", Vec::new(), zeros()),
        ]
    }
}
