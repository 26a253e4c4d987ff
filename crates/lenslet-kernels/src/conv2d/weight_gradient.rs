//! The gradient of a convolution's filters and bias, from one image.

use std::ops::Range;

use super::correlation::block_width;
use super::line::Line;
use super::strips::Strips;
use super::tile::{Runs, tile, tile_height};
use crate::simd::{Simd, dispatch};
use crate::{Conv2dShape, Isa};

/// Pixels of a strip: its share of the input and of the output's gradient that one tile reads
/// stays in a first-level cache.
const STRIP: usize = 256;

/// `dw[tap, c, o] += sum over pixels of x[pixel + tap, c] * dy[pixel, o]`.
#[derive(Clone, Debug)]
pub(super) struct WeightGradient {
    columns: usize,
    in_channels: usize,
    out_channels: usize,
    strips: Strips,
    /// Where each tap reads, from its pixel on.
    taps: Vec<usize>,
    /// Channels in whole vectors.
    padded_out: usize,
    pixels: usize,
    /// Where each row of output pixels begins in a strip.
    rows: Vec<usize>,
    /// From one pixel to the next in a strip.
    step: usize,
    /// Whether the rows of a strip follow one another without a gap.
    seamless: bool,
    /// Elements of a strip of the output's gradient, for one block of channels.
    block_len: usize,
}

impl WeightGradient {
    pub(super) fn new(shape: &Conv2dShape, lanes: usize) -> Self {
        let Conv2dShape { height, width, in_channels, out_channels } = *shape;
        let (rows, columns) = (Line::forward(&height), Line::forward(&width));
        let strip = (STRIP / columns.units.max(1)).max(1);
        let strips = Strips::new(&rows, &columns, in_channels, strip);
        let row_step = height.stride * strips.pitch();
        let step = width.stride * in_channels;
        let row = |ty: usize| ty * height.dilation * strips.pitch();
        let column = |tx: usize| tx * width.dilation * in_channels;
        Self {
            columns: width.output,
            in_channels,
            out_channels,
            padded_out: out_channels.next_multiple_of(lanes),
            pixels: height.output * width.output,
            taps: (0..height.window)
                .flat_map(|ty| (0..width.window).map(move |tx| (ty, tx)))
                .map(|(ty, tx)| row(ty) + column(tx))
                .collect(),
            rows: (0..strips.height()).map(|i| i * row_step).collect(),
            step,
            seamless: row_step == width.output * step,
            block_len: strips.height() * width.output * block_width(lanes),
            strips,
        }
    }

    pub(super) fn scratch_len(&self) -> usize {
        self.strips.scratch_len() + self.block_len
    }

    /// Multiply-adds for one image, see [`Conv2dKernel::forward_made`](crate::Conv2dKernel).
    pub(super) fn made(&self) -> u64 {
        (self.pixels * self.taps.len() * self.in_channels * self.padded_out) as u64
    }

    /// Adds the gradients of one image; `db` may be empty.
    pub(super) fn run(
        &self,
        isa: Isa,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        scratch: &mut [f32],
    ) {
        assert_eq!(dw.len(), self.taps.len() * self.in_channels * self.out_channels);
        assert!(db.is_empty() || db.len() == self.out_channels);
        dispatch!(isa, |s| self.run_with(s, x, dy, dw, db, scratch));
    }

    #[inline(always)]
    fn run_with<S: Simd>(
        &self,
        s: S,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (block, scratch) = scratch.split_at_mut(self.block_len);
        let row = self.columns * self.out_channels;
        for strip in self.strips.iter() {
            let view = self.strips.view(&strip, x, scratch);
            let dy = &dy[strip.start * row..strip.end * row];
            for first in (0..self.out_channels).step_by(block_width(S::LANES)) {
                let channels = first..self.out_channels.min(first + block_width(S::LANES));
                let rows = strip.len();
                if channels.len() <= S::LANES {
                    self.gather::<S, 1>(s, &channels, dy, block, db);
                    self.sweep::<S, 8, 1>(s, rows, &channels, view, block, dw);
                } else {
                    self.gather::<S, 2>(s, &channels, dy, block, db);
                    // As many sums as leave registers for two vectors of `dy` and one input.
                    if S::REGISTERS >= 32 {
                        self.sweep::<S, 8, 2>(s, rows, &channels, view, block, dw);
                    } else {
                        self.sweep::<S, 6, 2>(s, rows, &channels, view, block, dw);
                    }
                }
            }
        }
    }

