//! Batch normalisation.

use super::affine_norm::{self, normalizing_layer};
use super::{Describe, ones, zeros};
use crate::{ParameterSpec, Problem, Shape};

normalizing_layer! {
    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, channel by channel (Ioffe and
    /// Szegedy 2015).
    ///
    /// In training mean and variance are those of the batch, over everything but the last axis, and
    /// `moving = moving * momentum + batch * (1 - momentum)` follows them. At prediction they are
    /// the moving ones; the engine then multiplies them into a convolution in front, where there is
    /// one. Parameters: `gamma` (ones) and `beta` (zeros), and, not trained, `moving_mean` (zeros)
    /// and `moving_variance` (ones), each of shape `(channels)`.
    BatchNormalization {
        /// The channels' axis; -1, the last, which is the only one that it can be.
        axis,
        /// Share of the moving statistics that stays at each step: at least 0, at most 1; 0.99.
        momentum: f64 = 0.99,
    }
}

impl BatchNormalization {
    /// Keras's settings.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Describe for BatchNormalization {
    const KIND: &'static str = "BatchNormalization";
    const STEM: &'static str = "batch_normalization";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Problem::new(
                format!("momentum = {} is out of range", self.momentum),
                "it must lie between 0 and 1, for example 0.99",
            ));
        }
        affine_norm::check_channels(&self.axis, input)?;
        self.check()?;
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let channels = input.last();
        let mut all = self.scales(&[channels]);
        all.push(ParameterSpec::new("moving_mean", [channels], zeros()).frozen());
        all.push(ParameterSpec::new("moving_variance", [channels], ones()).frozen());
        all
    }
}
