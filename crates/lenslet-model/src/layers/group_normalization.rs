//! Group normalisation.

use serde::{Deserialize, Serialize};

use super::{Describe, affine_norm, ones, setters, yes, zeros};
use crate::{Initializer, ParameterSpec, Problem, Regularizer, Shape};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with the mean and variance of a group of
/// neighbouring channels over the whole picture (Wu and He 2018). In training as at prediction.
///
/// Parameters: `gamma` (ones) and `beta` (zeros), each of shape `(channels)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupNormalization {
    /// Number of groups, which divides the channels; 32. -1: each channel is a group (instance
    /// normalisation).
    pub groups: i64,
    /// Added to the variance; 0.001.
    pub epsilon: f64,
    /// Whether there is a `beta`; yes.
    pub center: bool,
    /// Whether there is a `gamma`; yes.
    pub scale: bool,
    /// What `beta` holds before training; zeros.
    #[serde(skip_serializing_if = "Initializer::is_zeros")]
    pub beta_initializer: Initializer,
    /// What `gamma` holds before training; ones.
    #[serde(skip_serializing_if = "Initializer::is_ones")]
    pub gamma_initializer: Initializer,
    /// Penalty on `beta`; none.
    #[serde(skip_serializing_if = "Regularizer::is_none")]
    pub beta_regularizer: Regularizer,
    /// Penalty on `gamma`; none.
    #[serde(skip_serializing_if = "Regularizer::is_none")]
    pub gamma_regularizer: Regularizer,
}

impl Default for GroupNormalization {
    fn default() -> Self {
        Self {
            groups: 32,
            epsilon: 1e-3,
            center: yes(),
            scale: yes(),
            beta_initializer: zeros(),
            gamma_initializer: ones(),
            beta_regularizer: Regularizer::default(),
            gamma_regularizer: Regularizer::default(),
        }
    }
}

impl GroupNormalization {
    /// This many groups, or -1 for as many as there are channels.
    pub fn new(groups: i64) -> Self {
        Self { groups, ..Self::default() }
    }

    setters! {
        /// Sets what is added to the variance.
        epsilon: f64,
        /// Sets whether there is a `beta`.
        center: bool,
        /// Sets whether there is a `gamma`.
        scale: bool,
        /// Sets what `beta` holds before training.
        beta_initializer: Initializer,
        /// Sets what `gamma` holds before training.
        gamma_initializer: Initializer,
        /// Sets the penalty on `beta`.
        beta_regularizer: Regularizer,
        /// Sets the penalty on `gamma`.
        gamma_regularizer: Regularizer,
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
        self.groups_of(input.last())?;
        affine_norm::check_epsilon(self.epsilon)?;
        for spec in self.parameters(input) {
            spec.check()?;
        }
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let gamma = self.scale.then_some((self.gamma_initializer, self.gamma_regularizer));
        let beta = self.center.then_some((self.beta_initializer, self.beta_regularizer));
        affine_norm::parameters(input.last(), gamma, beta)
    }
}
