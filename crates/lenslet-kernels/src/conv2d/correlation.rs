//! A correlation of one image: the forward pass of a convolution, and its input's gradient.

use std::ops::Range;

use super::filters::View;
use super::line::{Line, Phase};
use super::pieces::{Cut, Target, worth};
use super::strips::Strips;
use super::tile::{Runs, tile, tile_height};
use super::{Operands, Then};
use crate::reference::Region;
use crate::simd::{Simd, dispatch};
use crate::{Chunks, Finish, Isa, Team};

/// The largest strip of padded image, in elements: it stays in a second-level cache.
const STRIP: usize = 1 << 16;

/// `target[unit, o] = bias[o] + sum over taps, c of source[unit + tap, c] * w[tap, c, o]`.
#[derive(Clone, Debug)]
pub(super) struct Correlation {
    rows: Line,
    columns: Line,
    source_channels: usize,
    target_channels: usize,
    strips: Strips,
    /// The phases of rows times those of columns.
    patches: Vec<Patch>,
    packed_len: usize,
    /// Output channels in whole vectors.
    padded_channels: usize,
}

/// The targets of one phase of rows and one of columns.
#[derive(Clone, Debug)]
struct Patch {
    rows: Phase,
    columns: Phase,
    /// Numbers of the filter's taps, in the order in which the strip holds what they read.
    taps: Vec<usize>,
    /// Stretches of `run` elements of the strip that a pixel reads.
    offsets: Vec<usize>,
    run: usize,
    /// 1. A variable, for the compiler would else vectorise along the run.
    step: usize,
    /// Where its filters lie.
    packed: Range<usize>,
}

/// A block of output channels.
struct Block<'a> {
    /// Filters: `taps x source channels x vectors`.
    w: &'a [f32],
    /// One for each filter, in whole vectors.
    bias: &'a [f32],
    /// Whether what is below zero becomes zero.
    rectify: bool,
    channels: Range<usize>,
}

/// Two vectors of output channels: each input is then used twice.
pub(super) fn block_width(lanes: usize) -> usize {
    2 * lanes
}

impl Correlation {
    pub(super) fn new(
        (rows, columns): (Line, Line),
        source_channels: usize,
        target_channels: usize,
        lanes: usize,
    ) -> Self {
        let row_len = columns.reach(columns.units) * source_channels;
        let height = (STRIP / row_len.max(1)).saturating_sub(rows.span) / rows.step + 1;
        let strips = Strips::new(&rows, &columns, source_channels, height);
        let padded_channels = target_channels.next_multiple_of(lanes);
        let mut patches = Vec::new();
        let mut packed_len = 0;
        for row in &rows.phases {
            for column in &columns.phases {
                let window = columns.phases.iter().map(|phase| phase.taps.len()).sum::<usize>();
                let len = row.taps.len() * column.taps.len() * source_channels * padded_channels;
                let packed = packed_len..packed_len + len;
                packed_len = packed.end;
                patches.push(Patch::new((row, column), window, source_channels, &strips, packed));
            }
        }
        Self {
            rows,
            columns,
            source_channels,
            target_channels,
            strips,
            patches,
            packed_len,
            padded_channels,
        }
    }

    pub(super) fn packed_len(&self) -> usize {
        self.packed_len
    }

    pub(super) fn scratch_len(&self) -> usize {
        self.strips.scratch_len() + self.padded_channels
    }

    /// Multiply-adds for one image, see [`Conv2dKernel::forward_made`](crate::Conv2dKernel).
    pub(super) fn made(&self) -> u64 {
        let taps = self
            .patches
            .iter()
            .map(|patch| patch.rows.units.len() * patch.columns.units.len() * patch.taps.len());
        (taps.sum::<usize>() * self.source_channels * self.padded_channels) as u64
    }

    /// Lays filters out for [`Self::run`].
    pub(super) fn pack(&self, team: &Team, isa: Isa, w: View<'_>, packed: &mut [f32]) {
        let widest = block_width(isa.lanes());
        for patch in &self.patches {
            let rows = patch.taps.len() * self.source_channels;
            if rows == 0 {
                continue;
            }
            let blocks = Chunks::new(&mut packed[patch.packed.clone()], rows * widest);
            team.share(blocks, |block, packed| {
                dispatch!(isa, |s| self.pack_block(s, w, &patch.taps, block * widest, packed));
            });
        }
    }

    /// The filters of a block of the target's channels, from `first` on.
    #[inline(always)]
    fn pack_block<S: Simd>(
        &self,
        s: S,
        w: View<'_>,
        taps: &[usize],
        first: usize,
        packed: &mut [f32],
    ) {
        let width = packed.len() / (taps.len() * self.source_channels);
        let of_taps = packed.chunks_exact_mut(self.source_channels * width);
        for (packed, &tap) in of_taps.zip(taps) {
            for (some, rows) in packed.chunks_mut(S::LANES * width).enumerate() {
                for v in (0..width).step_by(S::LANES) {
                    let block = w.block(s, tap, some * S::LANES, first + v);
                    for (row, x) in rows.chunks_exact_mut(width).zip(block) {
                        s.store(&mut row[v..], x);
                    }
                }
            }
        }
    }

