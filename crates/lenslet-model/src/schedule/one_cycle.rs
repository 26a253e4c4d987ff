//! Up, and further down (Smith and Topin 2019).

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, range};

/// One cycle: from `learning_rate / div_factor` up to the learning rate, then down to the start
/// divided by `final_div_factor`, both as half a wave of the cosine. PyTorch's `OneCycleLR`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneCycle {
    /// Steps of the cycle; after it the rate stays.
    pub total_steps: u64,
    /// The share of steps that goes up; 0.3.
    #[serde(default = "pct_start")]
    pub pct_start: f64,
    /// How far below the learning rate the cycle starts; 25.
    #[serde(default = "div_factor")]
    pub div_factor: f64,
    /// How far below the start it ends; 10,000.
    #[serde(default = "final_div_factor")]
    pub final_div_factor: f64,
}

fn pct_start() -> f64 {
    0.3
}

fn div_factor() -> f64 {
    25.0
}

fn final_div_factor() -> f64 {
    10_000.0
}

impl OneCycle {
    /// A cycle of so many steps.
    pub fn new(total_steps: u64) -> Self {
        Self {
            total_steps,
            pct_start: pct_start(),
            div_factor: div_factor(),
            final_div_factor: final_div_factor(),
        }
    }
}

/// From `start` at 0 to `end` at 1.
fn between(start: f64, end: f64, x: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * x).cos())
}

impl Describe for OneCycle {
    fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        let start = learning_rate / self.div_factor;
        let end = start / self.final_div_factor;
        let peak = self.pct_start * self.total_steps as f64 - 1.0;
        let last = self.total_steps as f64 - 1.0;
        let step = (step as f64).min(last);
        if step <= peak {
            between(start, learning_rate, step / peak)
        } else {
            between(learning_rate, end, (step - peak) / (last - peak))
        }
    }

    fn check(&self) -> Result<(), Problem> {
        range::share("schedule: pct_start", self.pct_start)?;
        range::positive("schedule: div_factor", self.div_factor)?;
        range::positive("schedule: final_div_factor", self.final_div_factor)?;
        if self.pct_start * self.total_steps as f64 > 1.0 {
            return Ok(());
        }
        Err(Problem::new(
            format!("schedule: total_steps = {} leaves no steps to go up in", self.total_steps),
            "raise total_steps or pct_start",
        ))
    }
}
