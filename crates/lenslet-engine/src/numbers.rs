//! The numbers that make up a network in training.

use lenslet_kernels::Real;
use lenslet_model::Optimizer;

use crate::memory::{Buffer, buffer};
use crate::norm::NormNumbers;
use crate::plan::Mode;
use crate::program::Weights;

/// The numbers that make up a network in training, each one flat buffer.
pub(crate) struct Numbers<R> {
    pub(crate) parameters: Buffer<R>,
    /// How many of them are trained; they come first.
    pub(crate) trained: usize,
    /// Empty before the first step of training.
    pub(crate) gradients: Buffer<R>,
    /// The optimiser's, see [`Optimizer::moments`]. Empty before the first step.
    pub(crate) moments: Vec<Buffer<R>>,
    /// Filters in the convolution kernels' own layouts.
    pub(crate) packed: Vec<Buffer<R>>,
    /// What `packed` follows `parameters` for.
    pub(crate) packed_for: Option<Mode>,
    /// How often the parameters have changed: what each thread's own filters follow.
    pub(crate) changes: u64,
    /// Of each batch normalisation.
    pub(crate) norms: Vec<NormNumbers<R>>,
    /// Room for filters with a normalisation multiplied in.
    pub(crate) folded: Buffer<R>,
    /// Whether all parameters are finite, where that is known.
    pub(crate) finite: Option<bool>,
    /// Steps taken.
    pub(crate) steps: u64,
    /// What learning rates are multiplied by.
    pub(crate) rate_scale: f64,
}

impl<R: Real> Numbers<R> {
    /// A convolution's bias, or that of a normalisation that it took in.
    pub(crate) fn bias(&self, weights: &Weights, folded: Option<usize>) -> &[R] {
        match folded {
            Some(norm) => &self.norms[norm].shift,
            None => weights.of(&self.parameters).1,
        }
    }

    /// Makes room for what only training needs.
    pub(crate) fn prepare_training(&mut self, optimizer: &Optimizer) {
        let missing = |numbers: &Buffer<R>| numbers.len() < self.trained;
        if !missing(&self.gradients) && !self.moments.iter().any(missing) {
            return;
        }
        if self.gradients.len() < self.trained {
            self.gradients = buffer(self.trained);
        }
        for (numbers, moment) in self.moments.iter_mut().zip(optimizer.moments()) {
            if numbers.len() < self.trained {
                *numbers = buffer(self.trained);
                numbers.fill(R::from_f64(moment.initial));
            }
        }
    }

    /// The parameters are not what they were.
    pub(crate) fn changed(&mut self) {
        self.moved();
        self.finite = None;
    }

    /// The same, and it is known whether they are finite.
    pub(crate) fn moved(&mut self) {
        self.packed_for = None;
        self.changes += 1;
    }
}
