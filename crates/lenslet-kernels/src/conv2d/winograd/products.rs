//! The 36 matrix products of a chunk of tiles by the filters.

use std::ops::Range;

use super::zeros::{pitch, step_height};
use super::{BITS, ELEMENTS, Lists, Winograd, Work, block_width};
use crate::conv2d::tile::{Runs, even_listed_tile, even_tile, steps};
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
            let skipped = self.list_all(s, tiles, step_height::<S>(width), work);
            work.skipped += (skipped * ELEMENTS * width) as u64;
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

    /// Lists the channels of each step; returns how many of all tiles are not listed.
    #[inline(always)]
    fn list_all<S: Simd>(&self, s: S, tiles: usize, height: usize, work: &mut Work<'_>) -> usize {
        let mut skipped = 0;
        let (inputs, numbers) = (work.inputs, &work.numbers);
        let lists = work.lists.chunks_exact_mut(pitch(self.padded_source));
        for ((at, height), to) in steps(tiles, height).zip(lists) {
            skipped += self.list(
                s,
                at..tiles.min(at + height),
                #[inline(always)]
                |tile| &numbers[inputs.at(BITS, tile, 0)..],
                to,
            );
        }
        skipped
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
        let lists = Lists::new(work.lists, self.padded_source);
        let (inputs, outputs) = (work.inputs, work.outputs);
        for (i, (at, height)) in steps(tiles, P).enumerate() {
            let (numbers, listed) = (&mut *work.numbers, lists.of(i));
            let from = (inputs.at(element, at, 0), inputs.channels);
            let places = [from, (outputs.at(element, at, first), outputs.channels)];
            if height == P {
                self.some::<S, P, V>(s, numbers, places, listed, filters);
            } else {
                self.some::<S, 4, V>(s, numbers, places, listed, filters);
            }
        }
    }

    /// `P` tiles, those behind the last one too, from and to these places: where the first begins, and how
    /// far from one to the next.
    #[inline(always)]
    fn some<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        numbers: &mut [f32],
        [(from, apart), (to, to_apart)]: [(usize, usize); 2],
        listed: &[f32],
        filters: &[f32],
    ) {
        let (x, none) = (&numbers[from..], [[s.splat(0.0); V]; P]);
        let sums = if listed.len() == self.source_channels {
            let runs = Runs::new(&[0], self.source_channels, self.step);
            even_tile::<S, P, V>(s, x, apart, runs, filters, none)
        } else {
            even_listed_tile::<S, P, V>(s, x, apart, (listed, self.source_channels), filters, none)
        };
        let to = &mut numbers[to..][..(P - 1) * to_apart + V * S::LANES];
        for (p, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                let at = p * to_apart + v * S::LANES;
                // SAFETY: the last one is the last in `to`. As a tail, lest portable lanes are taken apart.
                unsafe { s.store_tail_ptr(to.as_mut_ptr().add(at), S::LANES, *sum) };
            }
        }
    }
}