    /// Copies some channels of `dy` into `block` (`pixels x V` vectors, zeros behind the last
    /// channel) and adds their sums to `db`.
    #[inline(always)]
    fn gather<S: Simd, const V: usize>(
        &self,
        s: S,
        channels: &Range<usize>,
        dy: &[f32],
        block: &mut [f32],
        db: &mut [f32],
    ) {
        let width = V * S::LANES;
        // Four sums for each channel, as one would wait for itself.
        let mut sums = [[s.splat(0.0); V]; 4];
        let groups = dy.chunks(4 * self.out_channels).zip(block.chunks_mut(4 * width));
        for (dy, block) in groups {
            let pixels = dy.chunks_exact(self.out_channels).zip(block.chunks_exact_mut(width));
            for ((dy, block), sums) in pixels.zip(&mut sums) {
                let dy = &dy[channels.clone()];
                for (v, sum) in sums.iter_mut().enumerate() {
                    let from = &dy[v * S::LANES..];
                    let x = if dy.len() == width { s.load(from) } else { s.load_tail(from) };
                    s.store(&mut block[v * S::LANES..], x);
                    *sum = s.add(*sum, x);
                }
            }
        }
        if !db.is_empty() {
            let db = &mut db[channels.clone()];
            for v in 0..V {
                let [a, b, c, d] = [sums[0][v], sums[1][v], sums[2][v], sums[3][v]];
                add_to(s, &mut db[v * S::LANES..], s.add(s.add(a, b), s.add(c, d)));
            }
        }
    }

    /// The filters of some output channels, in tiles of `P` taps and input channels.
    #[inline(always)]
    fn sweep<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        rows: usize,
        channels: &Range<usize>,
        view: &[f32],
        block: &[f32],
        dw: &mut [f32],
    ) {
        let rows = if self.seamless {
            Runs { offsets: &self.rows[..1], len: rows * self.columns, step: self.step }
        } else {
            Runs { offsets: &self.rows[..rows], len: self.columns, step: self.step }
        };
        let depth = self.taps.len() * self.in_channels;
        let mut k = 0;
        while k < depth {
            if tile_height(depth - k, P) == P {
                self.weights::<S, P, V>(s, k, rows, channels, view, block, dw);
                k += P;
            } else {
                self.weights::<S, 4, V>(s, k, rows, channels, view, block, dw);
                k += 4;
            }
        }
    }

    /// The weights of the `P` taps and input channels from `k` on, as far as there are any.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    fn weights<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        k: usize,
        rows: Runs<'_>,
        channels: &Range<usize>,
        view: &[f32],
        block: &[f32],
        dw: &mut [f32],
    ) {
        let (mut tap, mut c) = (k / self.in_channels, k % self.in_channels);
        let mut x = [view; P];
        let mut n = 0;
        for p in 0..P {
            if tap < self.taps.len() {
                x[p] = &view[self.taps[tap] + c..];
                n += 1;
                c += 1;
                if c == self.in_channels {
                    (tap, c) = (tap + 1, 0);
                }
            } else {
                // Computed and thrown away.
                x[p] = x[p - 1];
            }
        }
        let sums = tile::<S, P, V>(s, x, rows, block, [[s.splat(0.0); V]; P]);
        for p in 0..P {
            if p < n {
                let dw = &mut dw[(k + p) * self.out_channels..][channels.clone()];
                for v in 0..V {
                    add_to(s, &mut dw[v * S::LANES..], sums[p][v]);
                }
            }
        }
    }
}

/// Adds as many lanes of `x` as `to` has elements, at most all.
#[inline(always)]
pub(super) fn add_to<S: Simd>(s: S, to: &mut [f32], x: S::F32) {
    if to.len() >= S::LANES {
        s.store(to, s.add(s.load(to), x));
    } else {
        s.store_tail(to, s.add(s.load_tail(to), x));
    }
}
