//! Half a wave of the cosine, once or again and again (Loshchilov and Hutter 2017).

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, range};

/// From the learning rate to `alpha` times it in `decay_steps` steps, as half a wave of the cosine;
/// then it stays. Keras's `CosineDecay`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineDecay {
    /// Steps until the end.
    pub decay_steps: u64,
    /// The end, as a share of the learning rate; 0.
    #[serde(default)]
    pub alpha: f64,
}

/// [`CosineDecay`] that starts again at its end, by default for twice as long. Keras's
/// `CosineDecayRestarts`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineDecayRestarts {
    /// Steps of the first wave.
    pub first_decay_steps: u64,
    /// How much longer each wave is than the one before it; 2.
    #[serde(default = "two")]
    pub t_mul: f64,
    /// How much higher each wave starts than the one before it; 1.
    #[serde(default = "one")]
    pub m_mul: f64,
    /// The end of a wave, as a share of the learning rate; 0.
    #[serde(default)]
    pub alpha: f64,
}

fn one() -> f64 {
    1.0
}

fn two() -> f64 {
    2.0
}

impl CosineDecay {
    /// To 0 in so many steps.
    pub fn new(decay_steps: u64) -> Self {
        Self { decay_steps, alpha: 0.0 }
    }
}

impl CosineDecayRestarts {
    /// To 0 in so many steps; then twice as many, and so on.
    pub fn new(first_decay_steps: u64) -> Self {
        Self { first_decay_steps, t_mul: 2.0, m_mul: 1.0, alpha: 0.0 }
    }
}

/// `0.5 * (1 + cos(pi * x))`.
fn wave(x: f64) -> f64 {
    0.5 * (1.0 + (PI * x).cos())
}

impl Describe for CosineDecay {
    fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        let done = step.min(self.decay_steps) as f64 / self.decay_steps as f64;
        learning_rate * ((1.0 - self.alpha) * wave(done) + self.alpha)
    }

    fn check(&self) -> Result<(), Problem> {
        range::count("schedule: decay_steps", self.decay_steps)?;
        range::portion("schedule: alpha", self.alpha)
    }
}

impl Describe for CosineDecayRestarts {
    fn rate(&self, learning_rate: f64, step: u64) -> f64 {
        // Waves are a few tens at most, where they get longer; else their number is a quotient.
        let (mut restarts, mut length) = (0.0, self.first_decay_steps as f64);
        let mut left = step as f64;
        if self.t_mul == 1.0 {
            restarts = (left / length).floor();
            left -= restarts * length;
        }
        while left >= length {
            left -= length;
            length *= self.t_mul;
            restarts += 1.0;
        }
        let height = self.m_mul.powf(restarts) * wave(left / length);
        learning_rate * ((1.0 - self.alpha) * height + self.alpha)
    }

    fn check(&self) -> Result<(), Problem> {
        range::count("schedule: first_decay_steps", self.first_decay_steps)?;
        range::positive("schedule: m_mul", self.m_mul)?;
        range::portion("schedule: alpha", self.alpha)?;
        if self.t_mul.is_finite() && self.t_mul >= 1.0 {
            return Ok(());
        }
        Err(Problem::new(
            format!("schedule: t_mul = {} is out of range", self.t_mul),
            "it must be a finite number, at least 1: waves do not get shorter",
        ))
    }
}
