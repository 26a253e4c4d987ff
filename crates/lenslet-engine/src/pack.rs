//! Filters as the convolution kernels like them.

use lenslet_kernels::{Conv2dKernel, Kernels, Real};

use crate::cpu::Cpu;
use crate::numbers::Numbers;
use crate::plan::Mode;
use crate::profile::Phase;
use crate::program::{Op, Program};

impl<K: Kernels> Cpu<K> {
    /// Lays the filters out as the kernels like them, where they changed. For prediction with the
    /// normalisations behind them multiplied in.
    pub(crate) fn pack(&mut self, mode: Mode) {
        // No way out within a piece: that can be vectors.
        let all_finite = |piece: &[K::Real]| piece.iter().fold(true, |all, p| all & p.is_finite());
        let finite = || self.numbers.parameters.chunks(4096).all(all_finite);
        self.numbers.finite = Some(self.numbers.finite.unwrap_or_else(finite));
        let fresh = self.numbers.packed_for;
        if fresh == Some(mode) || (fresh == Some(Mode::Train) && self.predictor.norms.is_empty()) {
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
