//! What is not zero of some rows of the output's gradient, one number behind the other.

use std::ops::Range;

use super::{load, load_u32};
use crate::simd::Simd;
use crate::{Conv2dShape, OutputGradient, Pool2dShape, Pooled};

/// Numbers that are not zero, and where each is.
pub(super) struct Found<'a> {
    /// Elements of the output, from the first of these rows on, as integers' bits.
    elements: &'a mut [f32],
    numbers: &'a mut [f32],
    len: usize,
}

impl<'a> Found<'a> {
    /// Numbers of room that some rows of the output need.
    pub(super) fn room(shape: &Conv2dShape, rows: usize) -> usize {
        // They are written a vector at a time.
        2 * (rows * shape.width.output * shape.out_channels + super::LANES)
    }

    /// Goes through some rows of the output. Windows of a pool must not overlap.
    #[inline(always)]
    pub(super) fn new<S: Simd>(
        s: S,
        shape: &Conv2dShape,
        dy: &OutputGradient<'_, f32>,
        rows: &Range<usize>,
        room: &'a mut [f32],
    ) -> Self {
        let (elements, numbers) = room.split_at_mut(room.len() / 2);
        let mut found = Self { elements, numbers, len: 0 };
        let row_len = shape.width.output * shape.out_channels;
        match dy {
            OutputGradient::Dense(dy) => {
                found.dense(s, &dy[rows.start * row_len..rows.end * row_len])
            }
            OutputGradient::Pooled(from) => {
                let windows = windows(from.pool, rows);
                let each = from.pool.width.output * shape.out_channels;
                let elements = [rows.start, rows.len()].map(|rows| rows * row_len);
                found.pooled(s, from, windows.start * each..windows.end * each, elements);
            }
        }
        found
    }

    #[inline(always)]
    fn dense<S: Simd>(&mut self, s: S, dy: &[f32]) {
        for first in (0..dy.len()).step_by(S::LANES) {
            let element = s.add_u32(s.splat_u32(first as u32), s.lane_numbers());
            self.push(s, load(s, &dy[first..]), element);
        }
    }

    /// Those of the pool's numbers that come from `count` elements of the output, from `start` on.
    #[inline(always)]
    fn pooled<S: Simd>(
        &mut self,
        s: S,
        from: &Pooled<'_, f32>,
        some: Range<usize>,
        [start, count]: [usize; 2],
    ) {
        let [y, dy] = [from.y, from.dy].map(|all| &all[some.clone()]);
        let argmax = &from.argmax[some];
        let [start, count] = [start, count].map(|n| s.splat_u32(n as u32));
        let (scale, zero) = (s.splat(from.scale), s.splat(0.0));
        for first in (0..dy.len()).step_by(S::LANES) {
            // What lies before the start is huge.
            let element = s.sub_u32(load_u32(s, &argmax[first..]), start);
            let number = s.mul(scale, load(s, &dy[first..]));
            let number = s.select(s.lt(zero, load(s, &y[first..])), number, zero);
            self.push(s, s.select(s.lt_u32(element, count), number, zero), element);
        }
    }

    /// Appends what is not zero.
    #[inline(always)]
    fn push<S: Simd>(&mut self, s: S, numbers: S::F32, elements: S::U32) {
        let bits = s.to_bits(numbers);
        let alive = s.lt_u32(s.splat_u32(0), s.and(bits, s.splat_u32(0x7FFF_FFFF)));
        s.compress(alive, bits, &mut self.numbers[self.len..]);
        self.len += s.compress(alive, elements, &mut self.elements[self.len..]);
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The elements and numbers from one on, a vector of each.
    #[inline(always)]
    pub(super) fn from<S: Simd>(&self, s: S, first: usize) -> (S::U32, S::F32) {
        (s.to_bits(s.load(&self.elements[first..])), s.load(&self.numbers[first..]))
    }
}

/// The rows of a pool whose windows touch some rows of its input.
fn windows(pool: &Pool2dShape, rows: &Range<usize>) -> Range<usize> {
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
    use crate::Axis;

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
