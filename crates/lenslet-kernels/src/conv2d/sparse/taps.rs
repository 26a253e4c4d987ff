//! The two loops over a list: every number times a window of the input, and times a filter.
//!
//! What all numbers of a list share stays in registers: as many rows of taps at once as they hold,
//! so that there is always enough work that does not wait for the number before.

use super::lists::List;
use crate::simd::Simd;

/// Rows of taps that go together where there are registers for them.
const ROWS: usize = 3;

/// Rows of taps: runs of elements in a strip of the input.
#[derive(Clone, Copy)]
pub(super) struct Taps {
    pub(super) rows: usize,
    /// Elements of a row.
    pub(super) run: usize,
    /// From one row to the next in a strip.
    pub(super) step: usize,
}

/// Rows and vectors that stay in registers, of those that are left, with one more for the listed
/// number.
macro_rules! in_registers {
    ($rows:expr, $left:expr, $one:ident $arguments:tt) => {
        match ($rows, $left) {
            (ROWS, 8..) => in_registers!(@ ROWS, 8, $one $arguments),
            (ROWS, 6..) => in_registers!(@ ROWS, 6, $one $arguments),
            (ROWS, 4..) => in_registers!(@ ROWS, 4, $one $arguments),
            (ROWS, 2..) => in_registers!(@ ROWS, 2, $one $arguments),
            (ROWS, _) => in_registers!(@ ROWS, 1, $one $arguments),
            (_, 12..) => in_registers!(@ 1, 12, $one $arguments),
            (_, 8..) => in_registers!(@ 1, 8, $one $arguments),
            (_, 4..) => in_registers!(@ 1, 4, $one $arguments),
            (_, 2..) => in_registers!(@ 1, 2, $one $arguments),
            _ => in_registers!(@ 1, 1, $one $arguments),
        }
    };
    (@ $rows:expr, $vectors:literal, $one:ident ($($argument:expr),*)) => {{
        $one::<S, $rows, $vectors>($($argument),*);
        $vectors
    }};
}

impl Taps {
    /// How many rows from `row` on go together.
    #[inline(always)]
    fn together<S: Simd>(self, row: usize) -> usize {
        if S::REGISTERS >= 32 && self.rows - row >= ROWS { ROWS } else { 1 }
    }

    /// `to[row][i] += sum over the list of number * x[at + row * step + i]`, for all rows of taps.
    #[inline(always)]
    pub(super) fn gather<S: Simd>(self, s: S, list: List<'_>, x: &[f32], to: &mut [f32]) {
        let mut row = if list.is_empty() { self.rows } else { 0 };
        while row < self.rows {
            let (rows, mut start) = (self.together::<S>(row), 0);
            let (x, to) = (&x[row * self.step..], &mut to[row * self.run..]);
            while self.run - start >= S::LANES {
                let left = (self.run - start) / S::LANES;
                let (x, to) = (&x[start..], &mut to[start..]);
                start += S::LANES * in_registers!(rows, left, gather_some(s, self, list, x, to));
            }
            for row in (0..rows).filter(|_| start < self.run) {
                let to = &mut to[row * self.run + start..(row + 1) * self.run];
                let mut sum = s.load_tail(to);
                for (at, number) in list.each() {
                    let x = &x[row * self.step + start + at..][..to.len()];
                    sum = s.mul_add(s.splat(number), s.load_tail(x), sum);
                }
                s.store_tail(to, sum);
            }
            row += rows;
        }
    }

    /// `to[at + row * step + i] += number * w[row][i]` for all of the list and all rows of taps.
    #[inline(always)]
    pub(super) fn scatter<S: Simd>(self, s: S, list: List<'_>, w: &[f32], to: &mut [f32]) {
        let mut row = if list.is_empty() { self.rows } else { 0 };
        while row < self.rows {
            let (rows, mut start) = (self.together::<S>(row), 0);
            let (w, to) = (&w[row * self.run..], &mut to[row * self.step..]);
            while self.run - start >= S::LANES {
                let left = (self.run - start) / S::LANES;
                let (w, to) = (&w[start..], &mut to[start..]);
                start += S::LANES * in_registers!(rows, left, scatter_some(s, self, list, w, to));
            }
            for row in (0..rows).filter(|_| start < self.run) {
                let w = &w[row * self.run + start..(row + 1) * self.run];
                let tail = s.load_tail(w);
                for (at, number) in list.each() {
                    let to = &mut to[row * self.step + start + at..][..w.len()];
                    let sum = s.mul_add(s.splat(number), tail, s.load_tail(to));
                    s.store_tail(to, sum);
                }
            }
            row += rows;
        }
    }
}

#[inline(always)]
fn gather_some<S: Simd, const R: usize, const V: usize>(
    s: S,
    taps: Taps,
    list: List<'_>,
    x: &[f32],
    to: &mut [f32],
) {
    let mut sums = [[s.splat(0.0); V]; R];
    for (r, sums) in sums.iter_mut().enumerate() {
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = s.load(&to[r * taps.run + v * S::LANES..]);
        }
    }
    for (at, number) in list.each() {
        let number = s.splat(number);
        let x = &x[at..][..(R - 1) * taps.step + V * S::LANES];
        for (r, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: `x` reaches to the last vector of the last row.
                let x = unsafe { s.load_ptr(x.as_ptr().add(r * taps.step + v * S::LANES)) };
                *sum = s.mul_add(number, x, *sum);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            s.store(&mut to[r * taps.run + v * S::LANES..], sum);
        }
    }
}

#[inline(always)]
fn scatter_some<S: Simd, const R: usize, const V: usize>(
    s: S,
    taps: Taps,
    list: List<'_>,
    w: &[f32],
    to: &mut [f32],
) {
    let mut weights = [[s.splat(0.0); V]; R];
    for (r, weights) in weights.iter_mut().enumerate() {
        for (v, weights) in weights.iter_mut().enumerate() {
            *weights = s.load(&w[r * taps.run + v * S::LANES..]);
        }
    }
    for (at, number) in list.each() {
        let number = s.splat(number);
        let to = &mut to[at..][..(R - 1) * taps.step + V * S::LANES];
        for (r, weights) in weights.iter().enumerate() {
            for (v, w) in weights.iter().enumerate() {
                // SAFETY: `to` reaches to the last vector of the last row.
                unsafe {
                    let to = to.as_mut_ptr().add(r * taps.step + v * S::LANES);
                    s.store_ptr(to, s.mul_add(number, *w, s.load_ptr(to)));
                }
            }
        }
    }
}
