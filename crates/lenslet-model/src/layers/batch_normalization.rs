//! Batch normalisation.

use serde::{Deserialize, Serialize};

use super::{Describe, affine_norm, ones, setters, yes, zeros};
use crate::{Initializer, ParameterSpec, Problem, Regularizer, Shape};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, channel by channel (Ioffe and Szegedy
/// 2015).
///
/// In training mean and variance are those of the batch, over everything but the last axis, and
/// `moving = moving * momentum + batch * (1 - momentum)` follows them. At prediction they are the
/// moving ones; the engine then multiplies them into a convolution in front, where there is one.
/// Parameters: `gamma` (ones) and `beta` (zeros), and, not trained, `moving_mean` (zeros) and
/// `moving_variance` (ones), each of shape `(channels)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchNormalization {
    /// Share of the moving statistics that stays at each step: at least 0, at most 1; 0.99.
    pub momentum: f64,
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

impl Default for BatchNormalization {
    fn default() -> Self {
        Self {
            momentum: 0.99,
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

impl BatchNormalization {
    /// Keras's settings.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the share of the moving statistics that stays at each step.
        momentum: f64,
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
        affine_norm::check_epsilon(self.epsilon)?;
        for spec in self.parameters(input) {
            spec.check()?;
        }
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let channels = input.last();
        let gamma = self.scale.then_some((self.gamma_initializer, self.gamma_regularizer));
        let beta = self.center.then_some((self.beta_initializer, self.beta_regularizer));
        let mut all = affine_norm::parameters(channels, gamma, beta);
        all.push(ParameterSpec::new("moving_mean", [channels], zeros()).frozen());
        all.push(ParameterSpec::new("moving_variance", [channels], ones()).frozen());
        all
    }
}
