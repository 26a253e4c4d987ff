//! Dropout of whole channels.

use serde::{Deserialize, Serialize};

use super::{Describe, check_rate};
use crate::{Problem, Shape};

/// As [`Dropout`](super::Dropout), but each channel of a picture is dropped or kept as a whole
/// (Tompson et al. 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout2D {
    /// Share of channels that are dropped: at least 0, below 1.
    pub rate: f64,
}

impl SpatialDropout2D {
    /// Drops this share of the channels.
    pub fn new(rate: f64) -> Self {
        Self { rate }
    }
}

impl Describe for SpatialDropout2D {
    const KIND: &'static str = "SpatialDropout2D";
    const STEM: &'static str = "spatial_dropout2d";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_rate(self.rate)?;
        input.picture()?;
        Ok(input.clone())
    }
}
