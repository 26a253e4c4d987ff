//! The memory that a batch is worked on in.

use lenslet_kernels::{Kernels, Real};

use crate::cpu::Cpu;
use crate::memory::{Buffer, buffer};
use crate::plan::{Apart, Mode, Plan};
use crate::profile::Notes;

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
    pub(crate) notes: Notes,
}

/// A plan and the memory that it lays out.
pub(crate) struct Workspace<R> {
    pub(crate) plan: Plan,
    pub(crate) images: Buffer<R>,
    pub(crate) indices: Buffer<u32>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) locals: Vec<Local<R>>,
    /// Weight gradients of each task, before they are added up.
    pub(crate) parts: Buffer<R>,
    /// Their sum, where it is going to several places.
    pub(crate) total: Buffer<R>,
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
        let local = || Local {
            numbers: buffer(plan.local_len),
            indices: buffer(plan.local_index_len),
            notes: self.room_for_notes(batch),
        };
        Workspace {
            images: buffer(batch * plan.stride),
            indices: buffer(batch * plan.index_stride),
            outcomes: vec![Outcome::default(); batch],
            locals: (0..self.team.threads()).map(|_| local()).collect(),
            parts: buffer(if mode == Mode::Train { plan.tasks() * apart } else { 0 }),
            total: buffer(if mode == Mode::Train && several { apart } else { 0 }),
            plan,
        }
    }

    pub(crate) fn outputs_of(
        &self,
        workspace: &Workspace<K::Real>,
        samples: usize,
        outputs: &mut Vec<f32>,
    ) {
        let place = workspace.plan.values[self.predictor.last()];
        outputs.clear();
        for image in workspace.images.chunks_exact(workspace.plan.stride).take(samples) {
            outputs.extend(image[place.range()].iter().map(|&y| y.to_f64() as f32));
        }
    }
}
