//! Layer normalisation.

use serde::{Deserialize, Serialize};

use super::{Describe, affine_norm, ones, setters, yes, zeros};
use crate::{Initializer, ParameterSpec, Problem, Regularizer, Shape};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with the mean and variance over the last
/// axis: of all channels of a pixel (Ba et al. 2016). In training as at prediction.
///
/// Parameters: `gamma` (ones) and `beta` (zeros), each of shape `(channels)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerNormalization {
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

impl Default for LayerNormalization {
    fn default() -> Self {
        Self {
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

impl LayerNormalization {
    /// Keras's settings.
    pub fn new() -> Self {
        Self::default()
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
}

impl Describe for LayerNormalization {
    const KIND: &'static str = "LayerNormalization";
    const STEM: &'static str = "layer_normalization";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
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
