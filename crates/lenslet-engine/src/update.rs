//! The optimiser's step.

use lenslet_kernels::{AdamStep, Kernels, SgdStep};
use lenslet_model::Optimizer;

use crate::cpu::{Cpu, Numbers};

impl<K: Kernels> Cpu<K> {
    /// Changes the parameters by the gradients.
    pub(crate) fn update(&mut self) {
        let Numbers { parameters, gradients, moments, steps, packed_fresh, .. } =
            &mut self.numbers;
        *steps += 1;
        *packed_fresh = false;
        match (&self.optimizer, moments.as_mut_slice()) {
            (Optimizer::Adam(adam), [m, v]) => {
                let t = *steps as f64;
                let correction = (1.0 - adam.beta_2.powf(t)).sqrt() / (1.0 - adam.beta_1.powf(t));
                let step = AdamStep {
                    alpha: adam.learning_rate * correction,
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
