//! From the last value to loss and accuracy, and back.

use lenslet_kernels::{Activation, Formula, Kernels, Loss, Real, Target};
use lenslet_model::LossFunction;

use crate::workspace::Outcome;

/// What becomes of the last value of a network.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The loss; from logits where a last softmax or sigmoid is part of it.
    pub(crate) loss: Loss,
    /// What makes the network's outputs of the last value, where that is part of the loss.
    pub(crate) fused: Option<Fused>,
    /// Weights of the classes; none where all are 1.
    pub(crate) class_weights: Vec<f64>,
}

/// A last layer that is part of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fused {
    Softmax,
    Sigmoid,
}

/// The formula of a loss, and whether the user's outputs are logits.
pub(crate) fn formula(function: LossFunction) -> (Formula, bool) {
    match function {
        LossFunction::SparseCategoricalCrossentropy(loss) => {
            (Formula::SparseCategorical, loss.from_logits)
        }
        LossFunction::CategoricalCrossentropy(loss) => (Formula::Categorical, loss.from_logits),
        LossFunction::CategoricalFocalCrossentropy(loss) => {
            let formula = Formula::CategoricalFocal { alpha: loss.alpha, gamma: loss.gamma };
            (formula, loss.from_logits)
        }
        LossFunction::BinaryCrossentropy(loss) => (Formula::Binary, loss.from_logits),
        LossFunction::BinaryFocalCrossentropy(loss) => {
            let alpha = loss.apply_class_balancing.then_some(loss.alpha);
            (Formula::BinaryFocal { alpha, gamma: loss.gamma }, loss.from_logits)
        }
        LossFunction::MeanSquaredError(_) => (Formula::MeanSquared, false),
        other => unreachable!("no formula for {}", other.name()),
    }
}

impl Head {
    /// Loss and accuracy from the last value, which becomes probabilities.
    pub(crate) fn outcome<K: Kernels>(
        &self,
        kernels: &K,
        y: &mut [K::Real],
        target: Target<'_>,
    ) -> Outcome {
        // Softmax keeps the order; but what it rounds to 0 or 1 is no order any more.
        let largest = first_largest(y);
        let loss = kernels.loss(self.loss, y, target).to_f64() * self.weight(target);
        let correct = match target {
            Target::Class(class) => share(largest == Some(class)),
            Target::Numbers(numbers) if self.loss.formula.is_binary() => {
                let half = K::Real::from_f64(0.5);
                let right = y.iter().zip(numbers).filter(|(y, t)| (**y > half) == (**t > 0.5));
                right.count() as f64 / y.len() as f64
            }
            Target::Numbers(numbers) => share(largest == first_largest(numbers)),
        };
        Outcome { loss, correct }
    }

    /// The gradient of `scale *` the loss, from what [`Self::outcome`] left.
    pub(crate) fn backward<K: Kernels>(
        &self,
        kernels: &K,
        y: &[K::Real],
        target: Target<'_>,
        scale: K::Real,
        dy: &mut [K::Real],
    ) {
        let scale = scale * K::Real::from_f64(self.weight(target));
        kernels.loss_backward(self.loss, y, target, scale, dy);
    }

    /// The network's output from the last value, in place.
    pub(crate) fn output<K: Kernels>(&self, kernels: &K, y: &mut [K::Real]) {
        match self.fused {
            Some(Fused::Softmax) => kernels.softmax(y.len(), y),
            Some(Fused::Sigmoid) => kernels.activate(Activation::Sigmoid, y),
            None => {}
        }
    }

    fn weight(&self, target: Target<'_>) -> f64 {
        if self.class_weights.is_empty() {
            return 1.0;
        }
        let class = match target {
            Target::Class(class) => Some(class),
            Target::Numbers(numbers) => first_largest(numbers),
        };
        class.map_or(f64::NAN, |class| self.class_weights[class])
    }
}

fn share(right: bool) -> f64 {
    f64::from(u8::from(right))
}

/// The index of the first of the largest values; `None` where one is not a number.
fn first_largest<R: Real>(y: &[R]) -> Option<usize> {
    let mut best = None;
    for (i, &value) in y.iter().enumerate() {
        if value.is_nan() {
            return None;
        }
        if best.is_none_or(|b: usize| value > y[b]) {
            best = Some(i);
        }
    }
    best
}
