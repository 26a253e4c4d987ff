//! Pooling over sliding windows, with vectors along the channels.
//!
//! A vector of channels of one output pixel stays in registers while its window passes. Windows
//! that hold nothing yield 0, as in the reference.

use std::ops::Range;

use super::map::{each_vector, load, store};
use crate::simd::{Simd, dispatch};
use crate::{Isa, Pool2dShape};

/// The largest value of each window of some rows, and its flat index in `x`.
pub(super) fn max_forward(
    isa: Isa,
    shape: &Pool2dShape,
    rows: Range<usize>,
    x: &[f32],
    y: &mut [f32],
    argmax: &mut [u32],
) {
    assert_eq!((x.len(), y.len()), (shape.input_len(), shape.output_len()));
    assert_eq!(argmax.len(), y.len());
    dispatch!(isa, |s| max_with(s, shape, rows, x, y, argmax));
}

/// The mean of each window's inputs.
pub(super) fn average_forward(isa: Isa, shape: &Pool2dShape, x: &[f32], y: &mut [f32]) {
    // Nothing divided by one is nothing.
    dispatch!(isa, |s| gather(
        s,
        shape,
        x,
        y,
        #[inline(always)]
        |window| window.len().max(1) as f32
    ));
}

/// Every input of a window receives the same share of the gradient.
pub(super) fn average_backward(isa: Isa, shape: &Pool2dShape, dy: &[f32], dx: &mut [f32]) {
    dispatch!(isa, |s| spread(
        s,
        shape,
        dy,
        dx,
        #[inline(always)]
        |window| window.len() as f32
    ));
}

/// The sum of each window's inputs.
pub(super) fn sum_forward(isa: Isa, shape: &Pool2dShape, x: &[f32], y: &mut [f32]) {
    dispatch!(isa, |s| gather(
        s,
        shape,
        x,
        y,
        #[inline(always)]
        |_| 1.0
    ));
}

/// Every input of a window receives the gradient.
pub(super) fn sum_backward(isa: Isa, shape: &Pool2dShape, dy: &[f32], dx: &mut [f32]) {
    dispatch!(isa, |s| spread(
        s,
        shape,
        dy,
        dx,
        #[inline(always)]
        |_| 1.0
    ));
}

/// The gradient goes to the input that won. There are no vectors in this: every output writes
/// where it likes.
pub(super) fn max_backward(dy: &[f32], argmax: &[u32], dx: &mut [f32]) {
    assert_eq!(dy.len(), argmax.len());
    dx.fill(0.0);
    for (&dy, &i) in dy.iter().zip(argmax) {
        if i != u32::MAX {
            dx[i as usize] += dy;
        }
    }
}

/// The inputs in the window of one output: flat indices of their first channels are
/// `first + r * row_step + c * column_step`.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl Window {
    /// Calls `visit` with the flat index of the first channel of every input pixel, in order.
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(usize)) {
        if (self.rows, self.columns) == (2, 2) {
            // By far the most common window: without loops it stays in registers.
            visit(self.first);
            visit(self.first + self.column_step);
            visit(self.first + self.row_step);
            visit(self.first + self.row_step + self.column_step);
            return;
        }
        for row in 0..self.rows {
            let first = self.first + row * self.row_step;
            for column in 0..self.columns {
                visit(first + column * self.column_step);
            }
        }
    }

    fn len(&self) -> usize {
        self.rows * self.columns
    }
}

/// Calls `visit(y, window)` for every output pixel of some rows, `y` being the flat index of its first channel.
#[inline(always)]
fn each_window(shape: &Pool2dShape, rows: Range<usize>, mut visit: impl FnMut(usize, Window)) {
    let Pool2dShape { height, width, channels } = *shape;
    let whole = width.whole() == (0..width.output);
    for oy in rows {
        let rows = height.taps(oy);
        let first_row = height.at(oy, rows.start).unwrap_or(0);
        let mut window = Window {
            first: first_row * width.input * channels,
            rows: rows.len(),
            columns: width.window,
            row_step: height.dilation * width.input * channels,
            column_step: width.dilation * channels,
        };
        for ox in 0..width.output {
            let y = (oy * width.output + ox) * channels;
            if whole {
                visit(y, window);
                window.first += width.stride * channels;
            } else {
                let columns = width.taps(ox);
                let first_column = width.at(ox, columns.start).unwrap_or(0);
                let first = (first_row * width.input + first_column) * channels;
                visit(y, Window { first, columns: columns.len(), ..window });
            }
        }
    }
}

