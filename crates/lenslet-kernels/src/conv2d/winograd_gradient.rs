//! The gradient of 3x3 filters with a quarter of the multiplications.
//!
//! The transpose of [`winograd`](super::winograd)'s forward pass: where a tile of outputs is
//! `A' ((G g G') * (B' d B)) A`, the gradient of the filters is, summed over tiles,
//! `G' ((A dy A') * (B' d B)) G`. Each of the 36 elements is a matrix product of input channels by
//! tiles by output channels; the outer transform is made once for an image.

use std::ops::Range;

use super::DefineFilters;
use super::correlation::block_width;
use super::tile::{Runs, tile, tile_height};
use super::weight_gradient::add_to;
use super::winograd::{ELEMENTS, IN, OUT, Transformed, Winograd, columns, element_stride};
use crate::Isa;
use crate::simd::{Simd, dispatch};

/// Tiles that are transformed together: many, as for each such chunk the gradient of all
/// transformed filters passes through the registers.
const CHUNK: usize = 32;

/// `dw[tap, c, o] += sum over pixels of x[pixel + tap, c] * dy[pixel, o]`.
#[derive(Clone, Debug)]
pub(super) struct WinogradGradient {
    /// The forward pass, whose tiles these are.
    forward: Winograd,
}

/// Working memory.
struct Work<'a> {
    /// `B' d B`.
    inputs: Transformed<'a>,
    /// `A dy A'`: element by element, for each block of channels `tiles x vectors`.
    outputs: &'a mut [f32],
    output_stride: usize,
    /// Gradient of the transformed filters, laid out as these.
    filters: &'a mut [f32],
    /// Gradient of the bias.
    bias: &'a mut [f32],
}

impl WinogradGradient {
    pub(super) fn new(mut forward: Winograd) -> Self {
        forward.chunk = CHUNK;
        Self { forward }
    }

    pub(super) fn scratch_len(&self) -> usize {
        let Winograd { padded_target: bias, .. } = self.forward;
        self.forward.scratch_len() + self.forward.packed_len() + bias
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
        let forward = &self.forward;
        let (mut work, scratch) = self.work(scratch);
        work.bias.fill(0.0);
        work.filters.fill(0.0);
        for strip in forward.strips.iter() {
            let view = forward.strips.view(&strip, x, scratch);
            let end = strip.end * forward.columns;
            for first in (strip.start * forward.columns..end).step_by(CHUNK) {
                let tiles = CHUNK.min(end - first);
                for i in 0..tiles {
                    let tile = first + i;
                    let (row, column) = (tile / forward.columns, tile % forward.columns);
                    let inputs = &mut work.inputs;
                    forward.transform_input(s, view, row - strip.start, column, i, inputs);
                    self.transform_output(s, dy, row, column, i, &mut work);
                }
                self.products(s, tiles, &mut work);
            }
        }
        self.transform_filters(s, work.filters, dw, define);
        db.iter_mut().zip(work.bias).for_each(|(db, sum)| *db += *sum);
    }

    /// Cuts up the scratch memory; returns what is left for a strip.
    #[inline(always)]
    fn work<'a>(&self, scratch: &'a mut [f32]) -> (Work<'a>, &'a mut [f32]) {
        let forward = &self.forward;
        let output_stride = element_stride(CHUNK, forward.padded_target);
        let (inputs, scratch) = forward.transformed(forward.padded_source, scratch);
        let (outputs, scratch) = scratch.split_at_mut(ELEMENTS * output_stride);
        let (filters, scratch) = scratch.split_at_mut(forward.packed_len());
        let (bias, scratch) = scratch.split_at_mut(forward.padded_target);
        (Work { inputs, outputs, output_stride, filters, bias }, scratch)
    }

    /// `A dy A'` for all channels of one tile; its sum for the bias.
    #[inline(always)]
    fn transform_output<S: Simd>(
        &self,
        s: S,
        dy: &[f32],
        row: usize,
        column: usize,
        tile: usize,
        work: &mut Work<'_>,
    ) {
        let forward = &self.forward;
        let channels = forward.target_channels;
        let (row, column) = (row * OUT, column * OUT);
        let height = forward.target_height - row;
        let width = (forward.target_width - column).min(OUT);
        for o in (0..channels).step_by(S::LANES) {
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
            let sum = &mut work.bias[o..];
            s.store(sum, s.add(s.load(sum), d[1][1]));
            let block = o - o % block_width(S::LANES);
            let mut outputs = Transformed {
                data: &mut work.outputs[block * CHUNK..],
                stride: work.output_stride,
                channels: block_width(S::LANES).min(forward.padded_target - block),
            };
            outputs.store(s, tile, o - block, d);
        }
    }

    /// The 36 matrix products: `filters[element] += inputs[element]' * outputs[element]`.
    #[inline(always)]
    fn products<S: Simd>(&self, s: S, tiles: usize, work: &mut Work<'_>) {
        let (depth, padded) = (self.forward.source_channels, self.forward.padded_target);
        let blocks = work.filters.chunks_mut(ELEMENTS * depth * block_width(S::LANES));
        for (filters, first) in blocks.zip((0..).step_by(block_width(S::LANES))) {
            let width = block_width(S::LANES).min(padded - first);
            for (element, filters) in filters.chunks_exact_mut(depth * width).enumerate() {
                let at = element * work.output_stride + first * CHUNK;
                let outputs = &work.outputs[at..][..tiles * width];
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

    /// Adds `G' u G` to the filters' gradient. Where that is not finite an input or a gradient was
    /// not, which the tiles have mixed with others, or what was between them has overflowed.
    #[inline(always)]
    fn transform_filters<S: Simd>(
        &self,
        s: S,
        filters: &mut [f32],
        dw: &mut [f32],
        define: DefineFilters<'_>,
    ) {
        let Winograd { source_channels, target_channels, padded_target, target_height, .. } =
            self.forward;
        let rows = ELEMENTS * source_channels;
        for first in (0..padded_target).step_by(S::LANES) {
            let block = first - first % block_width(S::LANES);
            let width = block_width(S::LANES).min(padded_target - block);
            let filters = Transformed {
                data: &mut filters[rows * block..][..rows * width],
                stride: source_channels * width,
                channels: width,
            };
            let end = target_channels.min(first + S::LANES);
            for c in 0..source_channels {
                let g = gradients(s, filters.load(s, c, first - block));
                if !all_finite(s, g) {
                    define(0..target_height, [c..c + 1, first..end], dw);
                    continue;
                }
                for (tap, g) in g.as_flattened().iter().enumerate() {
                    let row = (tap * source_channels + c) * target_channels;
                    add_to(s, &mut dw[row + first..row + end], *g);
                }
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
