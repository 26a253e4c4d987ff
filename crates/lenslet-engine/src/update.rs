//! The optimiser's step.

use std::ops::Range;

use lenslet_kernels::{AdamStep, Kernels, Real, Rule, SgdStep, Team};
use lenslet_model::{Adam, Optimizer};

use crate::cpu::{Cpu, Numbers};
use crate::memory::Buffer;
use crate::profile::Phase;
use crate::program::Op;

impl<K: Kernels> Cpu<K> {
    /// The rule of the next step.
    pub(crate) fn rule(&self) -> Rule {
        match &self.optimizer {
            Optimizer::Adam(adam) => Rule::Adam(AdamStep {
                alpha: adam.learning_rate * bias_correction(adam, self.numbers.steps + 1),
                beta_1: adam.beta_1,
                beta_2: adam.beta_2,
                epsilon: adam.epsilon,
            }),
            Optimizer::Sgd(sgd) => Rule::Sgd(SgdStep {
                learning_rate: sgd.learning_rate,
                momentum: sgd.momentum,
                nesterov: sgd.nesterov,
            }),
            other => unreachable!("no rule for {}", other.name()),
        }
    }

    /// Changes the parameters by the gradients, all but the dense layers' kernels: the backward
    /// pass has done these. Ends the step.
    pub(crate) fn update_rest(&mut self, rule: Rule) {
        let begun = self.clock.now();
        let mut start = 0;
        for step in &self.program.steps {
            if let Op::Dense { weights, kept: false } = &step.op {
                self.numbers.update(&self.kernels, &self.team, rule, start..weights.kernel.start);
                start = weights.kernel.end;
            }
        }
        let end = self.numbers.gradients.len();
        self.numbers.update(&self.kernels, &self.team, rule, start..end);
        self.notes.add(self.clock, begun, None, Phase::Update, None);
        self.numbers.steps += 1;
        self.numbers.packed_for = None;
    }
}

impl<R: Real> Numbers<R> {
    fn update<K: Kernels<Real = R>>(
        &mut self,
        kernels: &K,
        team: &Team,
        rule: Rule,
        range: Range<usize>,
    ) {
        let moments = moments(&mut self.moments, range.clone());
        let (p, g) = (&mut self.parameters[range.clone()], &self.gradients[range]);
        let finite = kernels.update(team, rule, p, g, moments);
        self.finite = self.finite.map(|all| all && finite);
    }
}

/// The same stretch of every moment; empty ones for those that the optimiser does not have.
pub(crate) fn moments<R>(moments: &mut [Buffer<R>], range: Range<usize>) -> [&mut [R]; 2] {
    let mut stretches = moments.iter_mut().map(|moment| &mut moment[range.clone()]);
    [(); 2].map(|()| stretches.next().unwrap_or_default())
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
