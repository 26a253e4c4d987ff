//! Where the window of a number lies in a strip of the padded input.

use std::ops::Range;

use super::{Sparse, load, load_u32};
use crate::simd::Simd;
use crate::{Pool2dShape, Pooled};

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

/// Where the window of a pixel lies in a strip of the padded input.
pub(super) struct Places<'a> {
    sparse: &'a Sparse,
    /// The strip's rows of the output.
    rows: Range<usize>,
    /// Of the gradient at hand.
    width: usize,
    /// Elements of a row of the output, and of a pixel.
    row: Divisor,
    pixel: Divisor,
}

impl<'a> Places<'a> {
    #[inline(always)]
    pub(super) fn new(sparse: &'a Sparse, rows: &Range<usize>, width: usize) -> Self {
        let channels = sparse.shape.out_channels;
        let row = Divisor::new(sparse.shape.width.output * channels);
        Self { sparse, rows: rows.clone(), width, row, pixel: Divisor::new(channels) }
    }

    /// Up to a vector of numbers of one pixel of the output.
    #[inline(always)]
    pub(super) fn of<S: Simd>(
        &self,
        s: S,
        pixel: usize,
        channels: &Range<usize>,
        dy: &[f32],
    ) -> (S::F32, S::U32) {
        let at = pixel * self.sparse.shape.out_channels;
        let (row, column) = (pixel / self.width - self.rows.start, pixel % self.width);
        let place = row * self.sparse.row_step + column * self.sparse.pixel_step;
        let number = load(s, &dy[at + channels.start..at + channels.end]);
        (number, s.splat_u32(place as u32))
    }

    /// Up to a vector of numbers that come back from one pixel of a pool; zero where they do not, or
    /// go to another strip.
    #[inline(always)]
    pub(super) fn pooled<S: Simd>(
        &self,
        s: S,
        pixel: usize,
        channels: &Range<usize>,
        from: &Pooled<'_, f32>,
    ) -> (S::F32, S::U32) {
        let all = self.sparse.shape.out_channels;
        let row_len = self.sparse.shape.width.output * all;
        let at = pixel * all + channels.start..pixel * all + channels.end;
        let (y, dy) = (load(s, &from.y[at.clone()]), load(s, &from.dy[at.clone()]));
        let argmax = load_u32(s, &from.argmax[at]);
        // Of the first channel of the pixel, from the first row on; what lies before that is huge.
        let channel = s.add_u32(s.splat_u32(channels.start as u32), s.lane_numbers());
        let start = s.splat_u32((self.rows.start * row_len) as u32);
        let element = s.sub_u32(s.sub_u32(argmax, channel), start);
        let end = s.splat_u32((self.rows.len() * row_len) as u32);
        let row = self.row.of(s, element);
        let column = self.pixel.of(s, s.sub_u32(element, times(s, row, row_len)));
        let (row_step, pixel_step) = (self.sparse.row_step, self.sparse.pixel_step);
        let place = s.add_u32(times(s, row, row_step), times(s, column, pixel_step));
        let zero = s.splat(0.0);
        let number = s.mul(s.splat(from.scale), dy);
        let number = s.select(s.lt(zero, y), number, zero);
        (s.select(s.lt_u32(element, end), number, zero), place)
    }
}

#[inline(always)]
fn times<S: Simd>(s: S, a: S::U32, b: usize) -> S::U32 {
    s.mul_wide(a, s.splat_u32(b as u32)).0
}

/// The rows of a pool whose windows touch some rows of its input.
pub(super) fn windows(pool: &Pool2dShape, rows: &Range<usize>) -> Range<usize> {
    let axis = &pool.height;
    let span = (axis.window - 1) * axis.dilation + 1;
    // Window `o` reads from `o * stride - pad` on, `span` rows.
    let first = (rows.start + axis.pad_before + 1).saturating_sub(span).div_ceil(axis.stride);
    let end = (rows.end + axis.pad_before).div_ceil(axis.stride);
    first..end.min(axis.output).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::dispatch;
    use crate::{Axis, Isa};

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

    #[test]
    fn windows_of_some_rows() {
        for axis in [Axis::valid(9, 2, 2, 1), Axis::same(9, 2, 3, 2), Axis::same(8, 3, 3, 1)] {
            let axis = axis.unwrap();
            let pool = Pool2dShape { height: axis, width: axis, channels: 1 };
            for start in 0..axis.input {
                for end in start + 1..=axis.input {
                    let touched = |o: &usize| {
                        axis.taps(*o)
                            .any(|t| axis.at(*o, t).is_some_and(|i| (start..end).contains(&i)))
                    };
                    let got = windows(&pool, &(start..end));
                    for o in (0..axis.output).filter(touched) {
                        assert!(got.contains(&o), "{axis:?} {start}..{end}: {o} not in {got:?}");
                    }
                }
            }
        }
    }
}
