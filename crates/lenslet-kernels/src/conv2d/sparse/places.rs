//! Where the window of a number lies in a strip of the padded input.

use super::found::Found;
use super::{LANES, Sparse};
use crate::simd::Simd;

/// Division of vectors by a constant as a multiplication: exact while `n * divisor < 2^32`.
#[derive(Clone, Copy)]
struct Divisor(u32);

impl Divisor {
    fn new(divisor: usize) -> Self {
        // For 1 the multiplier would be 2^32: the largest one stands for that.
        Self(u32::try_from((1u64 << 32).div_ceil(divisor as u64)).unwrap_or(u32::MAX))
    }

    #[inline(always)]
    fn of<S: Simd>(self, s: S, n: S::U32) -> S::U32 {
        if self.0 == u32::MAX { n } else { s.mul_wide(n, s.splat_u32(self.0)).1 }
    }
}

/// Where the window of an element of the output lies in a strip of the padded input.
pub(super) struct Places {
    channels: usize,
    by_channels: Divisor,
    by_width: Divisor,
    /// Elements of the strip from one pixel to the next, and beyond that from the last pixel of a row
    /// to the next row.
    pixel_step: u32,
    row_step: u32,
}

/// A number of the output's gradient.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// From the strip's first one on.
    pub(super) pixel: usize,
    pub(super) channel: usize,
    /// Where its window begins.
    pub(super) start: u32,
}

impl Places {
    pub(super) fn new(sparse: &Sparse) -> Self {
        let (channels, width) = (sparse.shape.out_channels, sparse.shape.width.output);
        let pixel_step = sparse.pixel_step as u32;
        // Modulo 2^32, as all that is counted here.
        let row_step = (sparse.row_step as u32).wrapping_sub(pixel_step.wrapping_mul(width as u32));
        let (by_channels, by_width) = (Divisor::new(channels), Divisor::new(width));
        Self { channels, by_channels, by_width, pixel_step, row_step }
    }

    /// Calls `f` with the place of each number that was found, and the number.
    #[inline(always)]
    pub(super) fn each<S: Simd>(&self, s: S, found: &Found<'_>, mut f: impl FnMut(Place, f32)) {
        for first in (0..found.len()).step_by(S::LANES) {
            let (element, number) = found.from(s, first);
            let pixel = self.by_channels.of(s, element);
            let channel = s.sub_u32(element, times(s, pixel, self.channels as u32));
            let row = self.by_width.of(s, pixel);
            let start = s.add_u32(times(s, row, self.row_step), times(s, pixel, self.pixel_step));
            let (mut pixels, mut channels, mut starts) = ([0; LANES], [0; LANES], [0; LANES]);
            let mut numbers = [0.0; LANES];
            s.store_u32(&mut pixels, pixel);
            s.store_u32(&mut channels, channel);
            s.store_u32(&mut starts, start);
            s.store(&mut numbers, number);
            for i in 0..S::LANES.min(found.len() - first) {
                let (pixel, channel) = (pixels[i] as usize, channels[i] as usize);
                f(Place { pixel, channel, start: starts[i] }, numbers[i]);
            }
        }
    }
}

#[inline(always)]
fn times<S: Simd>(s: S, a: S::U32, b: u32) -> S::U32 {
    s.mul_wide(a, s.splat_u32(b)).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::simd::dispatch;

    #[test]
    fn a_multiplication_divides() {
        for divisor in [1, 2, 3, 7, 32, 100, 1024, 8191, 70_000] {
            let most = (1usize << 32).div_ceil(divisor) - 1;
            let cases = [0, 1, divisor - 1, divisor, divisor * 9 - 1, divisor * 9, most - 1, most];
            for n in cases.into_iter().filter(|&n| n <= most) {
                let mut got = [0; 16];
                dispatch!(Isa::detect(), |s| {
                    let by = Divisor::new(divisor).of(s, s.splat_u32(n as u32));
                    s.store_u32(&mut got, by);
                    assert_eq!(got[0], (n / divisor) as u32, "{n} / {divisor}");
                });
            }
        }
    }
}
