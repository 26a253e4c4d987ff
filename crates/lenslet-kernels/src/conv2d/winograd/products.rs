//! The 36 matrix products of a chunk of tiles by the filters.

use std::ops::Range;

use super::{ELEMENTS, Winograd, Work, block_width};
use crate::conv2d::tile::{Runs, tile, tile_height};
use crate::simd::Simd;

impl Winograd {
    /// The 36 matrix products: `outputs[element] = inputs[element] * filters[element]`.
    #[inline(always)]
    pub(super) fn products<S: Simd>(
        &self,
        s: S,
        tiles: usize,
        blocks: &Range<usize>,
        packed: &[f32],
        work: &mut Work<'_>,
    ) {
        let rows = ELEMENTS * self.source_channels;
        for first in blocks.clone().map(|block| block * block_width(S::LANES)) {
            let width = block_width(S::LANES).min(self.padded_target - first);
            let packed = &packed[rows * first..][..rows * width];
            let filters = packed.chunks_exact(self.source_channels * width);
            for (element, filters) in filters.enumerate() {
                match (width == S::LANES, S::REGISTERS) {
                    (true, _) => {
                        self.product::<S, 8, 1>(s, element, tiles, first, filters, work);
                    }
                    (_, 32..) => {
                        self.product::<S, 8, 2>(s, element, tiles, first, filters, work);
                    }
                    _ => {
                        self.product::<S, 6, 2>(s, element, tiles, first, filters, work);
                    }
                }
            }
        }
    }

    /// One element of `V` vectors of output channels.
    #[inline(always)]
    fn product<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        element: usize,
        tiles: usize,
        first: usize,
        filters: &[f32],
        work: &mut Work<'_>,
    ) {
        let mut at = 0;
        while at < tiles {
            if tile_height(tiles - at, P) == P {
                self.some::<S, P, V>(s, element, at..tiles, first, filters, work);
                at += P;
            } else {
                self.some::<S, 4, V>(s, element, at..tiles, first, filters, work);
                at += 4;
            }
        }
    }

    /// The first `P` of some tiles.
    #[inline(always)]
    fn some<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        element: usize,
        tiles: Range<usize>,
        first: usize,
        filters: &[f32],
        work: &mut Work<'_>,
    ) {
        // Behind the last tile the last one is computed again.
        let last = tiles.end - 1;
        let mut x: [&[f32]; P] = [&[]; P];
        for (p, x) in x.iter_mut().enumerate() {
            *x = &work.numbers[work.inputs.at(element, (tiles.start + p).min(last), 0)..];
        }
        let runs = Runs::new(&[0], self.source_channels, self.step);
        let sums = tile::<S, P, V>(s, x, runs, filters, [[s.splat(0.0); V]; P]);
        for (p, sums) in sums.iter().enumerate() {
            let at = work.outputs.at(element, (tiles.start + p).min(last), first);
            let to = &mut work.numbers[at..][..V * S::LANES];
            for (v, sum) in sums.iter().enumerate() {
                s.store(&mut to[v * S::LANES..], *sum);
            }
        }
    }
}
