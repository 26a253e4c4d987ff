//! Where every value lies: made once for a batch size and a mode.
//!
//! Two kinds of memory. *Image* memory lasts through a step: one row per image of the batch, with
//! the values that the backward pass reads and those that pass between stages. *Local* memory is
//! one stretch per thread, used again for every image: everything else. What is not needed at the
//! same time shares memory.

mod lifetimes;
mod stages;

use std::ops::Range;

use lenslet_kernels::Kernels;

use crate::memory::{Place, Store, row_stride};
use crate::program::{Op, Pool, Program};
use lifetimes::Lifetimes;
pub(crate) use stages::{Apart, Stage};

/// What a plan is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Train,
    Predict,
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
    /// Room for a gradient that is going to be added to another, in local memory.
    pub(crate) addend: Place,
    /// The same in image memory, for dense layers.
    pub(crate) batch_addend: Place,
    /// Elements from one image's row to the next.
    pub(crate) stride: usize,
    pub(crate) local_len: usize,
    pub(crate) index_stride: usize,
    pub(crate) local_index_len: usize,
    /// The most tasks that a batch is cut into. Depends on the network and the mode alone.
    most_tasks: usize,
    /// For each stage, the parameters whose gradients its tasks add up apart.
    pub(crate) apart: Vec<Apart>,
}

/// The most tasks that a batch is cut into; each has its own sums of weight gradients.
const MOST_TASKS: usize = 64;
/// The most memory for those sums, in elements (64 MiB of `f32`).
const MOST_APART: usize = 16 << 20;

impl Plan {
    pub(crate) fn new<K: Kernels>(program: &Program<K>, batch: usize, mode: Mode) -> Self {
        let stages = stages::stages(program);
        let apart: Vec<_> = stages.iter().map(|stage| Apart::new(program, stage)).collect();
        let largest = apart.iter().map(Apart::len).max().unwrap_or(0);
        let most_tasks = match mode {
            Mode::Train => (MOST_APART / largest.max(1)).clamp(1, MOST_TASKS),
            // Nothing is added up: each image is a task.
            Mode::Predict => usize::MAX,
        };
        let mut plan = Self {
            batch,
            values: Vec::new(),
            gradients: Vec::new(),
            indices: Vec::new(),
            scratch: Place::EMPTY,
            addend: Place::EMPTY,
            batch_addend: Place::EMPTY,
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
        let lifetimes = Lifetimes::new(program, &self.stages, mode);
        let (mut image, mut local) = (Store::Image.start(), Store::Local.start());
        let [values, gradients] = lifetimes.place(&mut image, &mut local);
        (self.values, self.gradients) = (values, gradients);
        let scratch = program.steps.iter().map(|step| step.scratch_len(&program.lens, mode));
        self.scratch = local.take(scratch.max().unwrap_or(0));
        if mode == Mode::Train {
            self.addend = local.take(largest_addend(program, false));
            self.batch_addend = image.take(largest_addend(program, true));
        }
        self.place_indices(program, mode);
        self.stride = row_stride(image.len());
        self.local_len = local.len();
    }

    fn place_indices<K: Kernels>(&mut self, program: &Program<K>, mode: Mode) {
        let (mut image, mut local) = (Store::Image.start(), Store::Local.start());
        for step in &program.steps {
            let len = match step.op {
                Op::Pool { kind: Pool::Max, .. } | Op::MaxPieces { .. } => {
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
}

/// Elements of the largest gradient that is added to another one, of steps that look at the whole
/// batch or of the others.
fn largest_addend<K: Kernels>(program: &Program<K>, batch_wise: bool) -> usize {
    let steps = program.steps.iter().zip(&program.adds);
    let steps = steps.filter(|(step, _)| step.is_batch_wise() == batch_wise);
    let addends = steps.flat_map(|(step, adds)| {
        let in_vain = |input: usize| step.always_finds_input_gradient() && !program.wanted[input];
        let inputs = step.inputs().zip(adds);
        inputs
            .filter(move |(input, adds)| **adds || in_vain(*input))
            .map(|(input, _)| program.lens[input])
    });
    addends.max().unwrap_or(0)
}

/// A stretch of time in which a place is taken: forward steps count up, backward ones go on.
pub(crate) type Lifetime = Range<usize>;
