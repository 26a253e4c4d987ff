//! The optimiser's step.

use lenslet_kernels::{AdamStep, Kernels, SgdStep};
use lenslet_model::{Adam, Optimizer};

use crate::cpu::{Cpu, Numbers};

impl<K: Kernels> Cpu<K> {
    /// Changes the parameters by the gradients.
    pub(crate) fn update(&mut self) {
        let Numbers { parameters, gradients, moments, steps, packed_fresh, .. } = &mut self.numbers;
        *steps += 1;
        *packed_fresh = false;
        match (&self.optimizer, moments.as_mut_slice()) {
            (Optimizer::Adam(adam), [m, v]) => {
                let step = AdamStep {
                    alpha: adam.learning_rate * bias_correction(adam, *steps),
                    beta_1: adam.beta_1,
                    beta_2: adam.beta_2,
                    epsilon: adam.epsilon,
                };
                self.kernels.adam(&self.team, step, parameters, gradients, m, v);
            }
            (Optimizer::Sgd(sgd), moments) => {
                let step = SgdStep {
                    learning_rate: sgd.learning_rate,
                    momentum: sgd.momentum,
                    nesterov: sgd.nesterov,
                };
                let velocity = moments.first_mut().map_or(&mut [][..], |v| v);
                self.kernels.sgd(&self.team, step, parameters, gradients, velocity);
            }
            (other, _) => unreachable!("no update for {}", other.name()),
        }
    }
}

/// `sqrt(1 - beta_2^t) / (1 - beta_1^t)`.
///
/// Keras raises the betas to the power as `f32` numbers, while it averages the moments with their
/// exact values: that makes `1 - 0.999` smaller by 1.3e-5 of itself. So do we, to take the same
/// steps.
fn bias_correction(adam: &Adam, t: u64) -> f64 {
    let power = |beta: f64| f64::from(beta as f32).powf(t as f64);
    (1.0 - power(adam.beta_2)).sqrt() / (1.0 - power(adam.beta_1))
}
