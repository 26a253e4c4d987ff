//! The backward pass: from the probabilities of the forward pass to the gradients of all
//! parameters, averaged over the batch.

mod convolution;
mod joined;

use std::ops::Range;

use lenslet_kernels::{
    Chunks, Conv2dKernel, InputGradient, Kernels, Learned, Real, Rows, RowsMut, Target, Team,
};

use crate::cpu::Cpu;
use crate::forward::{drop_channels, dropout_draws, standards};
use crate::memory::{Buffer, Memory, Place};
use crate::norm::NormNumbers;
use crate::numbers::Numbers;
use crate::plan::{Apart, Plan, Stage};
use crate::profile::{Clock, Notes, Phase};
use crate::program::{Op, Pool, Program, Step, Weights};
use crate::sharing::Hands;
use crate::targets::Targets;
use crate::update::{Next, Updater};
use crate::workspace::{Local, Workspace};

/// What the work on one image needs to know.
struct Turn<'a, K: Kernels> {
    kernels: &'a K,
    team: &'a Team,
    program: &'a Program<K>,
    plan: &'a Plan,
    packed: &'a [Buffer<K::Real>],
    changes: u64,
    norms: &'a [NormNumbers<K::Real>],
    /// One over the batch's size.
    share: f64,
    step: u64,
    seed: u64,
    clock: Clock,
}

/// A stage's images, and what their turns need to know besides.
struct ImageStage<'a, R> {
    steps: Range<usize>,
    /// The loss's targets, where it is the last stage.
    targets: Option<Targets<'a>>,
    parameters: &'a [R],
    apart: &'a Apart,
}

/// A task's images and indices, and its sums of gradients.
type Task<'a, R> = (&'a mut [R], &'a mut [u32], &'a mut [R]);

/// What the work on a whole batch needs besides.
struct Batch<'a, R> {
    team: &'a Team,
    parameters: &'a mut [R],
    gradients: &'a mut [R],
    moments: &'a mut [Buffer<R>],
    updater: &'a Updater<R>,
    next: Option<Next>,
    scratch: &'a mut [R],
}

/// The parameters, and a task's sums of their gradients.
struct Sums<'a, R> {
    parameters: &'a [R],
    sums: &'a mut [R],
    apart: &'a Apart,
}

impl<R> Sums<'_, R> {
    fn of(&mut self, weights: &Weights) -> (&mut [R], &mut [R]) {
        let Weights { kernel, bias } = self.apart.weights(weights);
        match (kernel.is_empty(), bias.is_empty()) {
            (true, _) => (&mut [], &mut self.sums[bias]),
            (_, true) => (&mut self.sums[kernel], &mut []),
            // A layer's parameters are neighbours.
            _ => self.sums[kernel.start..bias.end].split_at_mut(kernel.len()),
        }
    }
}

