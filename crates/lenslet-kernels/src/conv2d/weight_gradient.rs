//! The gradient of a convolution's filters and bias, from one image.

use std::ops::Range;

use super::DefineFilters;
use super::correlation::block_width;
use super::line::Line;
use super::pieces::{Cut, Target, worth};
use super::strips::Strips;
use super::tile::{Runs, even_tile, tile, tile_height};
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
    /// Channels in whole vectors.
    padded_out: usize,
    pixels: usize,
    /// Where the stretches of neighbouring elements begin that a pixel reads, from it on.
    runs: Vec<usize>,
    /// Elements of each.
    run: usize,
    /// Where each row of output pixels begins in a strip.
    rows: Vec<usize>,
    /// From one pixel to the next in a strip.
    step: usize,
    /// Whether the rows of a strip follow one another without a gap.
    seamless: bool,
    /// Elements of a strip of the output's gradient, for one block of channels.
    block_len: usize,
}

/// Where the gradients of some filters and biases are added.
#[derive(Clone, Copy)]
pub(super) struct Filters<'a> {
    pub(super) dw: Target<'a>,
    /// May be empty.
    pub(super) db: Target<'a>,
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
        // Neighbouring taps of a row read neighbouring pixels: one run.
        let runs = if width.dilation == 1 { 1 } else { width.window };
        Self {
            columns: width.output,
            in_channels,
            out_channels,
            padded_out: out_channels.next_multiple_of(lanes),
            pixels: height.output * width.output,
            runs: (0..height.window)
                .flat_map(|ty| (0..runs).map(move |tx| (ty, tx)))
                .map(|(ty, tx)| row(ty) + tx * width.dilation * in_channels)
                .collect(),
            run: width.window / runs * in_channels,
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
        (self.pixels * self.runs.len() * self.run * self.padded_out) as u64
    }

    /// Adds the gradients of one image; `db` may be empty.
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
        assert_eq!(dw.len(), self.runs.len() * self.run * self.out_channels);
        assert!(db.is_empty() || db.len() == self.out_channels);
        dispatch!(isa, |s| self.run_with(s, x, dy, dw, db, scratch, define));
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    fn run_with<S: Simd>(
        &self,
        s: S,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        scratch: &mut [f32],
        define: DefineFilters<'_>,
    ) {
        let (block, scratch) = scratch.split_at_mut(self.block_len);
        for strip in self.strips.iter() {
            let view = self.strips.view(&strip, x, scratch);
            let dy = self.rows_of(&strip, dy);
            for channels in self.channels(S::LANES, &(0..self.blocks(S::LANES))) {
                let to = Filters { dw: Target::new(&mut *dw), db: Target::new(&mut *db) };
                let runs = 0..self.runs.len();
                // SAFETY: all of `dw` and `db` is this call's alone.
                let finite = unsafe { self.some(s, view, dy, &channels, &runs, block, to) };
                if !finite {
                    define(strip.clone(), [0..self.in_channels, channels], dw);
                }
            }
        }
    }

    /// Those rows of the output's gradient.
    fn rows_of<'a>(&self, strip: &Range<usize>, dy: &'a [f32]) -> &'a [f32] {
        let row = self.columns * self.out_channels;
        &dy[strip.start * row..strip.end * row]
    }

    fn blocks(&self, lanes: usize) -> usize {
        self.out_channels.div_ceil(block_width(lanes))
    }

    /// The output channels of some blocks.
    fn channels(&self, lanes: usize, blocks: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (width, all) = (block_width(lanes), self.out_channels);
        blocks.clone().map(move |block| block * width..all.min((block + 1) * width))
    }

    /// How to cut the filters for so many threads: by the runs that a pixel reads, and blocks of output
    /// channels.
    pub(super) fn cut(&self, lanes: usize, threads: usize) -> Cut {
        let runs = self.runs.len();
        Cut::new([runs, runs], self.blocks(lanes), true, worth(self.made(), threads))
    }

    /// Some runs and blocks of output channels, from moderate gradients of the output.
    ///
    /// # Safety
    /// Nobody else uses these filters and, with the first run, these channels of the bias.
    pub(super) unsafe fn piece(
        &self,
        isa: Isa,
        [x, dy]: [&[f32]; 2],
        [runs, blocks]: [&Range<usize>; 2],
        to: Filters<'_>,
        scratch: &mut [f32],
    ) {
        // SAFETY: the caller's promise.
        dispatch!(isa, |s| unsafe { self.piece_with(s, [x, dy], [runs, blocks], to, scratch) });
    }

    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    unsafe fn piece_with<S: Simd>(
        &self,
        s: S,
        [x, dy]: [&[f32]; 2],
        [runs, blocks]: [&Range<usize>; 2],
        to: Filters<'_>,
        scratch: &mut [f32],
    ) {
        let (block, scratch) = scratch.split_at_mut(self.block_len);
        for strip in self.strips.iter() {
            let view = self.strips.view(&strip, x, scratch);
            let dy = self.rows_of(&strip, dy);
            for channels in self.channels(S::LANES, blocks) {
                // SAFETY: the caller's promise.
                let finite = unsafe { self.some(s, view, dy, &channels, runs, block, to) };
                assert!(finite, "sums of moderate numbers are finite");
            }
        }
    }

    /// One strip, a block of channels of the output and some of the runs. Returns whether it could: the padding must not
    /// meet what is not finite.
    ///
    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    unsafe fn some<S: Simd>(
        &self,
        s: S,
        view: &[f32],
        dy: &[f32],
        channels: &Range<usize>,
        runs: &Range<usize>,
        block: &mut [f32],
        to: Filters<'_>,
    ) -> bool {
        // SAFETY: the caller's promise. As many sums as leave registers for two vectors of `dy`
        // and one input.
        unsafe {
            if channels.len() <= S::LANES {
                self.block::<S, 8, 1>(s, view, dy, channels, runs, block, to)
            } else if S::REGISTERS >= 32 {
                self.block::<S, 8, 2>(s, view, dy, channels, runs, block, to)
            } else {
                self.block::<S, 6, 2>(s, view, dy, channels, runs, block, to)
            }
        }
    }

    /// The same in `V` vectors.
    ///
    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    unsafe fn block<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        view: &[f32],
        dy: &[f32],
        channels: &Range<usize>,
        runs: &Range<usize>,
        block: &mut [f32],
        Filters { dw, db }: Filters<'_>,
    ) -> bool {
        let sums = self.gather::<S, V>(s, channels, dy, block);
        let mut finite = true;
        for (v, sum) in sums.into_iter().enumerate() {
            finite &= s.all_finite(sum);
            if !db.is_empty() && runs.start == 0 {
                // SAFETY: the caller's promise.
                let db = unsafe { db.part(channels.start, channels.len()) };
                add_to(s, &mut db[v * S::LANES..], sum);
            }
        }
        if !finite && self.strips.pads() {
            return false;
        }
        let in_place = self.out_channels == V * S::LANES;
        let rows = dy.len() / (self.columns * self.out_channels);
        let block = if in_place { dy } else { block };
        // SAFETY: the caller's promise.
        unsafe { self.sweep::<S, P, V>(s, rows, channels, runs, view, block, dw) };
        true
    }

    /// Some channels of `dy`, `pixels x V` vectors with zeros behind the last channel: copied to
    /// `block` where they do not lie like that. Returns their sums.
    #[inline(always)]
    fn gather<S: Simd, const V: usize>(
        &self,
        s: S,
        channels: &Range<usize>,
        dy: &[f32],
        block: &mut [f32],
    ) -> [S::F32; V] {
        let width = V * S::LANES;
        let in_place = self.out_channels == width;
        let pixels = dy.len() / self.out_channels;
        assert!(block.len() >= pixels * width && channels.end <= self.out_channels);
        // Four sums for each channel, as one would wait for itself.
        let mut sums = [[s.splat(0.0); V]; 4];
        for first in (0..pixels).step_by(4) {
            for (i, sums) in sums.iter_mut().enumerate() {
                let pixel = first + i;
                if pixel < pixels {
                    // SAFETY: `dy` has `out_channels` numbers for each pixel, `block` `width`.
                    let x = unsafe {
                        let from = dy.as_ptr().add(pixel * self.out_channels + channels.start);
                        let to = block.as_mut_ptr().add(pixel * width);
                        load_pixel::<S, V>(s, from, channels.len(), (!in_place).then_some(to))
                    };
                    for v in 0..V {
                        sums[v] = s.add(sums[v], x[v]);
                    }
                }
            }
        }
        let mut sum = [s.splat(0.0); V];
        for (v, sum) in sum.iter_mut().enumerate() {
            let [a, b, c, d] = [sums[0][v], sums[1][v], sums[2][v], sums[3][v]];
            *sum = s.add(s.add(a, b), s.add(c, d));
        }
        sum
    }

    /// The filters of some output channels and runs, in tiles of `P` elements that a pixel reads.
    ///
    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    unsafe fn sweep<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        rows: usize,
        channels: &Range<usize>,
        runs: &Range<usize>,
        view: &[f32],
        block: &[f32],
        dw: Target<'_>,
    ) {
        let pixels = if self.seamless {
            Runs::new(&self.rows[..1], rows * self.columns, self.step)
        } else {
            Runs::new(&self.rows[..rows], self.columns, self.step)
        };
        let neighbours = self.run - self.run % P;
        for i in runs.clone() {
            for c in (0..neighbours).step_by(P) {
                let zeros = [[s.splat(0.0); V]; P];
                let view = &view[self.runs[i] + c..];
                let sums = even_tile::<S, P, V>(s, view, 1, pixels, block, zeros);
                let at = (i * self.run + c) * self.out_channels + channels.start;
                // SAFETY: the caller's promise.
                unsafe { self.add::<S, P, V>(s, dw, at, channels.len(), sums) };
            }
        }
        // What is left of each run, together.
        let left = self.run - neighbours;
        let (mut k, end) = (left * runs.start, left * runs.end);
        while k < end {
            // SAFETY: the caller's promise.
            unsafe {
                if tile_height(end - k, P) == P {
                    self.rest::<S, P, V>(s, left, k..end, pixels, channels, view, block, dw);
                    k += P;
                } else {
                    self.rest::<S, 4, V>(s, left, k..end, pixels, channels, view, block, dw);
                    k += 4;
                }
            }
        }
    }

    /// `dw[p, o] += sums[p, o]` for `width` channels `o`, from element `at` on.
    ///
    /// # Safety
    /// Nobody else uses these elements.
    #[inline(always)]
    #[expect(
        clippy::needless_range_loop,
        reason = "an iterator takes vectors that are arrays apart"
    )]
    unsafe fn add<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        dw: Target<'_>,
        at: usize,
        width: usize,
        sums: [[S::F32; V]; P],
    ) {
        for p in 0..P {
            // SAFETY: the caller's promise.
            let to = unsafe { dw.part(at + p * self.out_channels, width) };
            if width == V * S::LANES {
                for v in 0..V {
                    let to = &mut to[v * S::LANES..];
                    s.store(to, s.add(s.load(to), sums[p][v]));
                }
            } else {
                add_row(s, to, sums[p]);
            }
        }
    }

    /// Up to `P` of some of the elements that are `left` of each run.
    ///
    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    unsafe fn rest<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        left: usize,
        some: Range<usize>,
        pixels: Runs<'_>,
        channels: &Range<usize>,
        view: &[f32],
        block: &[f32],
        dw: Target<'_>,
    ) {
        let (mut x, mut to) = ([view; P], [0; P]);
        let n = P.min(some.len());
        for p in 0..P {
            // Behind the last one it is computed again.
            let k = some.start + p.min(n - 1);
            let (i, c) = (k / left, self.run - left + k % left);
            (x[p], to[p]) = (&view[self.runs[i] + c..], (i * self.run + c) * self.out_channels);
        }
        let sums = tile::<S, P, V>(s, x, pixels, block, [[s.splat(0.0); V]; P]);
        for p in 0..P {
            if p < n {
                // SAFETY: the caller's promise.
                let to = unsafe { dw.part(to[p] + channels.start, channels.len()) };
                add_row(s, to, sums[p]);
            }
        }
    }
}

