//! From an image to an image: the forward pass, or the gradient of the input.

use std::sync::atomic::{AtomicU64, Ordering};

use super::correlation::Correlation;
use super::filters::View;
use super::line::Line;
use super::moderate::all_moderate;
use super::pieces::{Cut, Target};
use super::winograd::{Winograd, narrow};
use super::{Algorithm, Operands, Then, winograd_pays};
use crate::{Isa, Team, Times};

/// From an image to an image.
#[derive(Clone, Debug)]
pub(super) enum Pass {
    Direct(Correlation),
    Winograd(Winograd),
}

impl Pass {
    /// `batch` tells that whole batches are best taken at once, by Winograd's algorithm.
    pub(super) fn new(
        lines: (Line, Line),
        [source_channels, target_channels]: [usize; 2],
        lanes: usize,
        algorithm: Algorithm,
        batch: bool,
    ) -> Self {
        let pays = || {
            let many = source_channels >= 16 || narrow::pays(source_channels, 2, lanes);
            batch
                || winograd_pays((lines.0.target, lines.1.target), 4)
                    && many
                    && target_channels >= 16
        };
        let wanted = algorithm.is_winograd(pays);
        let winograd = || Winograd::new(&lines, source_channels, target_channels, lanes);
        match wanted.then(winograd).flatten() {
            Some(winograd) => Self::Winograd(winograd),
            None => Self::Direct(Correlation::new(lines, source_channels, target_channels, lanes)),
        }
    }

    /// The same, which skips channels of the source that are zero, where it can, or does not.
    pub(super) fn skipping(self, on: bool) -> Self {
        match self {
            Self::Direct(_) => self,
            Self::Winograd(winograd) => Self::Winograd(winograd.skipping(on)),
        }
    }

    pub(super) fn packed_len(&self) -> usize {
        match self {
            Self::Direct(direct) => direct.packed_len(),
            Self::Winograd(winograd) => winograd.packed_len(),
        }
    }

    pub(super) fn scratch_len(&self) -> usize {
        match self {
            Self::Direct(direct) => direct.scratch_len(),
            Self::Winograd(winograd) => winograd.scratch_len(),
        }
    }

    pub(super) fn made(&self) -> u64 {
        match self {
            Self::Direct(direct) => direct.made(),
            Self::Winograd(winograd) => winograd.made(),
        }
    }

    pub(super) fn pack(&self, team: &Team, isa: Isa, w: View<'_>, packed: &mut [f32]) {
        match self {
            Self::Direct(direct) => direct.pack(team, isa, w, packed),
            Self::Winograd(winograd) => winograd.pack(team, isa, w, packed),
        }
    }

    /// Returns the multiply-adds that were made.
    pub(super) fn run(
        &self,
        isa: Isa,
        operands: Operands<'_>,
        target: &mut [f32],
        scratch: &mut [f32],
        then: Then<'_>,
    ) -> u64 {
        match self {
            Self::Direct(direct) => {
                direct.run(isa, operands, target, scratch, then);
                direct.made()
            }
            Self::Winograd(winograd) => winograd.run(isa, operands, target, scratch, then),
        }
    }

    pub(super) fn cut(&self, lanes: usize, threads: usize) -> Cut {
        match self {
            Self::Direct(direct) => direct.cut(lanes, threads),
            Self::Winograd(winograd) => winograd.cut(lanes, threads),
        }
    }

    /// [`Self::run`] in pieces, where that is worth it and the numbers allow it; the bits are the
    /// same.
    pub(super) fn share<L: AsMut<[f32]> + Send>(
        &self,
        (team, isa, lanes): (&Team, Isa, usize),
        operands: Operands<'_>,
        target: &mut [f32],
        locals: &mut [L],
    ) -> u64 {
        let cut = self.cut(lanes, team.threads());
        let can = || match self {
            Self::Direct(direct) => direct.can_cut(operands.moderate),
            Self::Winograd(_) => operands.moderate && all_moderate(team, isa, operands.source),
        };
        if cut.pieces() == 1 || !can() {
            return self.run(isa, operands, target, locals[0].as_mut(), &mut |_, _| {});
        }
        let (target, skipped) = (Target::new(target), AtomicU64::new(0));
        team.for_each(Times(cut.pieces()), locals, |i, (), local| {
            let [rows, blocks] = cut.piece(i);
            let (piece, scratch) = ([&rows, &blocks], local.as_mut());
            // SAFETY: each piece has targets of its own.
            unsafe {
                match self {
                    Self::Direct(direct) => direct.piece(isa, operands, piece, target, scratch),
                    Self::Winograd(tiles) => {
                        let some = tiles.piece(isa, operands, piece, target, scratch);
                        skipped.fetch_add(some, Ordering::Relaxed);
                    }
                }
            }
        });
        self.made() - skipped.into_inner()
    }
}
