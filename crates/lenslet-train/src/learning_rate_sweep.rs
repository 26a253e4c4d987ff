//! Looks for a learning rate (Smith 2017).

use lenslet_data::{Batches, Dataset, shuffled_order};
use lenslet_engine::Engine;

use crate::TrainError;
use crate::adapt::{Which, adapt};

/// How learning rates are tried: a step at each, from the smallest to the largest, each larger than
/// the one before it by the same factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRateSweep {
    /// The first rate; 1e-7.
    pub start: f64,
    /// The last rate; 10.
    pub end: f64,
    /// Steps, at least 10; 200.
    pub steps: usize,
    /// Samples in a step; 32.
    pub batch_size: usize,
    /// What the order of the samples grows from; 42.
    pub seed: u64,
}

impl Default for LearningRateSweep {
    fn default() -> Self {
        Self { start: 1e-7, end: 10.0, steps: 200, batch_size: 32, seed: 42 }
    }
}

/// What a [`LearningRateSweep`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct SweptRates {
    /// The rates of the steps that were taken.
    pub rates: Vec<f64>,
    /// The loss at each, smoothed: a mean in which every step counts 0.95 times the next.
    pub losses: Vec<f64>,
    /// The index of the suggested rate: where the loss falls most steeply. `None` where it never
    /// falls.
    pub suggestion: Option<usize>,
}

impl SweptRates {
    /// The suggested learning rate.
    pub fn suggested(&self) -> Option<f64> {
        self.suggestion.map(|index| self.rates[index])
    }
}

/// Share of the old mean in the new.
const SMOOTHING: f64 = 0.95;
/// A loss this many times the smallest is the end.
const DIVERGED: f64 = 4.0;

impl LearningRateSweep {
    fn check(&self) -> Result<(), TrainError> {
        for (setting, value) in [("steps", self.steps / 10), ("batch_size", self.batch_size)] {
            if value == 0 {
                let least = if setting == "steps" { 10 } else { 1 };
                let words = format!("{setting} is too small; give at least {least}");
                return Err(TrainError::Callback(words.into()));
            }
        }
        if self.start > 0.0 && self.end.is_finite() && self.start < self.end {
            return Ok(());
        }
        let words = format!(
            "learning rates from {} to {} cannot be tried; give two numbers above 0, the smaller first",
            self.start, self.end
        );
        Err(TrainError::Callback(words.into()))
    }

    fn rate(&self, step: usize) -> f64 {
        let done = step as f64 / (self.steps - 1) as f64;
        self.start * (self.end / self.start).powf(done)
    }

    /// Runs it and leaves the engine as it was.
    pub(crate) fn run(
        &self,
        engine: &mut dyn Engine,
        data: &Dataset,
    ) -> Result<SweptRates, TrainError> {
        self.check()?;
        let before = engine.state();
        let found = adapt(engine, data, Which::New).and_then(|()| self.steps(engine, data));
        engine.load_state(&before)?;
        found
    }

    fn steps(&self, engine: &mut dyn Engine, data: &Dataset) -> Result<SweptRates, TrainError> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        let (mut rates, mut losses): (Vec<f64>, Vec<f64>) = Default::default();
        let (mut mean, mut best) = (0.0, f64::INFINITY);
        let mut passes = 0..;
        'sweep: while rates.len() < self.steps {
            let order = shuffled_order(self.seed, passes.next().unwrap_or(0), data.len());
            for batch in Batches::new(&order, self.batch_size) {
                if rates.len() == self.steps {
                    break;
                }
                let rate = self.rate(rates.len());
                let now = engine.learning_rate();
                if now <= 0.0 {
                    let words = "a schedule that starts at 0 leaves no learning rate to scale; \
                                 leave the schedule out";
                    return Err(TrainError::Callback(words.into()));
                }
                engine.scale_learning_rate(rate / now);
                data.gather(batch, &mut pixels, &mut labels);
                let loss = engine.train_step(&pixels, &labels)?.mean_loss();
                mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
                let smooth = mean / (1.0 - SMOOTHING.powi(rates.len() as i32 + 1));
                if !(smooth.is_finite() && engine.all_finite()) || smooth > DIVERGED * best {
                    break 'sweep;
                }
                best = best.min(smooth);
                rates.push(rate);
                losses.push(smooth);
            }
        }
        let suggestion = steepest(&losses);
        Ok(SweptRates { rates, losses, suggestion })
    }
}

/// Where the values fall most from one to the next but one; the first tenth, when the mean is still
/// of a few, does not count.
fn steepest(losses: &[f64]) -> Option<usize> {
    let first = losses.len() / 10 + 1;
    let slope = |i: usize| losses[i + 1] - losses[i - 1];
    let candidates = (first..losses.len().saturating_sub(1)).filter(|&i| slope(i) < 0.0);
    candidates.min_by(|&a, &b| slope(a).total_cmp(&slope(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steepest_fall_is_suggested() {
        let mut losses = vec![2.0; 30];
        losses[20..].iter_mut().for_each(|loss| *loss = 1.0);
        losses[21..].iter_mut().for_each(|loss| *loss = 0.5);
        assert_eq!(steepest(&losses), Some(20));
        assert_eq!(steepest(&[1.0; 30]), None);
        assert_eq!(steepest(&[]), None);
    }

    #[test]
    fn rates_grow_by_the_same_factor() {
        let sweep = LearningRateSweep { start: 1e-4, end: 1.0, steps: 41, ..Default::default() };
        assert!((sweep.rate(0) - 1e-4).abs() < 1e-15 && (sweep.rate(40) - 1.0).abs() < 1e-12);
        assert!((sweep.rate(20) - 1e-2).abs() < 1e-12);
    }
}
