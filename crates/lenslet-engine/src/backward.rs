//! The backward pass: from the probabilities of the forward pass to the gradients of all
//! parameters, averaged over the batch.

use std::ops::Range;

use lenslet_kernels::{
    Chunks, Conv2dKernel, InputGradient, Kernels, Learned, OutputGradient, Pooled, Real, RowsMut,
    Rule, Team,
};

use crate::cpu::{Cpu, Numbers, Workspace};
use crate::forward::dropout_draws;
use crate::memory::{Buffer, Memory, Place};
use crate::plan::{Plan, Stage};
use crate::profile::{Clock, Notes, Phase};
use crate::program::{Head, Op, Pool, Program, Step, Weights};
use crate::update::moments;

/// What the work on one image needs to know.
struct Turn<'a, K: Kernels> {
    kernels: &'a K,
    program: &'a Program<K>,
    plan: &'a Plan,
    packed: &'a [crate::memory::Buffer<K::Real>],
    step: u64,
    seed: u64,
    clock: Clock,
}

/// What the work on a whole batch needs besides.
struct Batch<'a, R> {
    team: &'a Team,
    parameters: &'a mut [R],
    gradients: &'a mut [R],
    moments: &'a mut [Buffer<R>],
    rule: Option<Rule>,
}

impl<K: Kernels> Cpu<K> {
    /// Fills the gradients from what [`Cpu::forward`] left in training mode. With a rule, the
    /// kernels of dense layers are updated by it at once, and their gradients not kept.
    pub(crate) fn backward(
        &mut self,
        workspace: &mut Workspace<K::Real>,
        labels: &[u32],
        rule: Option<Rule>,
    ) {
        let samples = labels.len();
        let Workspace { plan, images, indices, locals, parts, .. } = workspace;
        let images = &mut images[..samples * plan.stride];
        let indices = &mut indices[..samples * plan.index_stride];
        let Numbers { parameters, gradients, moments, packed, steps, finite, .. } =
            &mut self.numbers;
        let turn = Turn {
            kernels: &self.kernels,
            program: &self.program,
            plan,
            packed,
            step: *steps,
            seed: self.seed,
            clock: self.clock,
        };
        let scale = K::Real::from_f64(1.0 / samples as f64);
        let group = plan.images_per_task(samples);
        let mut at_head = true;
        for (stage, apart) in plan.stages.iter().zip(&plan.apart).rev() {
            let range = match stage {
                Stage::Batch(step) => {
                    let start = turn.clock.now();
                    let mut batch =
                        Batch { team: &self.team, parameters, gradients, moments, rule };
                    let learned = turn.dense(*step, images, samples, &mut batch);
                    if !learned.finite {
                        *finite = Some(false);
                    }
                    let phase = rule.map_or(Phase::Backward, |_| Phase::BackwardUpdate);
                    self.notes.add_made(turn.clock, start, Some(*step), phase, None, learned.made);
                    continue;
                }
                Stage::Images(range) => range.start.max(self.program.first_trainable)..range.end,
            };
            let with_head = std::mem::take(&mut at_head);
            let tasks = samples.div_ceil(group);
            let parts = &mut parts[..tasks * apart.len()];
            let work = (
                Chunks::new(images, group * plan.stride),
                Chunks::new(indices, group * plan.index_stride),
                // A stage without parameters has an empty part for every task.
                Chunks::equal(parts, tasks),
            );
            self.team.for_each(work, locals, |task, (images, indices, sums), local| {
                sums.fill(K::Real::ZERO);
                let rows = images.chunks_exact_mut(plan.stride);
                let indices = indices.chunks_exact_mut(plan.index_stride);
                for (i, (row, indices)) in rows.zip(indices).enumerate() {
                    let image = task * group + i;
                    let mut memory = Memory { image: row, local: &mut local.numbers };
                    let mut found = Memory { image: indices, local: &mut local.indices };
                    let notes = &mut local.notes;
                    if with_head {
                        let start = turn.clock.now();
                        turn.head(&mut memory, labels[image] as usize, scale);
                        notes.add(turn.clock, start, None, Phase::Backward, Some(image));
                    }
                    let sums = (&mut *sums, apart.start);
                    turn.steps(range.clone(), image, &mut memory, &mut found, sums, notes);
                }
            });
            if !apart.is_empty() {
                let start = turn.clock.now();
                self.kernels.sum_parts(&self.team, parts, &mut gradients[apart.clone()]);
                self.notes.add(turn.clock, start, None, Phase::Sum, None);
            }
        }
    }
}

