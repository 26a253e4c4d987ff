//! Transformed tiles in memory.

use super::transforms::{inputs, tile_of};
use super::{BITS, ELEMENTS, IN};
use crate::simd::Simd;

/// The transformed tiles of a chunk: element by element, in each `tiles x channels`. Those of inputs have
/// [`BITS`] behind the elements.
pub(in crate::conv2d) struct Transformed<'a> {
    pub(in crate::conv2d) data: &'a mut [f32],
    /// From one element to the next.
    pub(in crate::conv2d) stride: usize,
    /// From one tile to the next.
    pub(in crate::conv2d) channels: usize,
}

/// Where the transformed tiles of a chunk lie in memory.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) start: usize,
    /// From one element to the next.
    pub(super) stride: usize,
    /// From one tile to the next.
    pub(super) channels: usize,
}

impl Layout {
    #[inline(always)]
    pub(super) fn at(&self, element: usize, tile: usize, channel: usize) -> usize {
        self.start + element * self.stride + tile * self.channels + channel
    }
}

/// From one element of a chunk's tiles to the next: no multiple of a power of two, lest the 36
/// vectors of one tile share the same few sets of the cache.
pub(in crate::conv2d) const fn element_stride(tiles: usize, channels: usize) -> usize {
    (tiles * channels).next_multiple_of(16) + 16
}

impl Transformed<'_> {
    /// The same, to give away once more.
    #[inline(always)]
    pub(in crate::conv2d) fn again(&mut self) -> Transformed<'_> {
        Transformed { data: &mut *self.data, ..*self }
    }

    #[inline(always)]
    pub(in crate::conv2d) fn at(&self, element: usize, tile: usize, channel: usize) -> usize {
        element * self.stride + tile * self.channels + channel
    }

    /// Where the elements of a tile begin, for a vector of channels; there are `elements`.
    #[inline(always)]
    fn check<S: Simd>(&self, tile: usize, channel: usize, elements: usize) -> usize {
        let at = self.at(0, tile, channel);
        assert!(at + (elements - 1) * self.stride + S::LANES <= self.data.len());
        at
    }

    /// `B' d B` and [`BITS`] for a vector of channels of one tile, see [`inputs`].
    #[inline(always)]
    pub(in crate::conv2d) fn store_inputs<S: Simd>(
        &mut self,
        s: S,
        tile: usize,
        channel: usize,
        load: impl Fn(usize, usize) -> S::F32,
    ) {
        let at = self.check::<S>(tile, channel, BITS + 1);
        let bits = inputs(
            s,
            load,
            #[inline(always)]
            |y, row| {
                for (x, number) in row.into_iter().enumerate() {
                    let at = at + (y * IN + x) * self.stride;
                    // SAFETY: just checked for the last element.
                    unsafe { s.store_ptr(self.data.as_mut_ptr().add(at), number) };
                }
            },
        );
        let at = at + BITS * self.stride;
        // SAFETY: just checked.
        unsafe { s.store_ptr(self.data.as_mut_ptr().add(at), s.from_bits(bits)) };
    }

    /// Writes a vector of channels of one tile, without [`BITS`].
    #[inline(always)]
    pub(in crate::conv2d) fn store<S: Simd>(
        &mut self,
        s: S,
        tile: usize,
        channel: usize,
        from: [[S::F32; IN]; IN],
    ) {
        let at = self.check::<S>(tile, channel, ELEMENTS);
        for (element, x) in from.as_flattened().iter().enumerate() {
            // SAFETY: just checked for the last element.
            unsafe { s.store_ptr(self.data.as_mut_ptr().add(at + element * self.stride), *x) };
        }
    }
}

/// Transformed tiles, to read.
#[derive(Clone, Copy)]
pub(in crate::conv2d) struct Tiles<'a> {
    pub(in crate::conv2d) data: &'a [f32],
    /// From one element to the next.
    pub(in crate::conv2d) stride: usize,
    /// From one tile to the next.
    pub(in crate::conv2d) channels: usize,
}

impl Tiles<'_> {
    /// Reads a vector of channels of one tile.
    #[inline(always)]
    pub(in crate::conv2d) fn load<S: Simd>(
        &self,
        s: S,
        tile: usize,
        channel: usize,
    ) -> [[S::F32; IN]; IN] {
        let at = tile * self.channels + channel;
        assert!(at + (ELEMENTS - 1) * self.stride + S::LANES <= self.data.len());
        tile_of(
            s,
            #[inline(always)]
            |y, x| {
                // SAFETY: just checked for the last element.
                unsafe { s.load_ptr(self.data.as_ptr().add(at + (y * IN + x) * self.stride)) }
            },
        )
    }
}