    /// One image. `then` is of use in the forward pass alone, where a unit is a row of the target.
    pub(super) fn run(
        &self,
        isa: Isa,
        operands: Operands<'_>,
        target: &mut [f32],
        scratch: &mut [f32],
        then: Then<'_>,
    ) {
        let Operands { source, packed, finish: Finish { bias, .. }, moderate, define } = operands;
        assert_eq!(source.len(), self.rows.source * self.columns.source * self.source_channels);
        assert_eq!(target.len(), self.rows.target * self.columns.target * self.target_channels);
        assert_eq!(packed.len(), self.packed_len);
        assert!(bias.is_empty() || bias.len() == self.target_channels);
        if !moderate && self.strips.pads() {
            // The padding must not meet an infinite filter.
            define(&Region::all(self.rows.target, self.columns.target), target);
            return then(0..self.rows.target, target);
        }
        dispatch!(isa, |s| self.run_with(s, operands, target, scratch, then));
    }

    #[inline(always)]
    fn run_with<S: Simd>(
        &self,
        s: S,
        operands: Operands<'_>,
        target: &mut [f32],
        scratch: &mut [f32],
        then: Then<'_>,
    ) {
        let blocks = 0..self.blocks(S::LANES);
        for strip in self.strips.iter() {
            let to = Target::new(&mut *target);
            // SAFETY: all of the target is this call's alone.
            unsafe { self.piece_with(s, operands, &strip, &blocks, to, scratch) };
            then(strip, target);
        }
    }

    /// Blocks of the target's channels.
    fn blocks(&self, lanes: usize) -> usize {
        self.target_channels.div_ceil(block_width(lanes))
    }

    /// How to cut an image for so many threads.
    pub(super) fn cut(&self, lanes: usize, threads: usize) -> Cut {
        let rows = [self.rows.units, self.strips.height()];
        let source = self.rows.source * self.columns.source * self.source_channels;
        let heavy = self.packed_len > source;
        Cut::new(rows, self.blocks(lanes), heavy, worth(self.made(), threads))
    }

    /// Whether an image may be cut: the padding must not meet an infinite filter.
    pub(super) fn can_cut(&self, moderate: bool) -> bool {
        moderate || !self.strips.pads()
    }

    /// Some rows of units, at most a strip's, and blocks of the target's channels.
    ///
    /// # Safety
    /// Nobody else uses these channels of the units' targets.
    pub(super) unsafe fn piece(
        &self,
        isa: Isa,
        operands: Operands<'_>,
        [units, blocks]: [&Range<usize>; 2],
        target: Target<'_>,
        scratch: &mut [f32],
    ) {
        // SAFETY: the caller's promise.
        dispatch!(isa, |s| unsafe { self.piece_with(s, operands, units, blocks, target, scratch) });
    }

    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    unsafe fn piece_with<S: Simd>(
        &self,
        s: S,
        Operands { source, packed, finish: Finish { bias, rectify }, .. }: Operands<'_>,
        units: &Range<usize>,
        blocks: &Range<usize>,
        target: Target<'_>,
        scratch: &mut [f32],
    ) {
        let (padded_bias, scratch) = scratch.split_at_mut(self.padded_channels);
        padded_bias.fill(0.0);
        padded_bias[..bias.len()].copy_from_slice(bias);
        let view = self.strips.view(units, source, scratch);
        for patch in &self.patches {
            let packed = &packed[patch.packed.clone()];
            let depth = patch.taps.len() * self.source_channels;
            for block in blocks.clone() {
                let first = block * block_width(S::LANES);
                let end = self.target_channels.min(first + block_width(S::LANES));
                let vectors = (end - first).div_ceil(S::LANES);
                let w = &packed[depth * first..][..depth * vectors * S::LANES];
                let bias = &padded_bias[first..][..vectors * S::LANES];
                let block = Block { w, bias, rectify, channels: first..end };
                // SAFETY: the caller's promise. As many sums as leave registers for the weights
                // and one input.
                unsafe {
                    match (vectors, S::REGISTERS) {
                        (1, _) => self.sweep::<S, 8, 1>(s, units, view, patch, &block, target),
                        (_, 32..) => self.sweep::<S, 8, 2>(s, units, view, patch, &block, target),
                        _ => self.sweep::<S, 6, 2>(s, units, view, patch, &block, target),
                    }
                }
            }
        }
    }