impl<K: Kernels> Turn<'_, K> {
    /// The gradient of the loss with respect to the last value.
    fn head(&self, memory: &mut Memory<'_, K::Real>, label: usize, scale: K::Real) {
        let last = self.program.last();
        let [p, dz] = memory.all([self.plan.values[last], self.plan.gradients[last]]);
        match self.program.head {
            Head::Logits => self.kernels.softmax_cross_entropy_backward(p, label, scale, dz),
            Head::Probabilities => self.kernels.cross_entropy_backward(p, label, scale, dz),
        }
    }

    /// The gradients of a dense layer and, with a rule, its update.
    fn dense(
        &self,
        index: usize,
        images: &mut [K::Real],
        samples: usize,
        batch: &mut Batch<'_, K::Real>,
    ) -> Learned {
        let step = &self.program.steps[index];
        let Op::Dense { weights } = &step.op else {
            unreachable!("only dense layers take batches")
        };
        let columns = [
            self.plan.values[step.input].range(),
            self.plan.gradients[step.output].range(),
            self.plan.gradients[step.input].range(),
        ];
        let [x, dy, dx] = RowsMut::split(images, samples, self.plan.stride, columns);
        let (x, dy) = (x.into_rows(), dy.into_rows());
        let dx = (index > self.program.first_trainable).then_some(dx);
        let (dw, db) = weights.of_mut(batch.gradients);
        let (kernel, _) = weights.of_mut(batch.parameters);
        self.kernels.dense_grad_bias(dy, db);
        let Some(rule) = batch.rule else {
            let (inputs, out) = (x.width(), dy.width());
            let made = self.kernels.dense_backward_made(samples, inputs, out, dx.is_some());
            self.kernels.dense_grad_weights(batch.team, x, dy, dw);
            if let Some(dx) = dx {
                self.kernels.dense_grad_input(batch.team, dy, kernel, dx);
            }
            return Learned { finite: true, made };
        };
        let moments = moments(batch.moments, weights.kernel.clone());
        let rectified = self.program.rectified[step.input];
        let dx = dx.map(|rows| InputGradient { rows, rectified });
        self.kernels.dense_backward_update(batch.team, x, dy, dx, rule, kernel, moments)
    }

    /// Goes back through the steps of one stage. `sums` are the task's gradients of the parameters
    /// from `first` on.
    fn steps(
        &self,
        range: Range<usize>,
        image: usize,
        memory: &mut Memory<'_, K::Real>,
        found_all: &mut Memory<'_, u32>,
        (sums, first): (&mut [K::Real], usize),
        notes: &mut Notes,
    ) {
        let plan = self.plan;
        for i in range.rev() {
            let step = &self.program.steps[i];
            if self.in_block(i) {
                continue;
            }
            let start = self.clock.now();
            let (dy, dx) = (plan.gradients[step.output], plan.gradients[step.input]);
            let found = found_all.at(plan.indices[i]);
            let mut made = 0;
            match &step.op {
                Op::Load => {}
                Op::Conv2d { weights, .. } => {
                    let (dw, db) = weights.shifted(first).of_mut(sums);
                    made = self.convolution(i, memory, found_all, dw, db);
                }
                Op::Pool { kind, shape } => {
                    let [dy, dx] = memory.all([dy, dx]);
                    match kind {
                        Pool::Max => self.kernels.max_pool_backward(dy, found, dx),
                        Pool::Average => self.kernels.average_pool_backward(shape, dy, dx),
                        Pool::Sum => self.kernels.sum_pool_backward(shape, dy, dx),
                    }
                }
                Op::MaxPieces { pieces, units } => {
                    let [dy, dz] = memory.all([dy, dx]);
                    self.kernels.max_pieces_backward(*pieces, *units, dy, found, dz);
                }
                Op::Activate(..) | Op::Softmax { .. } | Op::Dropout { .. } => {
                    if dy != dx {
                        let [dy, dx] = memory.all([dy, dx]);
                        dx.copy_from_slice(dy);
                    }
                    let [y, dx] = memory.all([plan.values[step.output], dx]);
                    self.element_wise(&step.op, image, y, dx);
                }
                Op::Dense { .. } => unreachable!("dense layers take whole batches"),
            }
            notes.add_made(self.clock, start, Some(i), Phase::Backward, Some(image), made);
        }
    }

    /// Whether a step's part of the backward pass is done with the convolution before it.
    fn in_block(&self, step: usize) -> bool {
        let blocks = self.program.blocks[..step].iter().flatten();
        blocks
            .filter(|block| block.rectified)
            .any(|block| [block.activation, block.pool, block.dropout].contains(&Some(step)))
    }

    /// Both gradients of a convolution, by way of the pool behind it where there is one. Returns the
    /// multiply-adds that were made.
    fn convolution(
        &self,
        i: usize,
        memory: &mut Memory<'_, K::Real>,
        found: &mut Memory<'_, u32>,
        dw: &mut [K::Real],
        db: &mut [K::Real],
    ) -> u64 {
        let (plan, steps) = (self.plan, &self.program.steps);
        let step = &steps[i];
        let (Op::Conv2d { kernel, packed, .. }, Some(block)) = (&step.op, self.program.blocks[i])
        else {
            unreachable!("a block begins with a convolution")
        };
        let wanted = i > self.program.first_trainable;
        let dx = if wanted { plan.gradients[step.input] } else { Place::EMPTY };
        let (x, packed) = (plan.values[step.input], &self.packed[*packed]);
        let pool = block.pool.filter(|_| block.rectified).map(|pool| (pool, &steps[pool]));
        let Some((index, Step { op: Op::Pool { shape: pool, .. }, output, .. })) = pool else {
            let [x, dy, dx, scratch] =
                memory.all([x, plan.gradients[step.output], dx, plan.scratch]);
            let dy = OutputGradient::Dense(dy);
            return kernel.backward(x, dy, packed, dw, db, dx, scratch);
        };
        let rate = match block.dropout.map(|dropout| &steps[dropout].op) {
            Some(Op::Dropout { rate, .. }) => *rate,
            _ => 0.0,
        };
        let [x, y, dy, dx, scratch] =
            memory.all([x, plan.values[*output], plan.gradients[*output], dx, plan.scratch]);
        let scale = K::Real::from_f64(1.0 / (1.0 - rate));
        let dy = Pooled { pool, y, dy, argmax: found.at(plan.indices[index]), scale };
        kernel.backward(x, OutputGradient::Pooled(dy), packed, dw, db, dx, scratch)
    }

    fn element_wise(&self, op: &Op<K>, image: usize, y: &[K::Real], dx: &mut [K::Real]) {
        match *op {
            Op::Activate(function) => self.kernels.activate_backward(function, y, dx),
            Op::Softmax { classes } => self.kernels.softmax_backward(classes, y, dx),
            Op::Dropout { rate, purpose } => {
                let (stream, first) = dropout_draws(self.seed, purpose, self.step, image, dx.len());
                self.kernels.dropout(stream, first, rate, dx);
            }
            _ => {}
        }
    }
}

impl Weights {
    /// Kernel and bias in a flat buffer, to write.
    fn of_mut<'a, R>(&self, flat: &'a mut [R]) -> (&'a mut [R], &'a mut [R]) {
        let own = &mut flat[self.kernel.start..self.bias.end];
        own.split_at_mut(self.kernel.len())
    }

    /// The same in a buffer that starts at element `first` of the flat one.
    fn shifted(&self, first: usize) -> Self {
        let shift = |range: &Range<usize>| range.start - first..range.end - first;
        Self { kernel: shift(&self.kernel), bias: shift(&self.bias) }
    }
}
