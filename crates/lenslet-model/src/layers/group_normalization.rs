//! Group normalisation.

use super::Describe;
use super::affine_norm::{self, normalizing_layer};
use crate::{ParameterSpec, Problem, Shape};

normalizing_layer! {
    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with the mean and variance of a group
    /// of neighbouring channels over the whole picture (Wu and He 2018). In training as at
    /// prediction.
    ///
    /// Parameters: `gamma` (ones) and `beta` (zeros), each of shape `(channels)`.
    GroupNormalization {
        /// The channels' axis; -1, the last, which is the only one that it can be.
        axis,
        /// Number of groups, which divides the channels; 32. -1: each channel is a group (instance
        /// normalisation).
        groups: i64 = 32,
    }
}

impl GroupNormalization {
    /// This many groups, or -1 for as many as there are channels.
    pub fn new(groups: i64) -> Self {
        Self { groups, ..Self::default() }
    }

    /// The number of groups of this many channels.
    ///
    /// # Errors
    /// Where it does not divide them.
    pub fn groups_of(&self, channels: usize) -> Result<usize, Problem> {
        if self.groups == -1 {
            return Ok(channels);
        }
        let groups = usize::try_from(self.groups).ok();
        groups.filter(|&groups| groups > 0 && channels.is_multiple_of(groups)).ok_or_else(|| {
            Problem::new(
                format!("groups = {} does not divide its {channels} channels", self.groups),
                "use a divisor of the number of channels, or -1 for one group a channel",
            )
        })
    }
}

impl Describe for GroupNormalization {
    const KIND: &'static str = "GroupNormalization";
    const STEM: &'static str = "group_normalization";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        affine_norm::check_channels(&self.axis, input)?;
        self.groups_of(input.last())?;
        self.check()?;
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        self.scales(&[input.last()])
    }
}