/// The first `n` numbers from `from` on, then zeros; a copy goes to `to` where there is one.
///
/// # Safety
/// `n` numbers can be read and `V` vectors written.
#[inline(always)]
unsafe fn load_pixel<S: Simd, const V: usize>(
    s: S,
    from: *const f32,
    n: usize,
    to: Option<*mut f32>,
) -> [S::F32; V] {
    let mut x = [s.splat(0.0); V];
    for (v, x) in x.iter_mut().enumerate() {
        let start = v * S::LANES;
        // SAFETY: the caller's promise; the last vector may be shorter, and there are no others.
        unsafe {
            *x = if n == V * S::LANES {
                s.load_ptr(from.add(start))
            } else {
                s.load_tail_ptr(from.add(start), n - start)
            };
            if let Some(to) = to {
                s.store_ptr(to.add(start), *x);
            }
        }
    }
    x
}

/// `to[o] += sums[o]`: as many as `to` has.
#[inline(always)]
fn add_row<S: Simd, const V: usize>(s: S, to: &mut [f32], sums: [S::F32; V]) {
    for v in 0..V {
        add_to(s, &mut to[v * S::LANES..], sums[v]);
    }
}

/// Adds as many lanes of `x` as `to` has elements, at most all.
#[inline(always)]
pub(super) fn add_to<S: Simd>(s: S, to: &mut [f32], x: S::F32) {
    if to.len() >= S::LANES {
        s.store(to, s.add(s.load(to), x));
    } else {
        s.add_to_tail(to, x);
    }
}
