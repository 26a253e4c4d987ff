//! Back through what has several inputs: sums, products, concatenations.

use lenslet_kernels::{Kernels, Real};

use super::Turn;
use crate::memory::{Memory, Place};
use crate::program::{Broadcast, Op, Step};
use crate::sharing::Hands;

impl<K: Kernels> Turn<'_, K> {
    /// The gradient of what several inputs were joined to, parted again.
    pub(super) fn part(
        &self,
        i: usize,
        memory: &mut Memory<'_, K::Real>,
        hands: &Hands<'_, K::Real>,
    ) {
        let (step, plan) = (&self.program.steps[i], self.plan);
        let dy = plan.gradients[step.output];
        let mut first = 0;
        for (k, (input, &adds)) in step.inputs().zip(&self.program.adds[i]).enumerate() {
            let column = first;
            if let Op::Concatenate { widths } = &step.op {
                first += widths[k];
            }
            if input == step.output || !self.program.wanted[input] {
                continue;
            }
            let sum = plan.gradients[input];
            let dx = if adds { plan.addend.first(sum.len) } else { sum };
            match &step.op {
                Op::Concatenate { widths } => {
                    let [dy, dx] = memory.all([dy, dx]);
                    let rows = dy.chunks_exact(widths.iter().sum());
                    for (dx, dy) in dx.chunks_exact_mut(widths[k]).zip(rows) {
                        dx.copy_from_slice(&dy[column..column + widths[k]]);
                    }
                }
                Op::Add(repeats) | Op::Multiply(repeats) => {
                    self.part_of(step, k, repeats, dx, memory);
                }
                _ => unreachable!("called for steps of several inputs"),
            }
            if adds {
                let [more, sum] = memory.all([dx, sum]);
                self.add(more, sum, hands);
            }
        }
    }

    /// The gradient of one input of a sum or product.
    fn part_of(
        &self,
        step: &Step<K>,
        k: usize,
        repeats: &[Option<Broadcast>],
        dx: Place,
        memory: &mut Memory<'_, K::Real>,
    ) {
        let (plan, len) = (self.plan, self.program.lens[step.output]);
        // That of a repeated one is first found for every place, and then summed.
        let all = if repeats[k].is_some() { plan.scratch.first(len) } else { dx };
        let [dy, to] = memory.all([plan.gradients[step.output], all]);
        to.copy_from_slice(dy);
        if let Op::Multiply(_) = step.op {
            let others = step.inputs().zip(repeats).enumerate();
            for (_, (other, repeated)) in others.filter(|(other, _)| *other != k) {
                let run = repeated.as_ref().map_or(0, Broadcast::room);
                let run = if run == 0 { Place::EMPTY } else { plan.scratch.behind(len, run) };
                let [factor, to, run] = memory.all([plan.values[other], all, run]);
                match repeated {
                    None => self.kernels.multiply(factor, to),
                    Some(repeated) => {
                        repeated.apply(factor, to, run, |x, y| self.kernels.multiply(x, y));
                    }
                }
            }
        }
        if let Some(repeated) = &repeats[k] {
            let [all, dx] = memory.all([all, dx]);
            dx.fill(K::Real::ZERO);
            repeated.add_reduced(self.kernels, all, dx);
        }
    }
}
