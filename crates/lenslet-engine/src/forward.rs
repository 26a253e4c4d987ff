//! The forward pass.

use std::ops::Range;
use std::time::Duration;

use lenslet_kernels::{
    Activation, Chunks, ChunksRef, Conv2dKernel, Finish, Kernels, MaxPool, Real, Rows, RowsMut,
    Stream, Target, Team,
};

use crate::cpu::Cpu;
use crate::memory::{Memory, Place};
use crate::norm::NormNumbers;
use crate::numbers::Numbers;
use crate::plan::{Mode, Plan, Stage};
use crate::profile::{Clock, Notes, Phase};
use crate::program::{Broadcast, Op, Pool, Program, Step, Weights, affine};
use crate::sharing::Hands;
use crate::tally::Tally;
use crate::targets::Targets;
use crate::workspace::{Local, Outcome, Workspace};

/// Pixels are bytes; networks see them between 0 and 1.
const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// What the work on one image needs to know.
struct Turn<'a, K: Kernels> {
    kernels: &'a K,
    team: &'a Team,
    mode: Mode,
    program: &'a Program<K>,
    plan: &'a Plan,
    numbers: &'a Numbers<K::Real>,
    seed: u64,
    clock: Clock,
    /// Those of the stage.
    steps: Range<usize>,
    /// Whether it is the first or the last stage.
    first: bool,
    last: bool,
    /// What the outputs of the last stage are compared with.
    targets: Option<Targets<'a>>,
}

/// Some images' rows, indices, outcomes and pixels.
type Images<'a, R> = (&'a mut [R], &'a mut [u32], &'a mut [Outcome], &'a [u8]);

impl<K: Kernels> Cpu<K> {
    /// Runs the batch; with targets, loss and accuracy are taken and the last value becomes
    /// probabilities.
    pub(crate) fn forward(
        &mut self,
        workspace: &mut Workspace<K::Real>,
        mode: Mode,
        pixels: &[u8],
        targets: Option<Targets<'_>>,
    ) -> Tally {
        let samples = pixels.len() / self.network.input().elements();
        let Workspace { plan, sharing, images, indices, outcomes, locals, scratch, .. } = workspace;
        let (images, indices) =
            (&mut images[..samples * plan.stride], &mut indices[..samples * plan.index_stride]);
        let outcomes = &mut outcomes[..samples];
        let program = match mode {
            Mode::Train => &self.program,
            Mode::Predict => &self.predictor,
        };
        let clock = self.clock;
        let last = plan.stages.len() - 1;
        for (index, stage) in plan.stages.iter().enumerate() {
            let steps = match stage {
                Stage::Batch(step) => {
                    let batch = BatchTurn {
                        kernels: &self.kernels,
                        team: &self.team,
                        program,
                        plan,
                        numbers: &mut self.numbers,
                        scratch,
                        clock,
                    };
                    let (start, made) = batch.step(*step, images, samples);
                    let phase = Phase::Forward;
                    self.notes.add_made(clock, start, Some(*step), phase, None, made);
                    continue;
                }
                Stage::Images(steps) => steps.clone(),
            };
            let turn = Turn {
                kernels: &self.kernels,
                team: &self.team,
                mode,
                program,
                plan,
                numbers: &self.numbers,
                seed: self.seed,
                clock,
                steps,
                first: index == 0,
                targets: targets.filter(|_| index == last),
                last: index == last,
            };
            let group = plan.images_per_task(samples);
            let own = samples.min(group * sharing.side_by_side(index, samples.div_ceil(group)));
            let input = program.lens[0];
            let (images, images_left) = images.split_at_mut(own * plan.stride);
            let (indices, indices_left) = indices.split_at_mut(own * plan.index_stride);
            let (outcomes, outcomes_left) = outcomes.split_at_mut(own);
            let (pixels, pixels_left) = pixels.split_at(own * input);
            let (locals, shared) = locals.split_at_mut(self.team.threads());
            let parts = (
                Chunks::new(images, group * plan.stride),
                Chunks::new(indices, group * plan.index_stride),
                Chunks::new(outcomes, group),
                ChunksRef::new(pixels, group * input),
            );
            self.team.for_each(parts, locals, |task, part, local| {
                turn.images(task * group, part, local, &mut Hands::One);
            });
            let left = (images_left, indices_left, outcomes_left, pixels_left);
            if let [shared] = shared {
                turn.images(own, left, shared, &mut Hands::All(&self.team, locals));
            }
        }
        let mut tally = Tally { samples, ..Tally::default() };
        for outcome in outcomes {
            tally.loss += outcome.loss;
            tally.correct += outcome.correct;
        }
        if targets.is_some() {
            tally.loss += self.penalties() * samples as f64;
        }
        tally
    }
}

