//! The gradient of 3x3 filters with a quarter of the multiplications.
//!
//! The transpose of [`winograd`](super::winograd)'s forward pass: where a tile of outputs is
//! `A' ((G g G') * (B' d B)) A`, the gradient of the filters is, summed over tiles,
//! `G' ((A dy A') * (B' d B)) G`. Each of the 36 elements is a matrix product of input channels by
//! tiles by output channels; the outer transform is made once for an image.

mod batch;
mod narrow;

use std::ops::Range;

use super::DefineFilters;
use super::correlation::block_width;
use super::pieces::{Cut, worth};
use super::tile::{Runs, tile, tile_height};
use super::weight_gradient::{Filters, add_to};
use super::winograd::narrow::{TILES, pitch};
use super::winograd::{
    ELEMENTS, IN, INPUTS, OUT, Tiles, Transformed, Winograd, columns, element_stride,
};
use crate::Isa;
use crate::simd::{Simd, dispatch};

pub(super) use batch::FilterGradients;

/// Tiles that are transformed together: many, as for each such chunk the gradient of all
/// transformed filters passes through the registers. Those of a narrow source are few.
const CHUNK: usize = 32;

/// `dw[tap, c, o] += sum over pixels of x[pixel + tap, c] * dy[pixel, o]`.
#[derive(Clone, Debug)]
pub(super) struct WinogradGradient {
    /// The forward pass, whose tiles these are.
    forward: Winograd,
}

/// Where a transformed gradient of outputs goes: element by element, for each block of channels
/// `tiles x vectors`.
struct Outputs<'a> {
    data: &'a mut [f32],
    /// From one element to the next.
    stride: usize,
    /// Tiles that there is room for.
    tiles: usize,
    /// Gradient of the bias: one for each channel, in whole vectors.
    bias: &'a mut [f32],
}

impl Outputs<'_> {
    /// The block of channel `o`, of `width` where there are as many.
    #[inline(always)]
    fn block(&mut self, o: usize, width: usize, channels: usize) -> Transformed<'_> {
        let first = o - o % width;
        Transformed {
            data: &mut self.data[first * self.tiles..],
            stride: self.stride,
            channels: width.min(channels - first),
        }
    }
}

/// Working memory.
struct Work<'a> {
    /// `B' d B`.
    inputs: Transformed<'a>,
    /// Of a narrow source: numbers that are half transformed.
    half: &'a mut [f32],
    /// `A dy A'`.
    outputs: Outputs<'a>,
    /// Gradient of the transformed filters, laid out as these.
    filters: &'a mut [f32],
}

impl WinogradGradient {
    pub(super) fn new(forward: Winograd) -> Self {
        Self { forward }
    }

    pub(super) fn scratch_len(&self) -> usize {
        let inputs = INPUTS * self.strides()[0];
        let outputs = self.outputs_len();
        let sums = self.forward.packed_len() + self.forward.padded_target;
        self.forward.strips.scratch_len() + inputs + self.forward.half_len() + outputs + sums
    }

    /// From one element of a chunk's tiles to the next, of inputs and of outputs.
    fn strides(&self) -> [usize; 2] {
        [self.input_pitch(), self.forward.padded_target]
            .map(|channels| element_stride(self.chunk(), channels))
    }

    /// Room for a chunk's outputs.
    fn outputs_len(&self) -> usize {
        if self.forward.narrow { narrow::EDGES } else { ELEMENTS * self.strides()[1] }
    }

    /// From one transformed tile of the input to the next.
    fn input_pitch(&self) -> usize {
        let Winograd { narrow, source_channels, padded_source, .. } = self.forward;
        if narrow { pitch(source_channels) } else { padded_source }
    }

    /// Tiles that are transformed together.
    fn chunk(&self) -> usize {
        if self.forward.narrow { TILES } else { CHUNK }
    }

    /// Multiply-adds for one image, see [`Conv2dKernel::forward_made`](crate::Conv2dKernel).
    pub(super) fn made(&self) -> u64 {
        self.forward.made()
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
        let Winograd { source_channels, target_channels, .. } = self.forward;
        assert_eq!(dw.len(), 9 * source_channels * target_channels);
        assert!(db.is_empty() || db.len() == target_channels);
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
        let blocks = 0..self.blocks(S::LANES);
        let (mut work, scratch) = self.work(scratch);
        self.sums(s, [x, dy], &blocks, &mut work, scratch);
        let Winograd { target_height, .. } = self.forward;
        self.each_filter(
            s,
            work.filters,
            &blocks,
            #[inline(always)]
            |c, channels, g| {
                // Where that is not finite an input or a gradient was not, which the tiles have
                // mixed with others, or what was between them has overflowed.
                if !all_finite(s, g) {
                    return define(0..target_height, [c..c + 1, channels], dw);
                }
                for (tap, g) in g.as_flattened().iter().enumerate() {
                    let at = self.filter(tap, c, channels.start);
                    add_to(s, &mut dw[at..at + channels.len()], *g);
                }
            },
        );
        db.iter_mut().zip(work.outputs.bias).for_each(|(db, sum)| *db += *sum);
    }

