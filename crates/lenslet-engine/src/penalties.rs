//! What the penalties on parameters add to the loss and to the gradients.

use lenslet_kernels::Kernels;
use lenslet_model::{Parameter, Regularizer};

use crate::cpu::Cpu;
use crate::numbers::Numbers;

impl<K: Kernels> Cpu<K> {
    /// What the penalties on parameters add to a sample's loss.
    pub(crate) fn penalties(&self) -> f64 {
        let penalised = self.network.parameters().iter().filter(|p| !p.regularizer.is_none());
        let one = |p: &Parameter| {
            let Regularizer { l1, l2 } = p.regularizer;
            self.kernels.penalty(l1, l2, &self.numbers.parameters[p.range.clone()])
        };
        penalised.map(one).sum()
    }

    /// Adds the gradients of the penalties on parameters.
    pub(crate) fn penalise(&mut self) {
        let Numbers { parameters, gradients, .. } = &mut self.numbers;
        for p in self.network.parameters().iter().filter(|p| !p.regularizer.is_none()) {
            let (Regularizer { l1, l2 }, range) = (p.regularizer, p.range.clone());
            let gradients = &mut gradients[range.clone()];
            self.kernels.penalty_backward(l1, l2, 1.0, &parameters[range], gradients);
        }
    }
}
