//! Where every value lies: made once for a batch size and a mode.
//!
//! Two kinds of memory. *Image* memory lasts through a step: one row per image of the batch, with
//! the values that the backward pass reads and those that pass between stages. *Local* memory is
//! one stretch per thread, used again for every image: everything else.

use std::ops::Range;

use lenslet_kernels::{Conv2dKernel, Kernels};

use crate::memory::{Place, Store, row_stride};
use crate::program::{Op, Program, Value};

/// What a plan is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Train,
    Predict,
}

/// Consecutive steps that run in one go.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// Image by image, each image through all of them.
    Images(Range<usize>),
    /// One step over the whole batch.
    Batch(usize),
}

/// The memory layout and order of one (batch size, mode).
pub(crate) struct Plan {
    pub(crate) batch: usize,
    pub(crate) stages: Vec<Stage>,
    /// Where each value lies.
    pub(crate) values: Vec<Place>,
    /// Where each value's gradient lies (training).
    pub(crate) gradients: Vec<Place>,
    /// Where each step's indices lie (largest elements), in `u32` memory.
    pub(crate) indices: Vec<Place>,
    /// Working memory of the convolutions, in local memory.
    pub(crate) scratch: Place,
    /// Elements from one image's row to the next.
    pub(crate) stride: usize,
    pub(crate) local_len: usize,
    pub(crate) index_stride: usize,
    pub(crate) local_index_len: usize,
    /// The most tasks that a batch is cut into. Depends on the network alone.
    most_tasks: usize,
    /// For each stage, the parameters whose gradients its tasks add up apart.
    pub(crate) apart: Vec<Range<usize>>,
}

/// The most tasks that a batch is cut into; each has its own sums of weight gradients.
const MOST_TASKS: usize = 64;
/// The most memory for those sums, in elements (64 MiB of `f32`).
const MOST_APART: usize = 16 << 20;

impl Plan {
    pub(crate) fn new<K: Kernels>(program: &Program<K>, batch: usize, mode: Mode) -> Self {
        let stages = stages(program);
        let apart: Vec<_> = stages.iter().map(|s| parameters_of(program, s)).collect();
        let largest = apart.iter().map(Range::len).max().unwrap_or(0);
        let most_tasks = (MOST_APART / largest.max(1)).clamp(1, MOST_TASKS);
        let mut plan = Self {
            batch,
            values: Vec::new(),
            gradients: Vec::new(),
            indices: Vec::new(),
            scratch: Place::EMPTY,
            stride: 0,
            local_len: 0,
            index_stride: 0,
            local_index_len: 0,
            most_tasks,
            apart,
            stages,
        };
        plan.place(program, mode);
        plan
    }

    /// Images that one task works on. Depends on the number of images in the batch at hand, never
    /// on the threads or on batches that came before: sums over tasks depend on it.
    pub(crate) fn images_per_task(&self, samples: usize) -> usize {
        samples.div_ceil(self.most_tasks).max(1)
    }

    /// Tasks of the largest batch.
    pub(crate) fn tasks(&self) -> usize {
        self.batch.min(self.most_tasks)
    }

    fn place<K: Kernels>(&mut self, program: &Program<K>, mode: Mode) {
        let shared = self.shared_values(program);
        let (mut image, mut local) = (Store::Image.start(), Store::Local.start());
        // A chain needs three local slots: a block reads one and writes two.
        let passing = passing(program);
        let slots = [0, 1, 2].map(|slot| {
            let inner = (0..shared.len()).filter(|&v| v % 3 == slot && !shared[v]);
            local.take(inner.map(|v| program.lens[v]).max().unwrap_or(0))
        });
        let inner = |v: Value| slots[v % 3].first(program.lens[v]);
        for (v, (&len, &shared)) in program.lens.iter().zip(&shared).enumerate() {
            let keep = (mode == Mode::Train && !passing[v]) || shared;
            self.values.push(if keep { image.take(len) } else { inner(v) });
        }
        for (v, (&len, &shared)) in program.lens.iter().zip(&shared).enumerate() {
            self.gradients.push(match mode {
                Mode::Predict => Place::EMPTY,
                Mode::Train if shared => image.take(len),
                Mode::Train => inner(v),
            });
        }
        let scratch = program.steps.iter().map(|step| match &step.op {
            Op::Conv2d { kernel, .. } => kernel.scratch_len(),
            _ => 0,
        });
        self.scratch = local.take(scratch.max().unwrap_or(0));
        self.place_indices(program, mode);
        self.stride = row_stride(image.len());
        self.local_len = local.len();
    }

    fn place_indices<K: Kernels>(&mut self, program: &Program<K>, mode: Mode) {
        let (mut image, mut local) = (Store::Image.start(), Store::Local.start());
        for step in &program.steps {
            let len = match step.op {
                Op::Pool { kind: crate::program::Pool::Max, .. } | Op::MaxPieces { .. } => {
                    program.lens[step.output]
                }
                _ => 0,
            };
            self.indices.push(match mode {
                Mode::Train => image.take(len),
                Mode::Predict => local.take(len),
            });
        }
        self.index_stride = row_stride(image.len());
        self.local_index_len = local.len();
    }

    /// Values that pass from one stage to another, and the output.
    fn shared_values<K: Kernels>(&self, program: &Program<K>) -> Vec<bool> {
        let mut shared = vec![false; program.lens.len()];
        shared[program.last()] = true;
        for stage in &self.stages {
            let first = match stage {
                Stage::Images(steps) => steps.start,
                Stage::Batch(step) => {
                    shared[program.steps[*step].output] = true;
                    *step
                }
            };
            // The last stage may have no step of its own: it takes the loss of the output.
            if let Some(step) = program.steps.get(first).filter(|_| first > 0) {
                shared[step.input] = true;
            }
        }
        shared
    }
}

/// Values that a block leaves to its end alone: the backward pass does not read them.
fn passing<K: Kernels>(program: &Program<K>) -> Vec<bool> {
    let mut passing = vec![false; program.lens.len()];
    for (step, block) in program.steps.iter().zip(&program.blocks) {
        passing[step.output] |= block.is_some_and(|block| block.rectified);
    }
    passing
}

fn stages<K: Kernels>(program: &Program<K>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for (i, step) in program.steps.iter().enumerate() {
        match (&step.op, stages.last_mut()) {
            (Op::Dense { .. }, _) => stages.push(Stage::Batch(i)),
            (_, Some(Stage::Images(steps))) => steps.end = i + 1,
            _ => stages.push(Stage::Images(i..i + 1)),
        }
    }
    // The loss is taken image by image: there is always a last stage to take it in.
    if matches!(stages.last(), Some(Stage::Batch(_))) {
        stages.push(Stage::Images(program.steps.len()..program.steps.len()));
    }
    stages
}

/// The parameters of the convolutions in a stage: neighbours in the flat buffer.
fn parameters_of<K: Kernels>(program: &Program<K>, stage: &Stage) -> Range<usize> {
    let Stage::Images(steps) = stage else { return 0..0 };
    let mut all = program.steps[steps.clone()].iter().filter_map(|step| match &step.op {
        Op::Conv2d { weights, .. } => Some(weights.kernel.start..weights.bias.end),
        _ => None,
    });
    let Some(first) = all.next() else { return 0..0 };
    first.start..all.last().map_or(first.end, |last| last.end)
}