impl<K: Kernels> Cpu<K> {
    /// Fills the gradients from what [`Cpu::forward`] left in training mode. With an update, it
    /// is done at once for the kernels of dense layers where it can be, and these gradients not kept.
    pub(crate) fn backward(
        &mut self,
        workspace: &mut Workspace<K::Real>,
        targets: Targets<'_>,
        next: Option<Next>,
    ) {
        let samples = targets.samples();
        let Workspace { plan, sharing, images, indices, locals, parts, total, scratch, .. } =
            workspace;
        let images = &mut images[..samples * plan.stride];
        let indices = &mut indices[..samples * plan.index_stride];
        let Numbers {
            parameters, gradients, moments, packed, norms, steps, finite, changes, ..
        } = &mut self.numbers;
        let group = plan.images_per_task(samples);
        let mut at_head = true;
        for (number, (stage, apart)) in plan.stages.iter().zip(&plan.apart).enumerate().rev() {
            if let Some((step, norm)) = self.program.combines(stage) {
                let start = self.clock.now();
                let columns = plan.gradients[self.program.steps[step].output].range();
                let sums = Rows::new(images, samples, plan.stride, columns);
                norms[norm].backward(&self.program.norms[norm], sums, gradients);
                self.notes.add(self.clock, start, Some(step), Phase::Backward, None);
                continue;
            }
            let turn = Turn {
                kernels: &self.kernels,
                team: &self.team,
                program: &self.program,
                plan,
                packed,
                changes: *changes,
                norms,
                share: 1.0 / samples as f64,
                step: *steps,
                seed: self.seed,
                clock: self.clock,
            };
            let range = match stage {
                Stage::Batch(step) => {
                    let start = turn.clock.now();
                    let (team, updater) = (&self.team, &self.updater);
                    let mut batch =
                        Batch { team, parameters, gradients, moments, updater, next, scratch };
                    let learned = turn.batch(*step, images, samples, &mut batch);
                    if !learned.finite {
                        *finite = Some(false);
                    }
                    let dense = matches!(self.program.steps[*step].op, Op::Dense { .. });
                    let updates = dense && next.is_some() && self.updater.updates_during_backward();
                    let phase = if updates { Phase::BackwardUpdate } else { Phase::Backward };
                    self.notes.add_made(turn.clock, start, Some(*step), phase, None, learned.made);
                    continue;
                }
                Stage::Images(range) => range.clone(),
            };
            let targets = std::mem::take(&mut at_head).then_some(targets);
            let stage = ImageStage { steps: range, targets, parameters, apart };
            let tasks = samples.div_ceil(group);
            let parts = &mut parts[..tasks * apart.len()];
            let own = sharing.back_side_by_side(number, tasks);
            let own_images = samples.min(own * group);
            let (images, images_left) = images.split_at_mut(own_images * plan.stride);
            let (indices, indices_left) = indices.split_at_mut(own_images * plan.index_stride);
            let (own_parts, mut parts_left) = parts.split_at_mut(own * apart.len());
            let (locals, shared) = locals.split_at_mut(self.team.threads());
            let work = (
                Chunks::new(images, group * plan.stride),
                Chunks::new(indices, group * plan.index_stride),
                // A stage without parameters has an empty part for every task.
                Chunks::equal(own_parts, own),
            );
            self.team.for_each(work, locals, |task, parts, local| {
                turn.images(&stage, task * group, parts, local, &mut Hands::One);
            });
            if let [shared] = shared {
                let hands = &mut Hands::All(&self.team, locals);
                let images = images_left.chunks_mut(group * plan.stride);
                let indices = indices_left.chunks_mut(group * plan.index_stride);
                for (task, (images, indices)) in (own..).zip(images.zip(indices)) {
                    let sums = parts_left.split_off_mut(..apart.len()).expect("one for each task");
                    turn.images(&stage, task * group, (images, indices, sums), shared, hands);
                }
            }
            let start = self.clock.now();
            match &apart.stretches[..] {
                [] => continue,
                [one] => self.kernels.sum_parts(&self.team, parts, &mut gradients[one.clone()]),
                several => {
                    let total = &mut total[..apart.len()];
                    self.kernels.sum_parts(&self.team, parts, total);
                    let mut rest = &*total;
                    for stretch in several {
                        let (own, others) = rest.split_at(stretch.len());
                        gradients[stretch.clone()].copy_from_slice(own);
                        rest = others;
                    }
                }
            }
            self.notes.add(self.clock, start, None, Phase::Sum, None);
        }
        self.penalise();
    }
}

