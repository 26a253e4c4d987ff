//! Filters as the convolution kernels like them.
//!
//! They are laid out anew in every step of training. Where that takes a few microseconds each thread
//! does it for itself, when it comes to them: in numbers that another core has just written it would
//! wait for longer. What only gradients need that are not mostly zero waits for the first such.

use lenslet_kernels::{Conv2dKernel, Kernels, Real, Team};

use crate::cpu::Cpu;
use crate::memory::{Buffer, buffer};
use crate::numbers::Numbers;
use crate::plan::Mode;
use crate::profile::{Clock, Notes, Phase};
use crate::program::{Op, Program, Step};

/// The most weights that each thread lays out for itself.
const MOST_OWN: usize = 1 << 14;

/// One thread's filters, for training.
pub(crate) struct Filters<R> {
    /// Those of each convolution; empty where all threads share them.
    pub(crate) packed: Vec<Buffer<R>>,
    /// The parameters that they follow, by [`Numbers::changes`].
    follow: Option<u64>,
}

impl<K: Kernels> Step<K> {
    /// Whether each thread lays the filters out for itself.
    pub(crate) fn has_own_filters(&self) -> bool {
        let few = matches!(&self.op, Op::Conv2d { kernel, .. } if kernel.weights_len() <= MOST_OWN);
        few && !self.is_batch_wise()
    }
}

impl<R: Real> Filters<R> {
    pub(crate) fn new<K: Kernels<Real = R>>(program: &Program<K>, mode: Mode) -> Self {
        let mut packed: Vec<_> = program.packed_lens.iter().map(|_| buffer(0)).collect();
        for step in program.steps.iter().filter(|step| step.has_own_filters()) {
            if let (Op::Conv2d { packed: to, .. }, Mode::Train) = (&step.op, mode) {
                packed[*to] = buffer(program.packed_lens[*to]);
            }
        }
        Self { packed, follow: None }
    }

    /// Lays them out, where the parameters have changed.
    pub(crate) fn refresh<K: Kernels<Real = R>>(
        &mut self,
        team: &Team,
        program: &Program<K>,
        (parameters, changes): (&[R], u64),
        (clock, notes, image): (Clock, &mut Notes, usize),
    ) {
        if self.follow == Some(changes) {
            return;
        }
        for (i, step) in program.steps.iter().enumerate() {
            let Op::Conv2d { kernel, weights, packed, .. } = &step.op else { continue };
            let to = &mut self.packed[*packed];
            if !to.is_empty() {
                let start = clock.now();
                kernel.pack_most(team, weights.of(parameters).0, to);
                notes.add(clock, start, Some(i), Phase::Pack, Some(image));
            }
        }
        self.follow = Some(changes);
    }
}

impl<K: Kernels> Cpu<K> {
    /// Lays those filters out that all threads share, where they changed. For prediction all, with the
    /// normalisations behind them multiplied in.
    pub(crate) fn pack(&mut self, mode: Mode) {
        // No way out within a piece: that can be vectors.
        let all_finite = |piece: &[K::Real]| piece.iter().fold(true, |all, p| all & p.is_finite());
        let finite = || self.numbers.parameters.chunks(4096).all(all_finite);
        self.numbers.finite = Some(self.numbers.finite.unwrap_or_else(finite));
        if self.numbers.packed_for == Some(mode) {
            return;
        }
        let program = match mode {
            Mode::Train => &self.program,
            Mode::Predict => &self.predictor,
        };
        let Numbers { parameters, packed, norms, folded, .. } = &mut self.numbers;
        if mode == Mode::Predict {
            for (norm, numbers) in program.norms.iter().zip(&mut *norms) {
                numbers.freeze(norm, parameters);
            }
        }
        for (i, step) in program.steps.iter().enumerate() {
            let (weights, to, fold) = match &step.op {
                Op::Conv2d { weights, packed, folded, .. }
                | Op::Depthwise { weights, packed, folded, .. } => (weights, *packed, *folded),
                _ => continue,
            };
            if mode == Mode::Train && step.has_own_filters() {
                continue;
            }
            let start = self.clock.now();
            let (mut filters, bias) = weights.of(parameters);
            if let Some(norm) = fold {
                let folded = &mut folded[..filters.len()];
                norms[norm].fold(&self.kernels, filters, bias, folded);
                filters = folded;
            }
            match &step.op {
                Op::Conv2d { kernel, .. } => {
                    kernel.pack(&self.team, filters, &mut packed[to], mode == Mode::Train);
                }
                _ => packed[to].copy_from_slice(filters),
            }
            self.notes.add(self.clock, start, Some(i), Phase::Pack, None);
        }
        self.numbers.packed_for = Some(mode);
    }
}

/// Elements of the largest filters that a normalisation is multiplied into.
pub(crate) fn largest_folded<K: Kernels>(predictor: &Program<K>) -> usize {
    let filters = predictor.steps.iter().filter_map(|step| match &step.op {
        Op::Conv2d { weights, folded: Some(_), .. }
        | Op::Depthwise { weights, folded: Some(_), .. } => Some(weights.kernel.len()),
        _ => None,
    });
    filters.max().unwrap_or(0)
}
