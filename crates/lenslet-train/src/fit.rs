//! The fit loop.

use std::time::Instant;

use lenslet_data::{Dataset, shuffled_order};
use lenslet_engine::{Engine, Tally};
use lenslet_model::Metric;

use crate::evaluation::tally;
use crate::feed::feed;
use crate::{Epoch, Flow, History, Observer, Plan, Progress, TrainError};

/// How to train, with Keras's defaults.
///
/// ```
/// use lenslet_train::Fit;
/// let fit = Fit::new().epochs(10).batch_size(10);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fit<'a> {
    /// Times that every training sample is seen; 1.
    pub epochs: usize,
    /// Samples in a step; 32.
    pub batch_size: usize,
    /// Data to evaluate on after each epoch; none.
    pub validation: Option<&'a Dataset>,
    /// Whether each epoch sees the samples in an order of its own; yes.
    pub shuffle: bool,
    /// What the orders grow from; 42.
    pub seed: u64,
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Self { epochs: 1, batch_size: 32, validation: None, shuffle: true, seed: 42 }
    }
}

impl<'a> Fit<'a> {
    /// Keras's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of epochs.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets the number of samples in a step.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// Evaluates on this data after each epoch.
    pub fn validation(self, data: &'a Dataset) -> Self {
        Self { validation: Some(data), ..self }
    }

    /// Sets whether each epoch sees the samples in an order of its own.
    pub fn shuffle(self, shuffle: bool) -> Self {
        Self { shuffle, ..self }
    }

    /// Sets what the orders grow from.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Trains `engine` on `data`.
    pub(crate) fn run(
        &self,
        engine: &mut dyn Engine,
        metrics: &[Metric],
        data: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<History, TrainError> {
        for (setting, value) in [("epochs", self.epochs), ("batch_size", self.batch_size)] {
            if value == 0 {
                return Err(TrainError::Setting { setting, value });
            }
        }
        let counted = metrics.contains(&Metric::SparseCategoricalAccuracy);
        observer.begin(&Plan {
            epochs: self.epochs,
            steps: data.len().div_ceil(self.batch_size),
            validation: self.validation.is_some(),
            accuracy: counted,
        })?;
        let mut history = History::default();
        for epoch in 1..=self.epochs {
            let start = Instant::now();
            let place = Place { epoch, start };
            let (mut progress, flow) = self.epoch(engine, data, place, observer)?;
            let validation = match (flow, self.validation) {
                (Flow::Continue, Some(data)) => Some(tally(engine, data)?),
                _ => None,
            };
            progress.elapsed = start.elapsed();
            let record = Epoch {
                epoch,
                loss: progress.loss,
                accuracy: counted.then_some(progress.accuracy),
                val_loss: validation.map(|t| t.mean_loss()),
                val_accuracy: validation.filter(|_| counted).map(|t| t.accuracy()),
                learning_rate: progress.learning_rate,
                seconds: progress.elapsed.as_secs_f64(),
            };
            history.epochs.push(record);
            let broken_off = flow == Flow::Stop;
            let mut flow = if broken_off { flow } else { observer.epoch(&progress, &record) };
            if !broken_off && observer.steer(&record, engine)? == Flow::Stop {
                flow = Flow::Stop;
            }
            if flow == Flow::Stop {
                history.stopped = epoch < self.epochs || broken_off;
                break;
            }
        }
        engine.finish();
        observer.end(engine)?;
        Ok(history)
    }

    /// One pass over the data.
    fn epoch(
        &self,
        engine: &mut dyn Engine,
        data: &Dataset,
        place: Place,
        observer: &mut dyn Observer,
    ) -> Result<(Progress, Flow), TrainError> {
        let order = match self.shuffle {
            true => shuffled_order(self.seed, place.epoch as u64, data.len()),
            false => (0..data.len() as u32).collect(),
        };
        let mut sum = Tally::default();
        let mut progress = place.progress(self.epochs, order.len().div_ceil(self.batch_size));
        let flow = feed(data, &order, self.batch_size, |batch| {
            progress.learning_rate = engine.learning_rate();
            let tally = engine.train_step(&batch.pixels, &batch.labels)?;
            progress.step += 1;
            if !tally.loss.is_finite() || !engine.all_finite() {
                return Err(TrainError::Diverged {
                    loss: tally.mean_loss(),
                    bad: engine.not_finite(),
                    epoch: place.epoch,
                    step: progress.step,
                    learning_rate: progress.learning_rate,
                });
            }
            sum.add(tally);
            progress.elapsed = place.start.elapsed();
            (progress.loss, progress.accuracy) = (sum.mean_loss(), sum.accuracy());
            Ok(observer.step(&progress))
        })?;
        Ok((progress, flow))
    }
}

/// Which epoch it is, and since when.
#[derive(Clone, Copy)]
struct Place {
    epoch: usize,
    start: Instant,
}

impl Place {
    fn progress(self, epochs: usize, steps: usize) -> Progress {
        Progress {
            epoch: self.epoch,
            epochs,
            step: 0,
            steps,
            elapsed: self.start.elapsed(),
            loss: f64::NAN,
            accuracy: f64::NAN,
            learning_rate: f64::NAN,
        }
    }
}
