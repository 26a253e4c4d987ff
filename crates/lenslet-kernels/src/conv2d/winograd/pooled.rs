//! Max-pooling of outputs while they are in registers.

use std::ops::Range;

use super::{OUT, Winograd};
use crate::reference::Region;
use crate::simd::{LINE, Simd};
use crate::{Axis, Kernels, MaxPool, Pool2dShape, Reference};

/// Outputs of the pool along one axis of a tile.
const POOLED: usize = OUT / 2;

impl Winograd {
    /// Whether a pool's windows are quarters of tiles: 2x2, side by side, none of them cut.
    pub(in crate::conv2d) fn can_pool(&self, pool: &Pool2dShape) -> bool {
        let halves = |axis: &Axis, size: usize| {
            (axis.window, axis.stride, axis.dilation, axis.pad_before) == (2, 2, 1, 0)
                && axis.input == size
                && axis.output * 2 <= size
        };
        pool.channels == self.target_channels
            && halves(&pool.height, self.target_height)
            && halves(&pool.width, self.target_width)
    }
}

impl MaxPool<'_, f32> {
    /// The windows in some rows of the map.
    pub(super) fn rows(&mut self, region: &Region, map: &[f32]) {
        let [start, end] = [region.rows.start, region.rows.end].map(|row| row.div_ceil(2));
        let rows = start..end.min(self.shape.height.output);
        Reference::<f32>::default().max_pool_rows(self.shape, rows, map, self.y, self.argmax);
    }

    /// Asks for where the windows of some rows of tiles go.
    #[inline(always)]
    pub(super) fn ask_for<S: Simd>(&self, s: S, tiles: Range<usize>) {
        let Pool2dShape { height, width, channels } = *self.shape;
        let [start, end] = [tiles.start, tiles.end].map(|row| height.output.min(row * POOLED));
        let mut at = start * width.output * channels;
        while at < end * width.output * channels {
            s.prefetch_to_write(self.y.as_ptr().wrapping_add(at));
            at += LINE;
        }
    }

    /// The windows in a tile, for the channels from `o` on, up to a vector of them. All that the tile was
    /// made of is moderate, so a NaN can only be the bias's: then all outputs of its channel are NaN, and
    /// the first one stays.
    #[inline(always)]
    pub(super) fn tile<S: Simd>(
        &mut self,
        s: S,
        [row, column]: [usize; 2],
        o: usize,
        outputs: [[S::F32; OUT]; OUT],
    ) {
        let Pool2dShape { height, width, channels } = *self.shape;
        let (n, lanes) = (S::LANES.min(channels - o), s.lane_numbers());
        for y in 0..POOLED {
            for x in 0..POOLED {
                let (oy, ox) = (row * POOLED + y, column * POOLED + x);
                if oy >= height.output || ox >= width.output {
                    continue;
                }
                let first = (oy * 2 * width.input + ox * 2) * channels + o;
                let from = |y: usize, x: usize| (first + (y * width.input + x) * channels) as u32;
                let mut best = [(s.splat(0.0), s.splat_u32(0)); 2];
                for (r, best) in best.iter_mut().enumerate() {
                    let [a, b] = [0, 1].map(|c| outputs[y * 2 + r][x * 2 + c]);
                    let [i, j] = [s.splat_u32(from(r, 0)), s.splat_u32(from(r, 1))];
                    *best = larger(s, (a, i), (b, j));
                }
                let (largest, index) = larger(s, best[0], best[1]);
                let index = s.add_u32(index, lanes);
                let at = (oy * width.output + ox) * channels + o;
                let (to, argmax) = (&mut self.y[at..at + n], &mut self.argmax[at..at + n]);
                if n == S::LANES {
                    s.store(to, largest);
                    s.store_u32(argmax, index);
                } else {
                    s.store_tail(to, largest);
                    let mut all = [0; 16];
                    s.store_u32(&mut all, index);
                    argmax.copy_from_slice(&all[..n]);
                }
            }
        }
    }
}

/// The larger of two, with where it came from; of equals the first.
#[inline(always)]
fn larger<S: Simd>(s: S, (a, i): (S::F32, S::U32), (b, j): (S::F32, S::U32)) -> (S::F32, S::U32) {
    let second = s.lt(a, b);
    (s.select(second, b, a), s.select_u32(second, j, i))
}
