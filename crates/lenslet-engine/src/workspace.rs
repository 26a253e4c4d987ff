//! The memory that a batch is worked on in.

use lenslet_kernels::{Kernels, Real};

use crate::cpu::Cpu;
use crate::memory::{Buffer, Place, buffer};
use crate::pack::Filters;
use crate::plan::{Apart, Mode, Plan};
use crate::profile::Notes;
use crate::sharing::Sharing;

/// What one image's turn leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) loss: f64,
    pub(crate) correct: f64,
}

/// One thread's working memory.
pub(crate) struct Local<R> {
    pub(crate) numbers: Buffer<R>,
    pub(crate) indices: Buffer<u32>,
    pub(crate) filters: Filters<R>,
    pub(crate) notes: Notes,
    /// The kernels' part of the numbers.
    scratch: Place,
}

impl<R> AsMut<[R]> for Local<R> {
    fn as_mut(&mut self) -> &mut [R] {
        &mut self.numbers[self.scratch.range()]
    }
}

/// A plan and the memory that it lays out.
pub(crate) struct Workspace<R> {
    pub(crate) plan: Plan,
    pub(crate) sharing: Sharing,
    pub(crate) images: Buffer<R>,
    pub(crate) indices: Buffer<u32>,
    pub(crate) outcomes: Vec<Outcome>,
    /// One for each thread. If there are several, one more for an image that all work on.
    pub(crate) locals: Vec<Local<R>>,
    /// Weight gradients of each task, before they are added up.
    pub(crate) parts: Buffer<R>,
    /// Their sum, where it is going to several places.
    pub(crate) total: Buffer<R>,
    /// Working memory of steps that look at the whole batch.
    pub(crate) scratch: Buffer<R>,
}

impl<K: Kernels> Cpu<K> {
    /// Memory for a batch of this size, the last one's where it is large enough.
    pub(crate) fn workspace(&mut self, mode: Mode, batch: usize) -> Workspace<K::Real> {
        let last = match mode {
            Mode::Train => self.training.take(),
            Mode::Predict => self.prediction.take(),
        };
        match last {
            Some(workspace) if workspace.plan.batch >= batch => workspace,
            _ => self.new_workspace(mode, batch),
        }
    }

    fn new_workspace(&self, mode: Mode, batch: usize) -> Workspace<K::Real> {
        let program = match mode {
            Mode::Train => &self.program,
            Mode::Predict => &self.predictor,
        };
        let plan = Plan::new(program, batch, mode);
        let apart = plan.apart.iter().map(Apart::len).max().unwrap_or(0);
        let several = plan.apart.iter().any(|apart| apart.stretches.len() > 1);
        let threads = self.team.threads();
        let scratch = program.steps.iter().map(|step| step.batch_scratch_len(batch, threads, mode));
        let local = |i| Local {
            numbers: buffer(plan.local_len),
            indices: buffer(plan.local_index_len),
            filters: Filters::new(program, mode),
            notes: self.room_for_notes(batch, i == threads),
            scratch: plan.scratch,
        };
        Workspace {
            images: buffer(batch * plan.stride),
            indices: buffer(batch * plan.index_stride),
            outcomes: vec![Outcome::default(); batch],
            locals: (0..threads + usize::from(threads > 1)).map(local).collect(),
            sharing: Sharing::new(program, &plan.stages, threads),
            parts: buffer(if mode == Mode::Train { plan.tasks() * apart } else { 0 }),
            scratch: buffer(scratch.max().unwrap_or(0)),
            total: buffer(if mode == Mode::Train && several { apart } else { 0 }),
            plan,
        }
    }

    /// Appends what the forward pass left of each sample: its outputs, or what the loss made of them.
    pub(crate) fn outputs_of(
        &self,
        workspace: &Workspace<K::Real>,
        mode: Mode,
        samples: usize,
        outputs: &mut Vec<f32>,
    ) {
        let program = match mode {
            Mode::Train => &self.program,
            Mode::Predict => &self.predictor,
        };
        let place = workspace.plan.values[program.last()];
        for image in workspace.images.chunks_exact(workspace.plan.stride).take(samples) {
            outputs.extend(image[place.range()].iter().map(|&y| y.to_f64() as f32));
        }
    }
}