    /// All pixels of some rows, in tiles of `P` that go on from one row to the next.
    ///
    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    unsafe fn sweep<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        strip: &Range<usize>,
        view: &[f32],
        patch: &Patch,
        block: &Block<'_>,
        target: Target<'_>,
    ) {
        let rows = patch.rows.units.start.max(strip.start)..patch.rows.units.end.min(strip.end);
        let mut left = rows.len() * patch.columns.units.len();
        if left == 0 {
            return;
        }
        let mut at = self.cursor(patch, rows.start - strip.start, rows.start);
        while left > 0 {
            let n = left.min(tile_height(left, P));
            // SAFETY: the caller's promise.
            unsafe {
                if n > 4 {
                    self.pixels::<S, P, V>(s, &mut at, n, view, patch, block, target);
                } else {
                    self.pixels::<S, 4, V>(s, &mut at, n, view, patch, block, target);
                }
            }
            left -= n;
        }
    }

    /// The next `n <= P` pixels.
    ///
    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    unsafe fn pixels<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        at: &mut Cursor,
        n: usize,
        view: &[f32],
        patch: &Patch,
        block: &Block<'_>,
        target: Target<'_>,
    ) {
        let mut x = [view; P];
        let mut y = [0; P];
        for p in 0..P {
            if p < n {
                (x[p], y[p]) = (&view[at.x..], at.y);
                at.advance();
            } else {
                // Computed and thrown away: cheaper than a tile for every remainder.
                x[p] = x[p - 1];
            }
        }
        let mut bias = [s.splat(0.0); V];
        for (v, bias) in bias.iter_mut().enumerate() {
            *bias = s.load(&block.bias[v * S::LANES..]);
        }
        let runs = Runs::new(&patch.offsets, patch.run, patch.step);
        let mut sums = tile::<S, P, V>(s, x, runs, block.w, [bias; P]);
        if block.rectify {
            for sum in sums.as_flattened_mut() {
                // The second operand is what `max` returns for NaN.
                *sum = s.max(s.splat(0.0), *sum);
            }
        }
        let width = block.channels.len();
        for p in 0..P {
            if p < n {
                // SAFETY: the caller's promise.
                let to = unsafe { target.part(y[p] + block.channels.start, width) };
                for v in 0..V {
                    if width == V * S::LANES {
                        s.store(&mut to[v * S::LANES..], sums[p][v]);
                    } else {
                        s.store_tail(&mut to[v * S::LANES..], sums[p][v]);
                    }
                }
            }
        }
    }

    /// At the first pixel of a row of units.
    #[inline(always)]
    fn cursor(&self, patch: &Patch, row_of_strip: usize, row: usize) -> Cursor {
        let (columns, pixel) = (&patch.columns, self.columns.step * self.source_channels);
        let source_row = self.rows.step * self.strips.pitch();
        let target = |row: usize, column: usize| {
            (patch.rows.target(row) * self.columns.target + columns.target(column))
                * self.target_channels
        };
        let (start, width) = (columns.units.start, columns.units.len());
        let y = target(row, start);
        Cursor {
            x: row_of_strip * source_row + start * pixel,
            y,
            left: width,
            width,
            x_step: pixel,
            y_step: target(row, start + 1) - y,
            x_row: source_row.wrapping_sub((width - 1) * pixel),
            y_row: target(row + 1, start).wrapping_sub(target(row, start + width - 1)),
        }
    }
}

impl Patch {
    fn new(
        (rows, columns): (&Phase, &Phase),
        window: usize,
        channels: usize,
        strips: &Strips,
        packed: Range<usize>,
    ) -> Self {
        let mut taps = Vec::new();
        let mut offsets = Vec::new();
        // Neighbouring taps of a row read neighbouring pixels: one run.
        let (starts, run) = if columns.contiguous() {
            (&columns.taps[..columns.taps.len().min(1)], columns.taps.len() * channels)
        } else {
            (&columns.taps[..], channels)
        };
        for row in &rows.taps {
            taps.extend(columns.taps.iter().map(|column| row.tap * window + column.tap));
            let offset = row.offset * strips.pitch();
            offsets.extend(starts.iter().map(|column| offset + column.offset * channels));
        }
        Self { rows: rows.clone(), columns: columns.clone(), taps, offsets, run, step: 1, packed }
    }
}

/// Where a pixel is read and written, stepping through the units of a patch without
/// multiplications: for few channels these would take as long as the sums.
struct Cursor {
    x: usize,
    y: usize,
    /// Pixels that are left in this row.
    left: usize,
    width: usize,
    /// To the next pixel, and from the last of a row to the first of the next.
    x_step: usize,
    x_row: usize,
    y_step: usize,
    y_row: usize,
}

impl Cursor {
    #[inline(always)]
    fn advance(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.left = self.width;
            self.x = self.x.wrapping_add(self.x_row);
            self.y = self.y.wrapping_add(self.y_row);
        } else {
            self.x += self.x_step;
            self.y += self.y_step;
        }
    }
}
