//! From two images to the gradient of filters and bias.

use super::line::Line;
use super::moderate::all_moderate;
use super::pieces::{Cut, Target};
use super::weight_gradient::{Filters, WeightGradient};
use super::winograd::{Winograd, narrow};
use super::winograd_gradient::WinogradGradient;
use super::{Algorithm, DefineFilters, winograd_pays};
use crate::{Conv2dShape, Isa, Team, Times};

/// From two images to filters.
#[derive(Clone, Debug)]
pub(super) enum Gradient {
    Direct(WeightGradient),
    Winograd(WinogradGradient),
}

impl Gradient {
    pub(super) fn new(shape: &Conv2dShape, lanes: usize, algorithm: Algorithm) -> Self {
        let Conv2dShape { height, width, in_channels, out_channels } = *shape;
        let lines = (Line::forward(&height), Line::forward(&width));
        // For each image the gradient of the transformed filters is written and transformed back:
        // that takes more tiles to pay than the other passes.
        let pays = || {
            let many = in_channels >= 16 || narrow::pays(in_channels, 1, lanes);
            winograd_pays((height.output, width.output), 16) && many && out_channels >= 16
        };
        let wanted = algorithm.is_winograd(pays);
        let winograd = || Winograd::new(&lines, in_channels, out_channels, lanes);
        match wanted.then(winograd).flatten() {
            Some(winograd) => Self::Winograd(WinogradGradient::new(winograd)),
            None => Self::Direct(WeightGradient::new(shape, lanes)),
        }
    }

    /// What it takes from so many channels, in terms of the direct sum's time.
    pub(super) fn cost(&self, in_channels: usize) -> f64 {
        match self {
            Self::Direct(_) => 1.0,
            Self::Winograd(_) if in_channels <= narrow::CHANNELS => 0.6,
            Self::Winograd(_) => 0.4,
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

    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    pub(super) fn run(
        &self,
        isa: Isa,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        scratch: &mut [f32],
        define: DefineFilters<'_>,
    ) {
        match self {
            Self::Direct(direct) => direct.run(isa, x, dy, dw, db, scratch, define),
            Self::Winograd(winograd) => winograd.run(isa, x, dy, dw, db, scratch, define),
        }
    }

    pub(super) fn cut(&self, lanes: usize, threads: usize) -> Cut {
        match self {
            Self::Direct(direct) => direct.cut(lanes, threads),
            Self::Winograd(winograd) => winograd.cut(lanes, threads),
        }
    }

    /// [`Self::run`] in pieces, where that is worth it and the numbers allow it; the bits are the
    /// same. Returns whether it was done.
    pub(super) fn share<L: AsMut<[f32]> + Send>(
        &self,
        (team, isa, lanes): (&Team, Isa, usize),
        [x, dy]: [&[f32]; 2],
        dw: &mut [f32],
        db: &mut [f32],
        locals: &mut [L],
    ) -> bool {
        let cut = self.cut(lanes, team.threads());
        let winograd = matches!(self, Self::Winograd(_));
        let can = || all_moderate(team, isa, dy) && (!winograd || all_moderate(team, isa, x));
        if cut.pieces() == 1 || !can() {
            return false;
        }
        let to = Filters { dw: Target::new(dw), db: Target::new(db) };
        team.for_each(Times(cut.pieces()), locals, |i, (), local| {
            let [runs, blocks] = cut.piece(i);
            let scratch = local.as_mut();
            // SAFETY: each piece has filters of its own, and those with the first run have biases of
            // their own.
            unsafe {
                match self {
                    Self::Direct(direct) => {
                        direct.piece(isa, [x, dy], [&runs, &blocks], to, scratch);
                    }
                    Self::Winograd(tiles) => tiles.piece(isa, [x, dy], &blocks, to, scratch),
                }
            }
        });
        true
    }
}
