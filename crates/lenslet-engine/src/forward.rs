//! The forward pass.

use std::ops::Range;

use lenslet_kernels::{Chunks, ChunksRef, Conv2dKernel, Kernels, Real, Rows, RowsMut, Stream};

use crate::cpu::{Cpu, Numbers, Outcome, Tally, Workspace};
use crate::memory::{Memory, Place};
use crate::plan::{Mode, Plan, Stage};
use crate::profile::{Clock, Notes, Phase};
use crate::program::{Head, Op, Pool, Program, Weights};

/// Pixels are bytes; networks see them between 0 and 1.
const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// What the work on one image needs to know.
struct Turn<'a, K: Kernels> {
    kernels: &'a K,
    program: &'a Program<K>,
    plan: &'a Plan,
    numbers: &'a Numbers<K::Real>,
    mode: Mode,
    seed: u64,
    clock: Clock,
}

impl<K: Kernels> Cpu<K> {
    /// Runs the batch; with labels, loss and accuracy are taken and the last value becomes
    /// probabilities.
    pub(crate) fn forward(
        &mut self,
        workspace: &mut Workspace<K::Real>,
        mode: Mode,
        pixels: &[u8],
        labels: Option<&[u32]>,
    ) -> Tally {
        let samples = pixels.len() / self.network.input().elements();
        let Workspace { plan, images, indices, outcomes, locals, .. } = workspace;
        let (images, indices) =
            (&mut images[..samples * plan.stride], &mut indices[..samples * plan.index_stride]);
        let outcomes = &mut outcomes[..samples];
        let turn = Turn {
            kernels: &self.kernels,
            program: &self.program,
            plan,
            numbers: &self.numbers,
            mode,
            seed: self.seed,
            clock: self.clock,
        };
        let last = plan.stages.len() - 1;
        for (index, stage) in plan.stages.iter().enumerate() {
            let steps = match stage {
                Stage::Batch(step) => {
                    let made = self.dense_made(plan, *step, images, samples);
                    let start = turn.clock.now();
                    self.dense_forward(plan, *step, images, samples);
                    let phase = Phase::Forward;
                    self.notes.add_made(turn.clock, start, Some(*step), phase, None, made);
                    continue;
                }
                Stage::Images(steps) => steps.clone(),
            };
            let group = plan.images_per_task(samples);
            let parts = (
                Chunks::new(images, group * plan.stride),
                Chunks::new(indices, group * plan.index_stride),
                Chunks::new(outcomes, group),
                ChunksRef::new(pixels, group * self.network.input().elements()),
            );
            self.team.for_each(
                parts,
                locals,
                |task, (images, indices, outcomes, pixels), local| {
                    let pixels = pixels.chunks_exact(self.network.input().elements());
                    let rows = images.chunks_exact_mut(plan.stride);
                    let indices = indices.chunks_exact_mut(plan.index_stride);
                    let images = rows.zip(indices).zip(outcomes).zip(pixels);
                    for (i, (((row, indices), outcome), pixels)) in images.enumerate() {
                        let image = task * group + i;
                        let mut numbers = Memory { image: row, local: &mut local.numbers };
                        let mut indices = Memory { image: indices, local: &mut local.indices };
                        let notes = &mut local.notes;
                        turn.steps(&steps, image, pixels, &mut numbers, &mut indices, notes);
                        if index == last {
                            let start = turn.clock.now();
                            let label = labels.map(|labels| labels[image] as usize);
                            *outcome =
                                turn.head(numbers.at(plan.values[self.program.last()]), label);
                            notes.add(turn.clock, start, None, Phase::Forward, Some(image));
                        }
                    }
                },
            );
        }
        let mut tally = Tally { samples, ..Tally::default() };
        for outcome in outcomes {
            tally.loss += outcome.loss;
            tally.correct += usize::from(outcome.correct);
        }
        tally
    }

    /// The multiply-adds that are going to be made, where somebody wants to know.
    fn dense_made(&self, plan: &Plan, step: usize, images: &[K::Real], samples: usize) -> u64 {
        let step = &self.program.steps[step];
        if !self.clock.runs() {
            return 0;
        }
        let x = Rows::new(images, samples, plan.stride, plan.values[step.input].range());
        let finite = self.numbers.finite == Some(true);
        self.kernels.dense_forward_made(x, self.program.lens[step.output], finite)
    }

    fn dense_forward(&self, plan: &Plan, step: usize, images: &mut [K::Real], samples: usize) {
        let step = &self.program.steps[step];
        let Op::Dense { weights } = &step.op else {
            unreachable!("only dense layers take batches")
        };
        let columns = [plan.values[step.input].range(), plan.values[step.output].range()];
        let [x, y] = RowsMut::split(images, samples, plan.stride, columns);
        let (kernel, bias) = weights.of(&self.numbers.parameters);
        let finite = self.numbers.finite == Some(true);
        self.kernels.dense_forward(&self.team, x.into_rows(), kernel, bias, finite, y);
    }
}

impl Weights {
    /// Kernel and bias in a flat buffer.
    pub(crate) fn of<'a, R>(&self, flat: &'a [R]) -> (&'a [R], &'a [R]) {
        (&flat[self.kernel.clone()], &flat[self.bias.clone()])
    }
}

