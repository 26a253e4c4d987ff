//! Muon.

use serde::{Deserialize, Serialize};

use super::{Describe, Moment};
use crate::{Problem, range};

/// Muon (Jordan et al. 2024) for the filters of convolutions, [`AdamW`](crate::AdamW) for all other
/// parameters.
///
/// The momentum of a kernel, as a matrix of `height * width * in` rows and `out` columns, is replaced
/// by the nearest orthogonal matrix, approximately: five steps of a Newton-Schulz iteration. Keras's
/// arithmetic and defaults, steps as long as Adam's (Liu et al. 2025): times
/// `rms_rate * sqrt(max(rows, columns))`. Keras itself takes it for matrices alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Muon {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// Decay of the sum of the gradients; 0.95.
    pub momentum: f64,
    /// Looks ahead by one step of the momentum; yes.
    pub nesterov: bool,
    /// Steps of the Newton-Schulz iteration; 5.
    pub ns_steps: usize,
    /// The step of a matrix is its orthogonal one times this and the root of its longer side; 0.2.
    pub rms_rate: f64,
    /// All other parameters: decay of the mean of the gradients; 0.9.
    pub adam_beta_1: f64,
    /// All other parameters: decay of the mean of their squares; 0.999.
    pub adam_beta_2: f64,
    /// All other parameters: added to the root of the second; 1e-7.
    pub epsilon: f64,
    /// All other parameters: their step size as a multiple of the learning rate; 1.
    pub adam_lr_ratio: f64,
}

impl Default for Muon {
    fn default() -> Self {
        Self {
            learning_rate: 0.001,
            momentum: 0.95,
            nesterov: true,
            ns_steps: 5,
            rms_rate: 0.2,
            adam_beta_1: 0.9,
            adam_beta_2: 0.999,
            epsilon: 1e-7,
            adam_lr_ratio: 1.0,
        }
    }
}

impl Muon {
    /// With this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }
}

impl Describe for Muon {
    fn name(&self) -> &'static str {
        "muon"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        vec![Moment::new("momentum"), Moment::new("velocity")]
    }

    fn weight_decay(&self) -> f64 {
        0.004
    }

    fn check(&self) -> Result<(), Problem> {
        range::share("momentum", self.momentum)?;
        range::share("adam_beta_1", self.adam_beta_1)?;
        range::share("adam_beta_2", self.adam_beta_2)?;
        range::positive("epsilon", self.epsilon)?;
        range::positive("rms_rate", self.rms_rate)?;
        range::positive("adam_lr_ratio", self.adam_lr_ratio)?;
        if (1..=20).contains(&self.ns_steps) {
            return Ok(());
        }
        Err(Problem::new(
            format!("ns_steps = {} is out of range", self.ns_steps),
            "it must lie between 1 and 20",
        ))
    }
}
