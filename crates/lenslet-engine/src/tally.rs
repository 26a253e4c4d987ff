//! What batches add up to.

/// Sums over the samples of one or more batches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Sum of the samples' losses.
    pub loss: f64,
    /// Samples whose largest output is the true class's. Where each output is a probability by
    /// itself and has a target of its own, shares of the outputs on the right side of one half.
    pub correct: f64,
    /// Number of samples.
    pub samples: usize,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.samples += other.samples;
    }

    /// Loss per sample; NaN where there is none.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.samples as f64
    }

    /// Share of samples that are right; NaN where there is none.
    pub fn accuracy(&self) -> f64 {
        self.correct / self.samples as f64
    }
}