#[inline(always)]
fn max_with<S: Simd>(
    s: S,
    shape: &Pool2dShape,
    rows: Range<usize>,
    x: &[f32],
    y: &mut [f32],
    argmax: &mut [u32],
) {
    let channels = shape.channels;
    each_window(
        shape,
        rows,
        #[inline(always)]
        |o, window| {
            if window.len() == 0 {
                y[o..o + channels].fill(0.0);
                argmax[o..o + channels].fill(u32::MAX);
                return;
            }
            each_vector(
                s,
                channels,
                #[inline(always)]
                |c, n| {
                    let (largest, index) = max_block(s, x, window, c, n);
                    store(s, y, o + c, n, largest);
                    if n == S::LANES {
                        s.store_u32(&mut argmax[o + c..], index);
                    } else {
                        let mut lanes = [0; 16];
                        s.store_u32(&mut lanes, index);
                        argmax[o + c..o + c + n].copy_from_slice(&lanes[..n]);
                    }
                },
            );
        },
    );
}

/// The largest values of channels `c..c + n` in a window, and the flat index that each came from. The
/// first of equals stays, and so does the first NaN.
#[inline(always)]
fn max_block<S: Simd>(s: S, x: &[f32], window: Window, c: usize, n: usize) -> (S::F32, S::U32) {
    let end = window.first
        + (window.rows - 1) * window.row_step
        + (window.columns - 1) * window.column_step
        + c
        + n;
    assert!(end <= x.len(), "a window ends outside");
    // SAFETY: the last pixel of the window was just checked.
    let mut largest = unsafe { load_block(s, x.as_ptr().add(window.first + c), n) };
    let lanes = s.lane_numbers();
    let mut index = s.add_u32(s.splat_u32((window.first + c) as u32), lanes);
    window.each(
        #[inline(always)]
        |i| {
            // SAFETY: as above.
            let x = unsafe { load_block(s, x.as_ptr().add(i + c), n) };
            let here = s.add_u32(s.splat_u32((i + c) as u32), lanes);
            // Neither comparison is true for NaN: a NaN in `x` is taken, one in `largest` is kept.
            let (keep, number) = (s.le(x, largest), s.eq(largest, largest));
            index = s.select_u32(number, s.select_u32(keep, index, here), index);
            largest = s.select(number, s.select(keep, largest, x), largest);
        },
    );
    (largest, index)
}

/// `n` numbers from `p` on, at most a vector.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn load_block<S: Simd>(s: S, p: *const f32, n: usize) -> S::F32 {
    // SAFETY: the caller's promise.
    unsafe { if n == S::LANES { s.load_ptr(p) } else { s.load_tail_ptr(p, n) } }
}

/// The sum of every window over its `divisor`.
#[inline(always)]
fn gather<S: Simd>(
    s: S,
    shape: &Pool2dShape,
    x: &[f32],
    y: &mut [f32],
    divisor: impl Fn(Window) -> f32,
) {
    assert_eq!((x.len(), y.len()), (shape.input_len(), shape.output_len()));
    each_window(
        shape,
        0..shape.height.output,
        #[inline(always)]
        |o, window| {
            let divisor = s.splat(divisor(window));
            each_vector(
                s,
                shape.channels,
                #[inline(always)]
                |c, n| {
                    let mut sum = s.splat(0.0);
                    window.each(
                        #[inline(always)]
                        |i| sum = s.add(sum, load(s, x, i + c, n)),
                    );
                    store(s, y, o + c, n, s.div(sum, divisor));
                },
            );
        },
    );
}

/// Adds every gradient, over `divisor` of its window, to all inputs of the window.
#[inline(always)]
fn spread<S: Simd>(
    s: S,
    shape: &Pool2dShape,
    dy: &[f32],
    dx: &mut [f32],
    divisor: impl Fn(Window) -> f32,
) {
    assert_eq!((dx.len(), dy.len()), (shape.input_len(), shape.output_len()));
    dx.fill(0.0);
    each_window(
        shape,
        0..shape.height.output,
        #[inline(always)]
        |o, window| {
            let divisor = s.splat(divisor(window));
            each_vector(
                s,
                shape.channels,
                #[inline(always)]
                |c, n| {
                    let share = s.div(load(s, dy, o + c, n), divisor);
                    window.each(
                        #[inline(always)]
                        |i| {
                            let sum = s.add(load(s, dx, i + c, n), share);
                            store(s, dx, i + c, n, sum);
                        },
                    );
                },
            );
        },
    );
}
