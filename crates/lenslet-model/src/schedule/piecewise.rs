//! One rate after another.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, range};

/// `learning_rate * factors[i]` from after `boundaries[i - 1]` to `boundaries[i]`, that step
/// included. Keras's `PiecewiseConstantDecay` with `values = learning_rate * factors`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiecewiseConstantDecay {
    /// The last step of every stretch but the last, in rising order.
    pub boundaries: Vec<u64>,
    /// The factor of every stretch: one more than boundaries.
    pub factors: Vec<f64>,
}

impl Describe for PiecewiseConstantDecay {
    fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        learning_rate * self.factors[self.boundaries.partition_point(|&last| last < step)]
    }

    fn check(&self) -> Result<(), Problem> {
        let (boundaries, factors) = (self.boundaries.len(), self.factors.len());
        if factors != boundaries + 1 {
            return Err(Problem::new(
                format!("schedule: {factors} factors do not fit {boundaries} boundaries"),
                "give one factor more than boundaries",
            ));
        }
        if !self.boundaries.is_sorted_by(|a, b| a < b) {
            return Err(Problem::new(
                "schedule: the boundaries do not rise",
                "give each step once, the smallest first",
            ));
        }
        self.factors.iter().try_for_each(|&factor| range::not_negative("schedule: factors", factor))
    }
}
