//! How to train.

mod course;
mod on_nan;
mod seen;

use lenslet_data::{Dataset, shuffled_order};

use crate::TrainError;
pub(crate) use course::Course;
pub use on_nan::OnNan;

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
    /// What is done where numbers stop being numbers; training stops, as with Keras's `TerminateOnNaN`.
    pub on_nan: OnNan,
}

impl Default for Fit<'_> {
    fn default() -> Self {
        let on_nan = OnNan::Stop;
        Self { epochs: 1, batch_size: 32, validation: None, shuffle: true, seed: 42, on_nan }
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

    /// Sets what is done where numbers stop being numbers.
    pub fn on_nan(self, on_nan: OnNan) -> Self {
        Self { on_nan, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), TrainError> {
        for (setting, value) in [("epochs", self.epochs), ("batch_size", self.batch_size)] {
            if value == 0 {
                return Err(TrainError::Setting { setting, value });
            }
        }
        Ok(())
    }

    /// The order in which an epoch sees so many samples.
    fn order(&self, epoch: usize, samples: usize) -> Vec<u32> {
        match self.shuffle {
            true => shuffled_order(self.seed, epoch as u64, samples),
            false => (0..samples as u32).collect(),
        }
    }
}
