//! Looks for a learning rate, by the range test of Smith (Cyclical Learning Rates for Training Neural
//! Networks, 2015), with rates that grow by a factor and an early end as of Gugger (How Do You Find A
//! Good Learning Rate, 2018).

mod valley;

use lenslet_data::{Batches, Dataset, Labels, shuffled_order};
use lenslet_engine::Engine;

use crate::TrainError;
use crate::adapt::{Which, adapt};
use crate::targets::targets;
use valley::Valley;

/// How learning rates are tried: a step at each, from the smallest to the largest, each larger than
/// the one before it by the same factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRateSweep {
    /// The first rate; 1e-5.
    pub start: f64,
    /// The last rate; 1.
    pub end: f64,
    /// Steps, at least 40; 4000. A network that takes hundreds of steps to learn anything needs as many
    /// for each power of ten.
    pub steps: usize,
    /// Samples in a step; 32.
    pub batch_size: usize,
    /// What the order of the samples grows from; 42.
    pub seed: u64,
}

impl Default for LearningRateSweep {
    fn default() -> Self {
        Self { start: 1e-5, end: 1.0, steps: 4000, batch_size: 32, seed: 42 }
    }
}

/// What a [`LearningRateSweep`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct SweptRates {
    /// The rates of the steps that were taken.
    pub rates: Vec<f64>,
    /// The loss at each, smoothed: a mean over the rates around it, half a power of ten wide.
    pub losses: Vec<f64>,
    /// Whether the sweep ended early: the loss grew without end.
    pub diverged: bool,
    /// Whether the loss is lowest at the last rate: larger ones may be better still.
    pub falls_to_the_end: bool,
    /// The index of the suggested rate. `None` where no fall stands out from the losses' noise.
    ///
    /// It is the middle, on a logarithmic axis, between the rate at which half of the fall is done
    /// and that of the lowest loss, and at most half of the latter. Smaller rates learn, too, but more slowly;
    /// where the loss falls most steeply says little, for what is easy is learnt at any rate.
    pub suggestion: Option<usize>,
}

impl SweptRates {
    /// The suggested learning rate.
    pub fn suggested(&self) -> Option<f64> {
        self.suggestion.map(|index| self.rates[index])
    }
}

/// Steps at least.
const FEWEST: usize = 40;
/// Share of the old mean in the new, in the mean that tells when the loss grows without end.
const KEEP: f64 = 0.9;
/// A loss this many times the smallest is the end.
const DIVERGED: f64 = 4.0;

impl LearningRateSweep {
    fn check(&self) -> Result<(), TrainError> {
        for (setting, value, least) in
            [("steps", self.steps, FEWEST), ("batch_size", self.batch_size, 1)]
        {
            if value < least {
                let words = format!("{setting} = {value} is too small; give at least {least}");
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
        let (mut pixels, mut labels) = (Vec::new(), Labels::default());
        let (mut rates, mut losses): (Vec<f64>, Vec<f64>) = Default::default();
        let mut brink = Brink::default();
        let mut passes = 0..;
        'sweep: while rates.len() < self.steps {
            let order = shuffled_order(self.seed, passes.next().unwrap_or(0), data.len());
            for batch in Batches::new(&order, self.batch_size).take(self.steps - rates.len()) {
                let rate = self.rate(rates.len());
                let now = engine.learning_rate();
                if now <= 0.0 {
                    let words = "a schedule that starts at 0 leaves no learning rate to scale; \
                                 leave the schedule out";
                    return Err(TrainError::Callback(words.into()));
                }
                engine.scale_learning_rate(rate / now);
                data.gather(batch, &mut pixels, &mut labels);
                let loss = engine.train_on(&pixels, targets(&labels))?.mean_loss();
                if brink.is_passed(loss) || !engine.all_finite() {
                    break 'sweep;
                }
                rates.push(rate);
                losses.push(loss);
            }
        }
        let diverged = rates.len() < self.steps;
        let Valley { smooth, suggestion, falls_to_the_end } =
            Valley::new(&rates, &losses, DIVERGED);
        let falls_to_the_end = falls_to_the_end && !diverged;
        Ok(SweptRates { rates, losses: smooth, diverged, falls_to_the_end, suggestion })
    }
}

/// Where the loss begins to grow without end.
#[derive(Default)]
struct Brink {
    /// A mean of the last losses, before the correction for the few at its beginning.
    mean: f64,
    count: i32,
    least: Option<f64>,
}

impl Brink {
    /// Takes the next loss; whether it is beyond.
    fn is_passed(&mut self, loss: f64) -> bool {
        self.mean = KEEP * self.mean + (1.0 - KEEP) * loss;
        self.count = self.count.saturating_add(1);
        let mean = self.mean / (1.0 - KEEP.powi(self.count));
        let least = self.least.map_or(mean, |least| least.min(mean));
        self.least = Some(least);
        !mean.is_finite() || mean > DIVERGED * least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_grows_without_end_is_seen() {
        let mut brink = Brink::default();
        assert!((0..50).all(|_| !brink.is_passed(2.0)), "it stays");
        assert!(!brink.is_passed(20.0), "a single one may be large");
        assert!((0..20).any(|_| brink.is_passed(20.0)), "many may not");
        assert!(Brink::default().is_passed(f64::NAN));
    }

    #[test]
    fn rates_grow_by_the_same_factor() {
        let sweep = LearningRateSweep { start: 1e-4, end: 1.0, steps: 41, ..Default::default() };
        assert!((sweep.rate(0) - 1e-4).abs() < 1e-15 && (sweep.rate(40) - 1.0).abs() < 1e-12);
        assert!((sweep.rate(20) - 1e-2).abs() < 1e-12);
    }
}
