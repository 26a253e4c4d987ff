//! Back through the convolutions of one image.

use lenslet_kernels::{
    Activation as Function, Conv2dKernel, Kernels, OutputGradient, Pooled, Real,
};

use super::{Sums, Turn};
use crate::memory::{Memory, Place};
use crate::program::{Op, Step};
use crate::sharing::Hands;

impl<K: Kernels> Turn<'_, K> {
    /// Both gradients of a depthwise convolution. Returns the multiply-adds that were made.
    pub(super) fn depthwise(
        &self,
        step: &Step<K>,
        dx: Place,
        memory: &mut Memory<'_, K::Real>,
        sums: &mut Sums<'_, K::Real>,
    ) -> u64 {
        let Op::Depthwise { shape, weights, packed, .. } = &step.op else {
            unreachable!("called for depthwise convolutions")
        };
        let plan = self.plan;
        let wanted = self.program.wanted[step.input];
        let dx = if wanted { dx } else { Place::EMPTY };
        let [x, dy, dx] = memory.all([plan.values[step.input], plan.gradients[step.output], dx]);
        let (dw, db) = sums.of(weights);
        self.kernels.depthwise_grad_weights(shape, x, dy, dw, db);
        if wanted {
            self.kernels.depthwise_grad_input(shape, dy, &self.packed[*packed], dx);
        }
        let taps = shape.window.height.window * shape.window.width.window;
        (dy.len() * taps) as u64 * (1 + u64::from(wanted))
    }

    /// Both gradients of a convolution, by way of the pool behind it where there is one. Returns the
    /// multiply-adds that were made.
    pub(super) fn convolution(
        &self,
        i: usize,
        dx: Place,
        memory: &mut Memory<'_, K::Real>,
        found: &mut Memory<'_, u32>,
        sums: &mut Sums<'_, K::Real>,
        hands: &mut Hands<'_, K::Real>,
    ) -> u64 {
        let (plan, steps) = (self.plan, &self.program.steps);
        let step = &steps[i];
        let (Op::Conv2d { kernel, weights, packed, .. }, Some(block)) =
            (&step.op, self.program.blocks[i])
        else {
            unreachable!("a block begins with a convolution")
        };
        let rectified = block.rectifier.is_some();
        let w = &sums.parameters[weights.kernel.clone()];
        let (dw, db) = sums.of(weights);
        let dx = if self.program.wanted[step.input] { dx } else { Place::EMPTY };
        let (x, own, shared) = (plan.values[step.input], Some(*packed), &self.packed[*packed]);
        let pool = block.pool.filter(|_| block.rectified).map(|pool| (pool, &steps[pool]));
        let Some((index, Step { op: Op::Pool { shape: pool, .. }, output, .. })) = pool else {
            let places = [x, plan.gradients[step.output], dx, plan.scratch];
            let ([x, dy, dx, scratch], own) = memory.all_and_filters(places, own);
            let dy = OutputGradient::Dense(dy);
            let packed = self.filters(kernel, w, (own, shared), &dy, !dx.is_empty());
            return self.gradients(
                (kernel, rectified),
                [x, packed],
                dy,
                [dw, db, dx],
                scratch,
                hands,
            );
        };
        let rate = match block.dropout.map(|dropout| &steps[dropout].op) {
            Some(Op::Dropout { rate, .. }) => *rate,
            _ => 0.0,
        };
        let places = [x, plan.values[*output], plan.gradients[*output], dx, plan.scratch];
        let ([x, y, dy, dx, scratch], own) = memory.all_and_filters(places, own);
        let scale = K::Real::from_f64(1.0 / (1.0 - rate));
        let dy = Pooled { pool, y, dy, argmax: found.at(plan.indices[index]), scale };
        let dy = OutputGradient::Pooled(dy);
        let packed = self.filters(kernel, w, (own, shared), &dy, !dx.is_empty());
        self.gradients((kernel, rectified), [x, packed], dy, [dw, db, dx], scratch, hands)
    }

    /// The packed filters of `w` for this gradient: the thread's own, if it has such.
    fn filters<'b>(
        &self,
        kernel: &impl Conv2dKernel<K::Real>,
        w: &[K::Real],
        (own, shared): (&'b mut [K::Real], &'b [K::Real]),
        dy: &OutputGradient<'_, K::Real>,
        both: bool,
    ) -> &'b [K::Real] {
        if own.is_empty() {
            return shared;
        }
        if kernel.needs_rest(dy, own, both) {
            kernel.pack_rest(self.team, w, own);
        }
        own
    }

    /// The gradients of a convolution's filters, bias and input, and of the rectifier before it, if there is
    /// one, by whoever works on the image.
    fn gradients(
        &self,
        (kernel, rectified): (&impl Conv2dKernel<K::Real>, bool),
        [x, packed]: [&[K::Real]; 2],
        dy: OutputGradient<'_, K::Real>,
        [dw, db, dx]: [&mut [K::Real]; 3],
        scratch: &mut [K::Real],
        hands: &mut Hands<'_, K::Real>,
    ) -> u64 {
        match hands {
            Hands::One if rectified => {
                kernel.backward_rectified(x, dy, packed, dw, db, dx, scratch)
            }
            Hands::One => kernel.backward(x, dy, packed, dw, db, dx, scratch),
            Hands::All(team, locals) => {
                let made = kernel.backward_shared(team, x, dy, packed, dw, db, dx, scratch, locals);
                if rectified {
                    hands.cut(1, dx, |first, dx| {
                        let x = &x[first..][..dx.len()];
                        self.kernels.activate_backward(Function::Relu, x, dx);
                    });
                }
                made
            }
        }
    }
}
