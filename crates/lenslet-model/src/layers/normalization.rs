//! Mean 0 and variance 1, from the data.

use serde::{Deserialize, Serialize};

use super::{Axes, Describe, ones, setters, zeros};
use crate::{Initializer, ParameterSpec, Problem, Shape};

/// `(x - mean) / max(sqrt(variance), 1e-7)`, channel by channel.
///
/// Mean and variance are given, or taken from the training data before training starts: those of
/// whatever comes to this layer, over all samples and pixels. Then they are parameters that are not
/// trained, of the shape of the axes, beside Keras's `count` of one number: how many samples they
/// come from, 0 before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Normalization {
    /// Axes along which each place has a mean and a variance of its own: the last ones. -1, the
    /// last: one for each channel. `[]`: one for all numbers. `[1, 2, 3]`: one for each number of a
    /// picture.
    #[serde(skip_serializing_if = "Axes::is_last")]
    pub axis: Axes,
    /// One number for each place along the axes, or one for all; from the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// One number for each place along the axes, or one for all; from the data.
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
        Self { mean: Some(mean.into()), variance: Some(variance.into()), ..Self::default() }
    }

    setters! {
        /// Sets the axes that have a mean and a variance for each place.
        axis: Axes,
    }

    /// Whether mean and variance come from the data.
    pub fn adapts(&self) -> bool {
        self.mean.is_none()
    }

    /// Means and variances that there are for this input. A sample's numbers take them in turn.
    ///
    /// # Errors
    /// Where the axes are not the input's last ones.
    pub fn places(&self, input: &Shape) -> Result<usize, Problem> {
        Ok(self.dims(input)?.iter().product())
    }

    fn dims<'a>(&self, input: &'a Shape) -> Result<&'a [usize], Problem> {
        let dims = input.dims();
        Ok(&dims[dims.len() - self.axis.trailing(input)?..])
    }

    /// Mean and variance of each of `places`, where they are given.
    pub fn given(&self, places: usize) -> Option<[Vec<f64>; 2]> {
        let all = |given: &Vec<f64>| match given[..] {
            [one] => vec![one; places],
            _ => given.clone(),
        };
        self.mean.as_ref().zip(self.variance.as_ref()).map(|(m, v)| [all(m), all(v)])
    }

    fn check(&self, places: usize) -> Result<(), Problem> {
        if self.mean.is_some() != self.variance.is_some() {
            return Err(Problem::new(
                "has only one of mean and variance",
                "give both, or neither to take them from the data",
            ));
        }
        for (setting, given) in [("mean", &self.mean), ("variance", &self.variance)] {
            let Some(given) = given else { continue };
            if given.len() != 1 && given.len() != places {
                return Err(Problem::new(
                    format!(
                        "{setting} has {} numbers, but its axis has {places} places",
                        given.len()
                    ),
                    "give one for each of them (each channel, as a rule), or one for all",
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
        self.check(self.places(input)?)?;
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let Some(dims) = self.dims(input).ok().filter(|_| self.adapts()) else {
            return Vec::new();
        };
        let spec = |name, shape: &[usize], initializer: Initializer| {
            ParameterSpec::new(name, shape, initializer).frozen()
        };
        vec![
            spec("mean", dims, zeros()),
            spec("variance", dims, ones()),
            spec("count", &[], zeros()),
        ]
    }
}