    fn blocks(&self, lanes: usize) -> usize {
        self.forward.padded_target.div_ceil(block_width(lanes))
    }

    /// The output channels of some blocks, in whole vectors.
    fn channels(&self, lanes: usize, blocks: &Range<usize>) -> Range<usize> {
        let width = block_width(lanes);
        blocks.start * width..self.forward.padded_target.min(blocks.end * width)
    }

    /// Where a weight of a filter lies.
    fn filter(&self, tap: usize, from: usize, to: usize) -> usize {
        (tap * self.forward.source_channels + from) * self.forward.target_channels + to
    }

    /// How to cut the filters for so many threads: by blocks of output channels. Only where all numbers
    /// are moderate they can be cut.
    pub(super) fn cut(&self, lanes: usize, threads: usize) -> Cut {
        Cut::new([1, 1], self.blocks(lanes), true, worth(self.made(), threads))
    }

    /// Some blocks of output channels, from moderate numbers.
    ///
    /// # Safety
    /// Nobody else uses the filters and the bias of these channels.
    pub(super) unsafe fn piece(
        &self,
        isa: Isa,
        [x, dy]: [&[f32]; 2],
        blocks: &Range<usize>,
        to: Filters<'_>,
        scratch: &mut [f32],
    ) {
        // SAFETY: the caller's promise.
        dispatch!(isa, |s| unsafe { self.piece_with(s, [x, dy], blocks, to, scratch) });
    }

    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    unsafe fn piece_with<S: Simd>(
        &self,
        s: S,
        [x, dy]: [&[f32]; 2],
        blocks: &Range<usize>,
        Filters { dw, db }: Filters<'_>,
        scratch: &mut [f32],
    ) {
        let (mut work, scratch) = self.work(scratch);
        self.sums(s, [x, dy], blocks, &mut work, scratch);
        self.each_filter(
            s,
            work.filters,
            blocks,
            #[inline(always)]
            |c, channels, g| {
                assert!(all_finite(s, g), "sums of moderate numbers are finite");
                for (tap, g) in g.as_flattened().iter().enumerate() {
                    let at = self.filter(tap, c, channels.start);
                    // SAFETY: the caller's promise.
                    add_to(s, unsafe { dw.part(at, channels.len()) }, *g);
                }
            },
        );
        if !db.is_empty() {
            let Range { start, end } = self.channels(S::LANES, blocks);
            let end = end.min(self.forward.target_channels);
            // SAFETY: the caller's promise.
            let db = unsafe { db.part(start, end - start) };
            db.iter_mut().zip(&work.outputs.bias[start..]).for_each(|(db, sum)| *db += *sum);
        }
    }

    /// The gradients of the transformed filters and of the bias, of some blocks of output channels.
    #[inline(always)]
    fn sums<S: Simd>(
        &self,
        s: S,
        [x, dy]: [&[f32]; 2],
        blocks: &Range<usize>,
        work: &mut Work<'_>,
        scratch: &mut [f32],
    ) {
        let forward = &self.forward;
        let channels = self.channels(S::LANES, blocks);
        let rows = ELEMENTS * forward.source_channels;
        work.outputs.bias[channels.clone()].fill(0.0);
        work.filters[rows * channels.start..rows * channels.end].fill(0.0);
        for strip in forward.strips.iter() {
            let view = forward.strips.view(&strip, x, scratch);
            let end = strip.end * forward.columns;
            for first in (strip.start * forward.columns..end).step_by(self.chunk()) {
                let chunk = &(first..end.min(first + self.chunk()));
                if forward.narrow {
                    s.apart(
                        #[inline(always)]
                        || {
                            let to = (work.inputs.again(), &mut *work.half);
                            forward.transform_narrow(s, view, strip.start, chunk, to);
                        },
                    );
                    self.narrow_products(s, dy, chunk, &channels, work);
                    continue;
                }
                s.apart(
                    #[inline(always)]
                    || {
                        for (i, tile) in chunk.clone().enumerate() {
                            let ([row, column], to) = (forward.place(tile), &mut work.inputs);
                            forward.transform_input(s, view, row - strip.start, column, i, to);
                        }
                    },
                );
                s.apart(
                    #[inline(always)]
                    || {
                        for (i, tile) in chunk.clone().enumerate() {
                            let (place, to) = (forward.place(tile), &mut work.outputs);
                            self.transform_output(s, dy, place, i, &channels, to);
                        }
                    },
                );
                s.apart(
                    #[inline(always)]
                    || self.products(s, chunk.len(), blocks, work),
                );
            }
        }
    }