/// What the work on a whole batch needs to know.
struct BatchTurn<'a, K: Kernels> {
    kernels: &'a K,
    team: &'a Team,
    program: &'a Program<K>,
    plan: &'a Plan,
    numbers: &'a mut Numbers<K::Real>,
    scratch: &'a mut [K::Real],
    clock: Clock,
}

impl<K: Kernels> BatchTurn<'_, K> {
    /// Returns when the work began, and the multiply-adds that were made.
    fn step(self, index: usize, images: &mut [K::Real], samples: usize) -> (Option<Duration>, u64) {
        let (step, stride) = (&self.program.steps[index], self.plan.stride);
        let x = self.plan.values[step.input].range();
        match &step.op {
            Op::Dense { weights, .. } => {
                let made = self.dense_made(step, images, samples);
                let start = self.clock.now();
                let columns = [x, self.plan.values[step.output].range()];
                let [x, y] = RowsMut::split(images, samples, stride, columns);
                let (kernel, bias) = weights.of(&self.numbers.parameters);
                let finite = self.numbers.finite == Some(true);
                self.kernels.dense_forward(self.team, x.into_rows(), kernel, bias, finite, y);
                (start, made)
            }
            Op::Combine { norm } => {
                let start = self.clock.now();
                let moments = Rows::new(images, samples, stride, x);
                let Numbers { norms, parameters, .. } = self.numbers;
                norms[*norm].combine(&self.program.norms[*norm], moments, parameters);
                (start, 0)
            }
            Op::Conv2d { kernel, weights, packed, folded } => {
                let start = self.clock.now();
                let columns = [x, self.plan.values[step.output].range()];
                let [x, y] = RowsMut::split(images, samples, stride, columns);
                let (x, packed) = (x.into_rows(), &self.numbers.packed[*packed]);
                let bias = self.numbers.bias(weights, *folded);
                let batch = kernel.batch().expect("it takes batches");
                let made = batch.forward_batch(self.team, x, packed, bias, y, self.scratch);
                (start, made)
            }
            _ => unreachable!("the other steps take images"),
        }
    }

    /// The multiply-adds that are going to be made, where somebody wants to know.
    fn dense_made(&self, step: &Step<K>, images: &[K::Real], samples: usize) -> u64 {
        if !self.clock.runs() {
            return 0;
        }
        let columns = self.plan.values[step.input].range();
        let x = Rows::new(images, samples, self.plan.stride, columns);
        let finite = self.numbers.finite == Some(true);
        self.kernels.dense_forward_made(x, self.program.lens[step.output], finite)
    }
}

impl Weights {
    /// Kernel and bias in a flat buffer.
    pub(crate) fn of<'a, R>(&self, flat: &'a [R]) -> (&'a [R], &'a [R]) {
        (&flat[self.kernel.clone()], &flat[self.bias.clone()])
    }
}

