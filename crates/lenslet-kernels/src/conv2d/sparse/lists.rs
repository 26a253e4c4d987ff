//! Numbers that are not zero, listed by channel.

use std::ops::Range;

use super::{CHANNELS, LANES};
use crate::simd::Simd;

/// Numbers that are not zero, by channel.
pub(super) struct Lists<'a> {
    /// Of each channel, where in the strip, as an integer's bits...
    pub(super) places: &'a mut [f32],
    /// ...and the number.
    pub(super) numbers: &'a mut [f32],
    pub(super) lens: [u32; CHANNELS],
    /// From one channel to the next.
    pub(super) stride: usize,
}

/// The numbers of one channel.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    places: &'a [f32],
    numbers: &'a [f32],
}

impl<'a> List<'a> {
    #[inline(always)]
    pub(super) fn is_empty(self) -> bool {
        self.numbers.is_empty()
    }

    #[inline(always)]
    pub(super) fn each(self) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.places.iter().zip(self.numbers).map(
            #[inline(always)]
            |(place, &number)| (place.to_bits() as usize, number),
        )
    }
}

impl Lists<'_> {
    /// Appends to the lists of the channels from `first` on what is not zero of up to a vector of
    /// pixels, of which each comes with a number and a place for every channel.
    #[inline(always)]
    pub(super) fn push<S: Simd>(&mut self, s: S, channels: Range<usize>, pixels: &Pixels<S>) {
        // Now each vector has one channel's pixels.
        let numbers = s.transpose(pixels.numbers);
        let places = s.transpose(pixels.places);
        for (lane, channel) in channels.enumerate() {
            let alive = s.lt(s.splat(0.0), absolute(s, numbers[lane]));
            let len = self.lens[channel] as usize;
            let at = channel * self.stride + len;
            let [number, place] = [numbers[lane], places[lane]];
            s.store(&mut self.numbers[at..], compress(s, alive, number));
            s.store(&mut self.places[at..], compress(s, alive, place));
            self.lens[channel] += s.bits(alive).count_ones();
        }
    }

    #[inline(always)]
    pub(super) fn of(&self, channel: usize) -> List<'_> {
        let (start, len) = (channel * self.stride, self.lens[channel] as usize);
        List { places: &self.places[start..][..len], numbers: &self.numbers[start..][..len] }
    }
}

/// Up to a vector of pixels, each with a vector of channels.
pub(super) struct Pixels<S: Simd> {
    pub(super) numbers: [S::F32; LANES],
    /// As integers' bits.
    pub(super) places: [S::F32; LANES],
}

#[inline(always)]
fn compress<S: Simd>(s: S, mask: S::Mask, x: S::F32) -> S::F32 {
    s.from_bits(s.compress(mask, s.to_bits(x)))
}

#[inline(always)]
fn absolute<S: Simd>(s: S, x: S::F32) -> S::F32 {
    s.from_bits(s.and(s.to_bits(x), s.splat_u32(0x7FFF_FFFF)))
}