    /// Cuts up the scratch memory; returns what is left for a strip.
    #[inline(always)]
    fn work<'a>(&self, scratch: &'a mut [f32]) -> (Work<'a>, &'a mut [f32]) {
        let forward = &self.forward;
        let [input_stride, stride] = self.strides();
        let (inputs, scratch) = scratch.split_at_mut(INPUTS * input_stride);
        let (half, scratch) = scratch.split_at_mut(forward.half_len());
        let channels = self.input_pitch();
        let inputs = Transformed { data: inputs, stride: input_stride, channels };
        let (data, scratch) = scratch.split_at_mut(self.outputs_len());
        let (filters, scratch) = scratch.split_at_mut(forward.packed_len());
        let (bias, scratch) = scratch.split_at_mut(forward.padded_target);
        let outputs = Outputs { data, stride, tiles: self.chunk(), bias };
        (Work { inputs, half, outputs, filters }, scratch)
    }

    /// `A dy A'` for some channels of one tile; its sum for the bias.
    #[inline(always)]
    fn transform_output<S: Simd>(
        &self,
        s: S,
        dy: &[f32],
        [row, column]: [usize; 2],
        tile: usize,
        some: &Range<usize>,
        to: &mut Outputs<'_>,
    ) {
        let forward = &self.forward;
        let channels = forward.target_channels;
        let (row, column) = (row * OUT, column * OUT);
        let height = forward.target_height - row;
        let width = (forward.target_width - column).min(OUT);
        for o in (some.start..channels.min(some.end)).step_by(S::LANES) {
            let mut d = [[s.splat(0.0); OUT]; OUT];
            for (y, d) in d.iter_mut().enumerate() {
                if y >= height {
                    continue;
                }
                let line = ((row + y) * forward.target_width + column) * channels;
                let line = &dy[line..][..width * channels];
                for (x, d) in d.iter_mut().enumerate() {
                    if x >= width {
                        continue;
                    }
                    let from = &line[x * channels + o..];
                    *d = if o + S::LANES <= channels {
                        s.load(from)
                    } else {
                        s.load_tail(&from[..channels - o])
                    };
                }
            }
            let d = outputs(s, d);
            // Element (1, 1) of a transformed tile is the sum of the tile.
            let sum = &mut to.bias[o..];
            s.store(sum, s.add(s.load(sum), d[1][1]));
            let block = o - o % block_width(S::LANES);
            let mut to = to.block(o, block_width(S::LANES), forward.padded_target);
            to.store(s, tile, o - block, d);
        }
    }

    /// The 36 matrix products: `filters[element] += inputs[element]' * outputs[element]`.
    #[inline(always)]
    fn products<S: Simd>(&self, s: S, tiles: usize, blocks: &Range<usize>, work: &mut Work<'_>) {
        let (depth, padded) = (self.forward.source_channels, self.forward.padded_target);
        let all = work.filters.chunks_mut(ELEMENTS * depth * block_width(S::LANES));
        let some = all.zip((0..).step_by(block_width(S::LANES))).take(blocks.end);
        for (filters, first) in some.skip(blocks.start) {
            let width = block_width(S::LANES).min(padded - first);
            for (element, filters) in filters.chunks_exact_mut(depth * width).enumerate() {
                let at = element * work.outputs.stride + first * work.outputs.tiles;
                let outputs = &work.outputs.data[at..][..tiles * width];
                let inputs = &work.inputs.data[work.inputs.at(element, 0, 0)..];
                match (width == S::LANES, S::REGISTERS) {
                    (true, _) => self.product::<S, 8, 1>(s, tiles, inputs, outputs, filters),
                    (_, 32..) => self.product::<S, 8, 2>(s, tiles, inputs, outputs, filters),
                    _ => self.product::<S, 6, 2>(s, tiles, inputs, outputs, filters),
                }
            }
        }
    }

    /// One element of `V` vectors of output channels.
    #[inline(always)]
    fn product<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        tiles: usize,
        inputs: &[f32],
        outputs: &[f32],
        filters: &mut [f32],
    ) {
        let depth = self.forward.source_channels;
        let mut c = 0;
        while c < depth {
            if tile_height(depth - c, P) == P {
                self.some::<S, P, V>(s, tiles, c..depth.min(c + P), inputs, outputs, filters);
                c += P;
            } else {
                self.some::<S, 4, V>(s, tiles, c..depth.min(c + 4), inputs, outputs, filters);
                c += 4;
            }
        }
    }

    /// Up to `P` input channels.
    #[inline(always)]
    fn some<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        tiles: usize,
        channels: Range<usize>,
        inputs: &[f32],
        outputs: &[f32],
        filters: &mut [f32],
    ) {
        // Behind the last channel the last one is computed again.
        let mut x = [inputs; P];
        for (p, x) in x.iter_mut().enumerate() {
            *x = &inputs[(channels.start + p).min(channels.end - 1)..];
        }
        let width = V * S::LANES;
        let filters = &mut filters[channels.start * width..channels.end * width];
        let runs = Runs::new(&[0], tiles, self.forward.padded_source);
        let sums = tile::<S, P, V>(s, x, runs, outputs, [[s.splat(0.0); V]; P]);
        for (to, sums) in filters.chunks_exact_mut(width).zip(&sums) {
            for (v, sum) in sums.iter().enumerate() {
                let to = &mut to[v * S::LANES..];
                s.store(to, s.add(s.load(to), *sum));
            }
        }
    }

    /// Calls `visit(c, channels, g)` with `g = G' u G`, the gradients of the filters from channel `c`
    /// of the input to up to a vector of some blocks of output channels.
    #[inline(always)]
    fn each_filter<S: Simd>(
        &self,
        s: S,
        filters: &[f32],
        blocks: &Range<usize>,
        mut visit: impl FnMut(usize, Range<usize>, [[S::F32; 3]; 3]),
    ) {
        let Winograd { source_channels, target_channels, padded_target, .. } = self.forward;
        let rows = ELEMENTS * source_channels;
        for first in self.channels(S::LANES, blocks).step_by(S::LANES) {
            let block = first - first % block_width(S::LANES);
            let width = block_width(S::LANES).min(padded_target - block);
            let filters = Tiles {
                data: &filters[rows * block..][..rows * width],
                stride: source_channels * width,
                channels: width,
            };
            for c in 0..source_channels {
                let g = gradients(s, filters.load(s, c, first - block));
                visit(c, first..target_channels.min(first + S::LANES), g);
            }
        }
    }
}