impl<K: Kernels> Turn<'_, K> {
    /// The stage's turn of some images, one after the other, of which the first has this number.
    fn images(
        &self,
        first: usize,
        (images, indices, outcomes, pixels): Images<'_, K::Real>,
        local: &mut Local<K::Real>,
        hands: &mut Hands<'_, K::Real>,
    ) {
        if images.is_empty() {
            return;
        }
        if self.mode == Mode::Train {
            let notes = (self.clock, &mut local.notes, first);
            let parameters = (&self.numbers.parameters[..], self.numbers.changes);
            local.filters.refresh(self.team, self.program, parameters, notes);
        }
        let pixels = pixels.chunks_exact(self.program.lens[0]);
        let rows = images.chunks_exact_mut(self.plan.stride);
        let indices = indices.chunks_exact_mut(self.plan.index_stride);
        let images = rows.zip(indices).zip(outcomes).zip(pixels);
        for (image, (((row, indices), outcome), pixels)) in (first..).zip(images) {
            let filters = &mut local.filters.packed;
            let mut numbers = Memory { image: row, local: &mut local.numbers, filters };
            let mut indices =
                Memory { image: indices, local: &mut local.indices, filters: &mut [] };
            let notes = &mut local.notes;
            if self.first {
                *outcome = Outcome::default();
            }
            let left = (&mut *notes, &mut *outcome);
            self.image(image, pixels, &mut numbers, &mut indices, hands, left);
            if self.last {
                let start = self.clock.now();
                let target = self.targets.map(|targets| targets.of(image));
                let y = numbers.at(self.plan.values[self.program.last()]);
                self.head(y, target, outcome);
                notes.add(self.clock, start, None, Phase::Forward, Some(image));
            }
        }
    }

    fn image(
        &self,
        image: usize,
        pixels: &[u8],
        numbers: &mut Memory<'_, K::Real>,
        indices: &mut Memory<'_, u32>,
        hands: &mut Hands<'_, K::Real>,
        (notes, outcome): (&mut Notes, &mut Outcome),
    ) {
        let mut next = self.steps.start;
        while next < self.steps.end {
            let (i, start) = (next, self.clock.now());
            next = self.program.blocks[i].map_or(i + 1, |block| block.end(i));
            let step = &self.program.steps[i];
            let (from, to) = (self.plan.values[step.input], self.plan.values[step.output]);
            let found = indices.at(self.plan.indices[i]);
            let mut made = 0;
            match &step.op {
                Op::Load => {
                    let scale = K::Real::from_f64(PIXEL_SCALE);
                    hands.cut(1, numbers.at(to), |first, y| {
                        self.kernels.load_bytes(&pixels[first..][..y.len()], scale, y);
                    });
                }
                Op::Conv2d { .. } => made = self.block(i, numbers, indices, hands),
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
                Op::Activate(..)
                | Op::Softmax { .. }
                | Op::Dropout { .. }
                | Op::Noise { .. }
                | Op::SpatialDropout { .. } => {
                    if from != to {
                        let [x, y] = numbers.all([from, to]);
                        y.copy_from_slice(x);
                    }
                    if let Op::SpatialDropout { rate, purpose, channels } = step.op {
                        let room = self.plan.scratch.first(2 * channels);
                        let [y, room] = numbers.all([to, room]);
                        let draws = (self.seed, purpose, self.numbers.steps, image);
                        drop_channels(self.kernels, draws, rate, room, y);
                    }
                    self.element_wise(&step.op, image, numbers.at(to), hands);
                }
                Op::Add(_) | Op::Multiply(_) | Op::Concatenate { .. } => {
                    self.join(step, numbers, hands);
                }
                Op::Pad(frame) => {
                    let [x, y] = numbers.all([from, to]);
                    y.fill(K::Real::ZERO);
                    frame.rows().for_each(|(outer, inner)| y[outer].copy_from_slice(&x[inner]));
                }
                Op::Crop(frame) => {
                    let [x, y] = numbers.all([from, to]);
                    frame.rows().for_each(|(outer, inner)| y[inner].copy_from_slice(&x[outer]));
                }
                Op::ScaleShift { scale, shift } => {
                    self.scale_shift([scale, shift], step, numbers, hands);
                }
                Op::Standardize { mean, variance, period } => {
                    let room = self.plan.scratch.first(2 * period);
                    let own = if from == to { Place::EMPTY } else { from };
                    let [x, y, room] = numbers.all([own, to, room]);
                    let [scale, shift] =
                        standards(&self.numbers.parameters, [mean, variance], room);
                    self.kernels.scale_shift(scale, shift, x, y);
                }
                Op::Frozen { norm } | Op::Normalize { norm } => {
                    let NormNumbers { scale, shift, .. } = &self.numbers.norms[*norm];
                    self.scale_shift([scale, shift], step, numbers, hands);
                }
                Op::Moments { .. } => {
                    let [x, moments] = numbers.all([from, to]);
                    let (mean, m2) = moments.split_at_mut(moments.len() / 2);
                    self.kernels.channel_moments(x, mean, m2);
                }
                Op::Depthwise { shape, weights, packed, folded } => {
                    let bias = self.numbers.bias(weights, *folded);
                    let [x, y] = numbers.all([from, to]);
                    let w = &self.numbers.packed[*packed];
                    self.kernels.depthwise_forward(shape, x, w, bias, y);
                    made =
                        (y.len() * shape.window.height.window * shape.window.width.window) as u64;
                }
                Op::LayerNorm { channels, epsilon, weights } => {
                    let (gamma, beta) = weights.of(&self.numbers.parameters);
                    let [x, y] = numbers.all([from, to]);
                    self.kernels.layer_norm(*channels, *epsilon, [gamma, beta], x, y);
                }
                Op::GroupNorm { shape, epsilon, weights, scratch } => {
                    let (gamma, beta) = weights.of(&self.numbers.parameters);
                    let room = self.plan.scratch.first(*scratch);
                    let [x, y, room] = numbers.all([from, to, room]);
                    self.kernels.group_norm(*shape, *epsilon, [gamma, beta], x, y, room);
                }
                Op::PRelu { weights, repeated } => {
                    let (mut alpha, _) = weights.of(&self.numbers.parameters);
                    let slopes = repeated.as_ref().map_or(0, |(_, slopes)| *slopes);
                    let [x, y, room] = numbers.all([from, to, self.plan.scratch.first(slopes)]);
                    if let Some((repeated, _)) = repeated {
                        repeated.expand(alpha, room);
                        alpha = room;
                    }
                    self.kernels.p_re_lu(alpha, x, y);
                }
                Op::Penalty { l1, l2 } => {
                    outcome.loss += self.kernels.penalty(*l1, *l2, numbers.at(to));
                }
                Op::Dense { .. } | Op::Combine { .. } => unreachable!("these take whole batches"),
            }
            notes.add_made(self.clock, start, Some(i), Phase::Forward, Some(image), made);
        }
    }

    /// A convolution, and what follows it, on some rows whenever these are complete. Returns the
    /// multiply-adds that it made.
    fn block(
        &self,
        i: usize,
        numbers: &mut Memory<'_, K::Real>,
        indices: &mut Memory<'_, u32>,
        hands: &mut Hands<'_, K::Real>,
    ) -> u64 {
        let (steps, values) = (&self.program.steps, &self.plan.values);
        let (Op::Conv2d { kernel, weights, packed, folded }, Some(block)) =
            (&steps[i].op, self.program.blocks[i])
        else {
            unreachable!("a block begins with a convolution")
        };
        let bias = self.numbers.bias(weights, *folded);
        let pooled = block.pool.map_or(Place::EMPTY, |pool| values[steps[pool].output]);
        let argmax = block.pool.map_or(Place::EMPTY, |pool| self.plan.indices[pool]);
        let argmax = indices.at(argmax);
        let places = [values[steps[i].input], values[steps[i].output], pooled, self.plan.scratch];
        let ([x, y, pooled, scratch], own) = numbers.all_and_filters(places, Some(*packed));
        let packed = if own.is_empty() { &self.numbers.packed[*packed][..] } else { own };
        let activation = block.activation.map(|step| &steps[step].op);
        let rectify = matches!(activation, Some(Op::Activate(Activation::Relu)));
        // A rectifier is the kernel's own.
        let activation = activation.filter(|_| !rectify);
        let finish = Finish { bias, rectify };
        let pool = block.pool.map(|step| &steps[step].op);
        if let Hands::All(team, locals) = hands {
            let made = kernel.forward_shared(team, x, packed, finish, y, locals);
            if let Some(Op::Activate(function)) = activation {
                hands.cut(1, y, |_, y| self.kernels.activate(*function, y));
            }
            if let Some(Op::Pool { shape, .. }) = pool {
                self.kernels.max_pool_forward(shape, y, pooled, argmax);
            }
            return made;
        }
        if let (None, Some(Op::Pool { shape, .. })) = (activation, pool) {
            let pool = MaxPool { shape, y: &mut *pooled, argmax: &mut *argmax };
            if let Some(made) = kernel.forward_pooled(x, packed, finish, y, pool, scratch) {
                return made;
            }
        }
        let row = y.len() / kernel.shape().height.output;
        let mut done = 0;
        kernel.forward_rows(x, packed, finish, y, scratch, &mut |rows, y| {
            let new = &mut y[rows.start * row..rows.end * row];
            if let Some(Op::Activate(function)) = activation {
                self.kernels.activate(*function, new);
            }
            if let Some(Op::Pool { shape, .. }) = pool {
                let complete = shape.height.complete(rows.end);
                self.kernels.max_pool_rows(shape, done..complete, y, pooled, argmax);
                done = complete;
            }
        })
    }

    /// `y = x * scale + shift`, which may be in place.
    fn scale_shift(
        &self,
        [scale, shift]: [&[K::Real]; 2],
        step: &Step<K>,
        numbers: &mut Memory<'_, K::Real>,
        hands: &Hands<'_, K::Real>,
    ) {
        let from =
            if step.input == step.output { Place::EMPTY } else { self.plan.values[step.input] };
        let [x, y] = numbers.all([from, self.plan.values[step.output]]);
        hands.cut(scale.len(), y, |first, y| {
            let x = if x.is_empty() { &[] } else { &x[first..][..y.len()] };
            self.kernels.scale_shift(scale, shift, x, y);
        });
    }

    /// Several inputs to one output, which may be one of them.
    fn join(&self, step: &Step<K>, numbers: &mut Memory<'_, K::Real>, hands: &Hands<'_, K::Real>) {
        let to = self.plan.values[step.output];
        if let Op::Concatenate { widths } = &step.op {
            let mut first = 0;
            for (input, &width) in step.inputs().zip(widths) {
                let [x, y] = numbers.all([self.plan.values[input], to]);
                let rows = y.chunks_exact_mut(widths.iter().sum());
                for (y, x) in rows.zip(x.chunks_exact(width)) {
                    y[first..first + width].copy_from_slice(x);
                }
                first += width;
            }
            return;
        }
        let (Op::Add(repeats) | Op::Multiply(repeats)) = &step.op else {
            unreachable!("called for steps of several inputs")
        };
        let own = step.inputs().position(|input| input == step.output);
        for (k, (input, repeated)) in step.inputs().zip(repeats).enumerate() {
            if Some(k) == own {
                continue;
            }
            let room = self.plan.scratch.first(repeated.as_ref().map_or(0, Broadcast::room));
            let [x, y, room] = numbers.all([self.plan.values[input], to, room]);
            // The first one that comes to an output of its own.
            let first = own.is_none() && k == 0;
            let adds = matches!(step.op, Op::Add(_));
            let op = |x: &[K::Real], y: &mut [K::Real]| match adds {
                _ if first => y.copy_from_slice(x),
                true => self.kernels.add(x, y),
                false => self.kernels.multiply(x, y),
            };
            match repeated {
                Some(repeated) => repeated.apply(x, y, room, op),
                None => hands.cut(1, y, |first, y| op(&x[first..][..y.len()], y)),
            }
        }
    }

    fn element_wise(
        &self,
        op: &Op<K>,
        image: usize,
        y: &mut [K::Real],
        hands: &Hands<'_, K::Real>,
    ) {
        match *op {
            Op::Noise { stddev, purpose } => {
                let (stream, first) =
                    dropout_draws(self.seed, purpose, self.numbers.steps, image, y.len());
                for (i, y) in (first..).zip(y) {
                    *y += K::Real::from_f64(stddev * stream.normal(i));
                }
            }
            Op::Activate(function) => hands.cut(1, y, |_, y| self.kernels.activate(function, y)),
            Op::Softmax { classes } => self.kernels.softmax(classes, y),
            Op::Dropout { rate, purpose } => {
                let (stream, first) =
                    dropout_draws(self.seed, purpose, self.numbers.steps, image, y.len());
                self.kernels.dropout(stream, first, rate, y);
            }
            _ => {}
        }
    }

    /// Loss and accuracy from the last value, which becomes probabilities; without a target, the
    /// network's output.
    fn head(&self, y: &mut [K::Real], target: Option<Target<'_>>, outcome: &mut Outcome) {
        let head = &self.program.head;
        match target {
            Some(target) => {
                let Outcome { loss, correct } = head.outcome(self.kernels, y, target);
                outcome.loss += loss;
                outcome.correct = correct;
            }
            None => head.output(self.kernels, y),
        }
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

/// Scale and shift in turn, from means and variances among the parameters, in working memory of
/// twice as many.
pub(crate) fn standards<'a, R: Real>(
    parameters: &[R],
    [mean, variance]: [&Range<usize>; 2],
    room: &'a mut [R],
) -> [&'a [R]; 2] {
    let (scale, shift) = room.split_at_mut(room.len() / 2);
    let statistics = parameters[mean.clone()].iter().zip(&parameters[variance.clone()]).cycle();
    for ((scale, shift), (mean, variance)) in scale.iter_mut().zip(&mut *shift).zip(statistics) {
        (*scale, *shift) = affine(mean.to_f64(), variance.to_f64());
    }
    [scale, shift]
}

/// Dropout of whole channels, in place, by the draws that the seed, the purpose, the step and the
/// image give. `room` has two elements a channel.
pub(crate) fn drop_channels<K: Kernels>(
    kernels: &K,
    (seed, purpose, step, image): (u64, u32, u64, usize),
    rate: f64,
    room: &mut [K::Real],
    y: &mut [K::Real],
) {
    let (scale, shift) = room.split_at_mut(room.len() / 2);
    let (stream, first) = dropout_draws(seed, purpose, step, image, scale.len());
    scale.fill(K::Real::ONE);
    shift.fill(K::Real::ZERO);
    kernels.dropout(stream, first, rate, scale);
    kernels.scale_shift(scale, shift, &[], y);
}
