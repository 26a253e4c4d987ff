//! RMSprop.

use serde::{Deserialize, Serialize};

use super::{Describe, Moment};
use crate::{Problem, range};

/// RMSprop (Hinton 2012): steps divided by the root of the mean of squared gradients.
///
/// `v = rho * v + (1 - rho) * g^2`, `p -= learning_rate * g / sqrt(v + epsilon)`. Centred, the
/// square of the mean gradient is taken off `v`; with momentum, steps build up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RMSprop {
    /// Step size; 0.001.
    pub learning_rate: f64,
    /// Decay of the mean of squared gradients; 0.9.
    pub rho: f64,
    /// Share of the last step that is taken again; 0.
    pub momentum: f64,
    /// Added below the root; 1e-7.
    pub epsilon: f64,
    /// Divides by the deviation from the mean gradient; no.
    pub centered: bool,
}

impl Default for RMSprop {
    fn default() -> Self {
        Self { learning_rate: 0.001, rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false }
    }
}

impl RMSprop {
    /// With this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }
}

impl Describe for RMSprop {
    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn learning_rate(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn moments(&self) -> Vec<Moment> {
        let mut moments = vec![Moment::new("velocity")];
        moments.extend((self.momentum > 0.0).then(|| Moment::new("momentum")));
        moments.extend(self.centered.then(|| Moment::new("average_gradient")));
        moments
    }

    fn check(&self) -> Result<(), Problem> {
        range::share("rho", self.rho)?;
        range::share("momentum", self.momentum)?;
        range::positive("epsilon", self.epsilon)
    }
}
