//! Channels that are zero in a whole step of tiles, and add nothing to its products.
//!
//! What comes from a rectifier is zero for many filters in large parts of an image, and so is its gradient:
//! in the second convolution of the tutorial, trained, a third of the channels of eight neighbouring
//! tiles. With each tile [`BITS`](super::BITS) are written; for each step the channels that have some are
//! listed.

use std::ops::Range;

use super::Winograd;
use crate::conv2d::correlation::block_width;
use crate::simd::Simd;

/// The most tiles of a step.
pub(super) const HIGHEST: usize = 8;

/// The channels of the steps that are not zero.
#[derive(Clone, Copy)]
pub(super) struct Lists<'a> {
    /// For each step room for all channels, then their number; as integers' bits.
    data: &'a [f32],
    channels: usize,
}

impl<'a> Lists<'a> {
    /// Of `data` that [`Winograd::list`] has filled, for so many channels in whole vectors.
    pub(super) fn new(data: &'a [f32], channels: usize) -> Self {
        Self { data, channels }
    }

    /// The channels of a step that are not zero in all its tiles, as integers' bits.
    #[inline(always)]
    pub(super) fn of(self, step: usize) -> &'a [f32] {
        let (channels, len) = self.data[step * pitch(self.channels)..].split_at(self.channels);
        &channels[..len[0].to_bits() as usize]
    }
}

/// From one step's list to the next, with so many channels in whole vectors.
pub(super) const fn pitch(channels: usize) -> usize {
    channels + 16
}

/// Room for the lists of so many tiles.
pub(super) const fn lists_len(tiles: usize, channels: usize) -> usize {
    tiles.div_ceil(4) * pitch(channels)
}

/// How many tiles are multiplied at once by blocks of so many channels.
pub(super) fn step_height<S: Simd>(width: usize) -> usize {
    if S::REGISTERS >= 32 || width < block_width(S::LANES) { 8 } else { 6 }
}

impl Winograd {
    /// Lists the channels of a step of some tiles, of which `bits(tile)` are [`BITS`](super::BITS); all of them where
    /// zeros are not to be skipped. Returns how many channels of all these tiles are not listed.
    #[inline(always)]
    pub(super) fn list<'t, S: Simd>(
        &self,
        s: S,
        tiles: Range<usize>,
        bits: impl Fn(usize) -> &'t [f32],
        to: &mut [f32],
    ) -> usize {
        let (height, mut len) = (tiles.len(), 0);
        if self.skipping {
            let mut some: [&[f32]; HIGHEST] = [&[]; HIGHEST];
            let some = &mut some[..tiles.len()];
            some.iter_mut().zip(tiles).for_each(
                #[inline(always)]
                |(some, tile)| *some = &bits(tile)[..self.padded_source],
            );
            for c in (0..self.padded_source).step_by(S::LANES) {
                let mut bits = s.splat_u32(0);
                for tile in &*some {
                    bits = s.or(bits, s.to_bits(s.load(&tile[c..])));
                }
                let alive = s.lt_u32(s.splat_u32(0), bits);
                let numbers = s.add_u32(s.lane_numbers(), s.splat_u32(c as u32));
                len += s.compress(alive, numbers, &mut to[len..]);
            }
        } else {
            len = self.source_channels;
        }
        to[self.padded_source] = f32::from_bits(len as u32);
        (self.source_channels - len) * height
    }
}