impl<K: Kernels> Turn<'_, K> {
    fn steps(
        &self,
        steps: &Range<usize>,
        image: usize,
        pixels: &[u8],
        numbers: &mut Memory<'_, K::Real>,
        indices: &mut Memory<'_, u32>,
        notes: &mut Notes,
    ) {
        let mut next = steps.start;
        while next < steps.end {
            let (i, start) = (next, self.clock.now());
            next = self.program.blocks[i].map_or(i + 1, |block| block.end(i));
            let step = &self.program.steps[i];
            let (from, to) = (self.plan.values[step.input], self.plan.values[step.output]);
            let found = indices.at(self.plan.indices[i]);
            let mut made = 0;
            match &step.op {
                Op::Load => {
                    let scale = K::Real::from_f64(PIXEL_SCALE);
                    self.kernels.load_bytes(pixels, scale, numbers.at(to));
                }
                Op::Conv2d { kernel, .. } => {
                    self.block(i, numbers, indices);
                    made = kernel.forward_made();
                }
                Op::Pool { kind, shape } => {
                    let [x, y] = numbers.all([from, to]);
                    match kind {
                        Pool::Max => self.kernels.max_pool_forward(shape, x, y, found),
                        Pool::Average => self.kernels.average_pool_forward(shape, x, y),
                        Pool::Sum => self.kernels.sum_pool_forward(shape, x, y),
                    }
                }
                Op::MaxPieces { pieces, units } => {
                    let [z, y] = numbers.all([from, to]);
                    self.kernels.max_pieces_forward(*pieces, *units, z, y, found);
                }
                Op::Activate(..) | Op::Softmax { .. } | Op::Dropout { .. } => {
                    if from != to {
                        let [x, y] = numbers.all([from, to]);
                        y.copy_from_slice(x);
                    }
                    self.element_wise(&step.op, image, numbers.at(to));
                }
                Op::Dense { .. } => unreachable!("dense layers take whole batches"),
            }
            notes.add_made(self.clock, start, Some(i), Phase::Forward, Some(image), made);
        }
    }

    /// A convolution, and what follows it, on some rows whenever these are complete.
    fn block(&self, i: usize, numbers: &mut Memory<'_, K::Real>, indices: &mut Memory<'_, u32>) {
        let (steps, values) = (&self.program.steps, &self.plan.values);
        let (Op::Conv2d { kernel, weights, packed }, Some(block)) =
            (&steps[i].op, self.program.blocks[i])
        else {
            unreachable!("a block begins with a convolution")
        };
        let (_, bias) = weights.of(&self.numbers.parameters);
        let pooled = block.pool.map_or(Place::EMPTY, |pool| values[steps[pool].output]);
        let argmax = block.pool.map_or(Place::EMPTY, |pool| self.plan.indices[pool]);
        let argmax = indices.at(argmax);
        let [x, y, pooled, scratch] = numbers.all([
            values[steps[i].input],
            values[steps[i].output],
            pooled,
            self.plan.scratch,
        ]);
        let row = y.len() / kernel.shape().height.output;
        let mut done = 0;
        kernel.forward_rows(x, &self.numbers.packed[*packed], bias, y, scratch, &mut |rows, y| {
            let new = &mut y[rows.start * row..rows.end * row];
            if let Some(Op::Activate(function)) = block.activation.map(|step| &steps[step].op) {
                self.kernels.activate(*function, new);
            }
            if let Some(Op::Pool { shape, .. }) = block.pool.map(|step| &steps[step].op) {
                let complete = shape.height.complete(rows.end);
                self.kernels.max_pool_rows(shape, done..complete, y, pooled, argmax);
                done = complete;
            }
        });
    }

    fn element_wise(&self, op: &Op<K>, image: usize, y: &mut [K::Real]) {
        match *op {
            Op::Activate(function) => self.kernels.activate(function, y),
            Op::Softmax { classes } => self.kernels.softmax(classes, y),
            Op::Dropout { rate, purpose } if self.mode == Mode::Train => {
                let (stream, first) =
                    dropout_draws(self.seed, purpose, self.numbers.steps, image, y.len());
                self.kernels.dropout(stream, first, rate, y);
            }
            _ => {}
        }
    }

    /// Loss and accuracy from the last value, which becomes probabilities; without a label, the
    /// network's output.
    fn head(&self, y: &mut [K::Real], label: Option<usize>) -> Outcome {
        let Some(label) = label else {
            if self.program.softmax_outputs {
                self.kernels.softmax(y.len(), y);
            }
            return Outcome::default();
        };
        let correct = first_largest(y) == Some(label);
        let loss = match self.program.head {
            Head::Logits => self.kernels.softmax_cross_entropy(y, label),
            Head::Probabilities => self.kernels.cross_entropy(y, label),
        };
        Outcome { loss: loss.to_f64(), correct }
    }
}

/// The random numbers that one image's dropout takes: a stretch of the step's stream.
pub(crate) fn dropout_draws(
    seed: u64,
    purpose: u32,
    step: u64,
    image: usize,
    len: usize,
) -> (Stream, u64) {
    (Stream::new(seed, purpose, step), image as u64 * len.next_multiple_of(4) as u64)
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