#[inline(always)]
fn all_finite<S: Simd>(s: S, g: [[S::F32; 3]; 3]) -> bool {
    // Zero times what is not finite is NaN, which stays.
    let zero = s.splat(0.0);
    let mut odd = [zero; 3];
    for row in g {
        for (odd, g) in odd.iter_mut().zip(row) {
            *odd = s.mul_add(g, zero, *odd);
        }
    }
    s.all_finite(s.add(s.add(odd[0], odd[1]), odd[2]))
}

/// `A dy A'`.
#[inline(always)]
fn outputs<S: Simd>(s: S, dy: [[S::F32; OUT]; OUT]) -> [[S::F32; IN]; IN] {
    let mut rows = [[s.splat(0.0); IN]; OUT];
    for (to, from) in rows.iter_mut().zip(dy) {
        *to = output(s, from);
    }
    columns(
        s,
        rows,
        #[inline(always)]
        |column| output(s, column),
    )
}

/// `G' u G`.
#[inline(always)]
fn gradients<S: Simd>(s: S, u: [[S::F32; IN]; IN]) -> [[S::F32; 3]; 3] {
    let mut rows = [[s.splat(0.0); 3]; IN];
    for (to, from) in rows.iter_mut().zip(u) {
        *to = gradient(s, from);
    }
    columns(
        s,
        rows,
        #[inline(always)]
        |column| gradient(s, column),
    )
}

/// `A dy`.
#[inline(always)]
fn output<S: Simd>(s: S, [y0, y1, y2, y3]: [S::F32; 4]) -> [S::F32; 6] {
    let (even, odd) = (s.add(y0, y2), s.add(y1, y3));
    let even_2 = s.mul_add(s.splat(4.0), y2, y0);
    let odd_2 = s.mul_add(s.splat(8.0), y3, s.add(y1, y1));
    [y0, s.add(even, odd), s.sub(even, odd), s.add(even_2, odd_2), s.sub(even_2, odd_2), y3]
}

/// `G' u`.
#[inline(always)]
fn gradient<S: Simd>(s: S, [u0, u1, u2, u3, u4, u5]: [S::F32; 6]) -> [S::F32; 3] {
    let (sum, difference) = (s.add(u1, u2), s.sub(u2, u1));
    let (sum_2, difference_2) = (s.add(u3, u4), s.sub(u3, u4));
    let outer = s.mul(s.splat(-1.0 / 6.0), sum);
    [
        s.mul_add(s.splat(0.25), u0, s.mul_add(s.splat(1.0 / 24.0), sum_2, outer)),
        s.mul_add(s.splat(1.0 / 12.0), difference_2, s.mul(s.splat(1.0 / 6.0), difference)),
        s.add(s.mul_add(s.splat(1.0 / 6.0), sum_2, outer), u5),
    ]
}