impl<K: Kernels> Turn<'_, K> {
    /// The stage's turn of a task's images, of which the first has this number.
    fn images(
        &self,
        stage: &ImageStage<'_, K::Real>,
        first: usize,
        (images, indices, sums): Task<'_, K::Real>,
        local: &mut Local<K::Real>,
        hands: &mut Hands<'_, K::Real>,
    ) {
        if images.is_empty() {
            return;
        }
        let notes = (self.clock, &mut local.notes, first);
        local.filters.refresh(self.team, self.program, (stage.parameters, self.changes), notes);
        if !sums.is_empty() {
            let start = self.clock.now();
            hands.cut(1, sums, |_, sums| sums.fill(K::Real::ZERO));
            local.notes.add(self.clock, start, None, Phase::Sum, Some(first));
        }
        let mut sums = Sums { parameters: stage.parameters, sums, apart: stage.apart };
        let rows = images.chunks_exact_mut(self.plan.stride);
        let indices = indices.chunks_exact_mut(self.plan.index_stride);
        for (image, (row, indices)) in (first..).zip(rows.zip(indices)) {
            let filters = &mut local.filters.packed;
            let mut memory = Memory { image: row, local: &mut local.numbers, filters };
            let mut found = Memory { image: indices, local: &mut local.indices, filters: &mut [] };
            let notes = &mut local.notes;
            if let Some(targets) = stage.targets {
                let start = self.clock.now();
                self.head(&mut memory, targets.of(image));
                notes.add(self.clock, start, None, Phase::Backward, Some(image));
            }
            let left = (&mut sums, &mut *notes);
            self.steps(stage.steps.clone(), image, &mut memory, &mut found, hands, left);
        }
    }

    /// The gradient of the loss with respect to the last value.
    fn head(&self, memory: &mut Memory<'_, K::Real>, target: Target<'_>) {
        let last = self.program.last();
        if !self.program.wanted[last] {
            return;
        }
        let [y, dy] = memory.all([self.plan.values[last], self.plan.gradients[last]]);
        let scale = K::Real::from_f64(self.share);
        self.program.head.backward(self.kernels, y, target, scale, dy);
    }

    /// The gradients of a layer that takes the whole batch and, with a rule, its update.
    fn batch(
        &self,
        index: usize,
        images: &mut [K::Real],
        samples: usize,
        batch: &mut Batch<'_, K::Real>,
    ) -> Learned {
        let step = &self.program.steps[index];
        let (wanted, adds) = (self.program.wanted[step.input], self.program.adds[index][0]);
        let to = self.plan.gradients[step.input].range();
        let addend = self.plan.batch_addend.first(if adds { to.len() } else { 0 }).range();
        let columns = [
            self.plan.values[step.input].range(),
            self.plan.gradients[step.output].range(),
            if adds { addend.clone() } else { to.clone() },
        ];
        let [x, dy, dx] = RowsMut::split(images, samples, self.plan.stride, columns);
        let (x, dy, dx) = (x.into_rows(), dy.into_rows(), wanted.then_some(dx));
        let learned = match &step.op {
            Op::Dense { weights, kept } => self.dense(step, (weights, *kept), [x, dy], dx, batch),
            Op::Conv2d { kernel, weights, packed, .. } => {
                let (dw, db) = weights.of_mut(batch.gradients);
                let (team, packed) = (batch.team, &self.packed[*packed]);
                let kernel = kernel.batch().expect("it takes batches");
                let made = kernel.backward_batch(team, x, dy, packed, dw, db, dx, batch.scratch);
                Learned { finite: true, made }
            }
            _ => unreachable!("the other steps take images"),
        };
        if wanted && adds {
            let [more, mut sum] = RowsMut::split(images, samples, self.plan.stride, [addend, to]);
            (0..samples).for_each(|i| self.kernels.add(more.row(i), sum.row_mut(i)));
        }
        learned
    }

    /// The gradients of a dense layer and, with a rule, its update.
    fn dense(
        &self,
        step: &Step<K>,
        (weights, kept): (&Weights, bool),
        [x, dy]: [Rows<'_, K::Real>; 2],
        dx: Option<RowsMut<'_, K::Real>>,
        batch: &mut Batch<'_, K::Real>,
    ) -> Learned {
        let (dw, db) = weights.of_mut(batch.gradients);
        let (kernel, _) = weights.of_mut(batch.parameters);
        self.kernels.dense_grad_bias(dy, db);
        let update = batch.next.filter(|_| !kept);
        let updater = batch.updater;
        let update = update.and_then(|next| updater.during(next, &weights.kernel, batch.moments));
        match update {
            None => {
                let (inputs, out) = (x.width(), dy.width());
                let samples = x.len();
                let made = self.kernels.dense_backward_made(samples, inputs, out, dx.is_some());
                self.kernels.dense_grad_weights(batch.team, x, dy, dw);
                if let Some(dx) = dx {
                    self.kernels.dense_grad_input(batch.team, dy, kernel, dx);
                }
                Learned { finite: true, made }
            }
            Some((update, moments)) => {
                let rectified = self.program.rectified[step.input];
                let dx = dx.map(|rows| InputGradient { rows, rectified });
                self.kernels.dense_backward_update(batch.team, x, dy, dx, update, kernel, moments)
            }
        }
    }

    /// Goes back through the steps of one stage.
    fn steps(
        &self,
        range: Range<usize>,
        image: usize,
        memory: &mut Memory<'_, K::Real>,
        found: &mut Memory<'_, u32>,
        hands: &mut Hands<'_, K::Real>,
        (sums, notes): (&mut Sums<'_, K::Real>, &mut Notes),
    ) {
        for i in range.rev() {
            let step = &self.program.steps[i];
            if self.program.taken_back[i] || !self.goes_back(step) {
                continue;
            }
            let start = self.clock.now();
            let made = self.step(i, image, memory, found, sums, hands);
            notes.add_made(self.clock, start, Some(i), Phase::Backward, Some(image), made);
        }
    }

    /// Whether a step has a gradient to pass on or to keep.
    fn goes_back(&self, step: &Step<K>) -> bool {
        let value = match step.op {
            Op::Load => return false,
            Op::Moments { .. } => step.input,
            _ => step.output,
        };
        self.program.wanted[value]
    }

    /// One step of one image. Returns the multiply-adds that were made.
    fn step(
        &self,
        i: usize,
        image: usize,
        memory: &mut Memory<'_, K::Real>,
        found: &mut Memory<'_, u32>,
        sums: &mut Sums<'_, K::Real>,
        hands: &mut Hands<'_, K::Real>,
    ) -> u64 {
        let (plan, step) = (self.plan, &self.program.steps[i]);
        if let Op::Add(_) | Op::Multiply(_) | Op::Concatenate { .. } = &step.op {
            self.part(i, memory, hands);
            return 0;
        }
        let (dy, sum) = (plan.gradients[step.output], plan.gradients[step.input]);
        let adds = self.program.adds[i][0] && self.program.wanted[step.input];
        let in_vain = step.always_finds_input_gradient() && !self.program.wanted[step.input];
        let dx = match adds || in_vain {
            true => plan.addend.first(self.program.lens[step.input]),
            false => sum,
        };
        let mut made = 0;
        match &step.op {
            Op::Conv2d { .. } => made = self.convolution(i, dx, memory, found, sums, hands),
            Op::Depthwise { .. } => made = self.depthwise(step, dx, memory, sums),
            Op::Pool { kind, shape } => {
                let [dy, dx] = memory.all([dy, dx]);
                let found = found.at(plan.indices[i]);
                match kind {
                    Pool::Max => self.kernels.max_pool_backward(dy, found, dx),
                    Pool::Average => self.kernels.average_pool_backward(shape, dy, dx),
                    Pool::Sum => self.kernels.sum_pool_backward(shape, dy, dx),
                }
            }
            Op::MaxPieces { pieces, units } => {
                let [dy, dz] = memory.all([dy, dx]);
                let found = found.at(plan.indices[i]);
                self.kernels.max_pieces_backward(*pieces, *units, dy, found, dz);
            }
            Op::Pad(frame) => {
                let [dy, dx] = memory.all([dy, dx]);
                frame.rows().for_each(|(outer, inner)| dx[inner].copy_from_slice(&dy[outer]));
            }
            Op::Crop(frame) => {
                let [dy, dx] = memory.all([dy, dx]);
                dx.fill(K::Real::ZERO);
                frame.rows().for_each(|(outer, inner)| dx[outer].copy_from_slice(&dy[inner]));
            }
            Op::Normalize { norm } => self.normalization(*norm, memory),
            Op::Moments { norm } => {
                let [x, _, y] = self.program.norms[*norm].values;
                let NormNumbers { mean, scale, by_x, always, .. } = &self.norms[*norm];
                let [x, dy, dx] = memory.all([plan.values[x], plan.gradients[y], dx]);
                let factors: [&[K::Real]; 3] = [scale, by_x, always];
                let (x, dy) = (&*x, &*dy);
                hands.cut(mean.len(), dx, |first, dx| {
                    let [x, dy] = [x, dy].map(|all| &all[first..][..dx.len()]);
                    self.kernels.normalize_backward(mean, factors, x, dy, dx);
                });
            }
            Op::LayerNorm { .. } | Op::GroupNorm { .. } | Op::PRelu { .. } => {
                self.with_parameters(step, dx, memory, sums);
            }
            Op::Standardize { mean, variance, period } => {
                if dy != dx {
                    let [dy, dx] = memory.all([dy, dx]);
                    dx.copy_from_slice(dy);
                }
                let [dx, room] = memory.all([dx, plan.scratch.first(2 * period)]);
                let [scale, _] = standards(sums.parameters, [mean, variance], room);
                scale_in_turn(scale, dx);
            }
            Op::SpatialDropout { rate, purpose, channels } => {
                let room = plan.scratch.first(2 * channels);
                if dy != dx {
                    let [dy, dx] = memory.all([dy, dx]);
                    dx.copy_from_slice(dy);
                }
                let [dx, room] = memory.all([dx, room]);
                let draws = (self.seed, *purpose, self.step, image);
                drop_channels(self.kernels, draws, *rate, room, dx);
            }
            Op::Penalty { l1, l2 } => {
                let [y, dy] = memory.all([plan.values[step.output], dy]);
                self.kernels.penalty_backward(*l1, *l2, self.share, y, dy);
            }
            _ => {
                if dy != dx {
                    let [dy, dx] = memory.all([dy, dx]);
                    dx.copy_from_slice(dy);
                }
                self.element_wise(step, image, dx, memory, hands);
            }
        }
        if adds {
            let [more, sum] = memory.all([dx, sum]);
            self.add(more, sum, hands);
        }
        made
    }

    /// Layers of one image that have parameters, but no filters.
    fn with_parameters(
        &self,
        step: &Step<K>,
        dx: Place,
        memory: &mut Memory<'_, K::Real>,
        sums: &mut Sums<'_, K::Real>,
    ) {
        let weights = step.summed().expect("called for steps with parameters");
        let kernel = &sums.parameters[weights.kernel.clone()];
        let (first, second) = sums.of(weights);
        let (x, dy) = (self.plan.values[step.input], self.plan.gradients[step.output]);
        let [x, dy, dx, scratch] = memory.all([x, dy, dx, self.plan.scratch]);
        let (dy, k) = (&*dy, self.kernels);
        match &step.op {
            &Op::LayerNorm { channels, epsilon, .. } => {
                let scales = [first, second];
                k.layer_norm_backward(channels, epsilon, kernel, x, (dy, dx), scales);
            }
            &Op::GroupNorm { shape, epsilon, .. } => {
                let scales = [first, second];
                k.group_norm_backward(shape, epsilon, kernel, x, (dy, dx), scales, scratch);
            }
            Op::PRelu { repeated: Some((repeated, slopes)), .. } => {
                let (alpha, rest) = scratch.split_at_mut(slopes.next_multiple_of(16));
                let (alpha, dalpha) = (&mut alpha[..*slopes], &mut rest[..*slopes]);
                repeated.expand(kernel, alpha);
                dalpha.fill(K::Real::ZERO);
                k.p_re_lu_backward(alpha, x, dy, dx, dalpha);
                repeated.add_reduced(k, dalpha, first);
            }
            _ => k.p_re_lu_backward(kernel, x, dy, dx, first),
        }
    }

    /// `y += x`.
    fn add(&self, x: &[K::Real], y: &mut [K::Real], hands: &Hands<'_, K::Real>) {
        hands.cut(1, y, |first, y| self.kernels.add(&x[first..][..y.len()], y));
    }

    /// The sums over one image that a normalisation's gradients need.
    fn normalization(&self, norm: usize, memory: &mut Memory<'_, K::Real>) {
        let plan = self.plan;
        let [x, moments, y] = self.program.norms[norm].values;
        let [x, dy, sums] =
            memory.all([plan.values[x], plan.gradients[y], plan.gradients[moments]]);
        let (sum, with_x) = sums.split_at_mut(sums.len() / 2);
        self.kernels.channel_sums(&self.norms[norm].mean, x, dy, sum, with_x);
    }

    /// Goes back through an element-wise step, with the gradient in `dx`.
    fn element_wise(
        &self,
        step: &Step<K>,
        image: usize,
        dx: Place,
        memory: &mut Memory<'_, K::Real>,
        hands: &Hands<'_, K::Real>,
    ) {
        let values = &self.plan.values;
        match &step.op {
            Op::Activate(function) if function.needs_input() => {
                let [x, dx] = memory.all([values[step.input], dx]);
                hands.cut(1, dx, |first, dx| {
                    let x = &x[first..][..dx.len()];
                    self.kernels.activate_backward_from_input(*function, x, dx);
                });
            }
            Op::Activate(function) => {
                let [y, dx] = memory.all([values[step.output], dx]);
                hands.cut(1, dx, |first, dx| {
                    self.kernels.activate_backward(*function, &y[first..][..dx.len()], dx);
                });
            }
            Op::Softmax { classes } => {
                let [y, dx] = memory.all([values[step.output], dx]);
                self.kernels.softmax_backward(*classes, y, dx);
            }
            Op::Dropout { rate, purpose } => {
                let dx = memory.at(dx);
                let (stream, first) =
                    dropout_draws(self.seed, *purpose, self.step, image, dx.len());
                self.kernels.dropout(stream, first, *rate, dx);
            }
            Op::ScaleShift { scale, .. } => scale_in_turn(scale, memory.at(dx)),
            Op::Noise { .. } => {}
            _ => unreachable!("no element-wise step"),
        }
    }
}

/// `dx *= scale`, whose numbers are taken in turn.
fn scale_in_turn<R: Real>(scale: &[R], dx: &mut [R]) {
    for dx in dx.chunks_exact_mut(scale.len()) {
        dx.iter_mut().zip(scale).for_each(|(dx, &scale)| *dx *= scale);
    }
}

impl Weights {
    /// Kernel and bias in a flat buffer, to write.
    fn of_mut<'a, R>(&self, flat: &'a mut [R]) -> (&'a mut [R], &'a mut [R]) {
        let own = &mut flat[self.kernel.start..self.bias.end];
        own.split_at_mut(self.kernel.len())
    }
}
