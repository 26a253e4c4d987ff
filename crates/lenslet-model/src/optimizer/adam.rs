//! Adam, and Adam with weight decay.

use serde::{Deserialize, Serialize};

use super::{Describe, Moment};
use crate::{Problem, range};

/// Adam (Kingma and Ba 2015) with Keras's arithmetic: epsilon outside the bias correction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients; 0.9.
    pub beta_1: f64,
    /// Decay of the mean of their squares; 0.999.
    pub beta_2: f64,
    /// Added to the root of the second; 1e-7.
    pub epsilon: f64,
    /// Divides by the largest mean of squares so far (Reddi et al. 2018); no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub amsgrad: bool,
}

/// [`Adam`] with weight decay (Loshchilov and Hutter 2019), of 0.004 where
/// [`Optimizer::weight_decay`](crate::Optimizer::weight_decay) does not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients; 0.9.
    pub beta_1: f64,
    /// Decay of the mean of their squares; 0.999.
    pub beta_2: f64,
    /// Added to the root of the second; 1e-7.
    pub epsilon: f64,
    /// Divides by the largest mean of squares so far (Reddi et al. 2018); no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

impl Default for AdamW {
    fn default() -> Self {
        let Adam { learning_rate, beta_1, beta_2, epsilon, amsgrad } = Adam::default();
        Self { learning_rate, beta_1, beta_2, epsilon, amsgrad }
    }
}

impl Adam {
    /// Adam with this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }
}

impl AdamW {
    /// AdamW with this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }

    /// What it does besides the decay.
    pub fn adam(&self) -> Adam {
        let Self { learning_rate, beta_1, beta_2, epsilon, amsgrad } = *self;
        Adam { learning_rate, beta_1, beta_2, epsilon, amsgrad }
    }
}

impl Describe for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        let all = ["momentum", "velocity", "velocity_hat"].map(Moment::new);
        all[..2 + usize::from(self.amsgrad)].to_vec()
    }

    fn check(&self) -> Result<(), Problem> {
        range::share("beta_1", self.beta_1)?;
        range::share("beta_2", self.beta_2)?;
        range::positive("epsilon", self.epsilon)
    }
}

impl Describe for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        self.adam().moments()
    }

    fn weight_decay(&self) -> f64 {
        0.004
    }

    fn check(&self) -> Result<(), Problem> {
        self.adam().check()
    }
}
