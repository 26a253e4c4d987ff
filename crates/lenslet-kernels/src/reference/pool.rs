//! Pooling over sliding windows. Only taps inside the input count. A window that holds none (a
//! dilated one can) yields 0 and passes no gradient back; its `argmax` is `u32::MAX`.

use std::ops::Range;

use crate::{Pool2dShape, Real};

/// Calls `visit(output, input)` with flat indices for every tap inside the input: outputs in
/// ascending order, and for each its inputs in ascending order.
fn each_tap(shape: &Pool2dShape, visit: impl FnMut(usize, usize)) {
    each_tap_of(shape, 0..shape.height.output, visit);
}

/// The same for some rows of the output.
fn each_tap_of(shape: &Pool2dShape, rows: Range<usize>, mut visit: impl FnMut(usize, usize)) {
    let Pool2dShape { height, width, channels } = *shape;
    for oy in rows {
        for ox in 0..width.output {
            for c in 0..channels {
                for ty in 0..height.window {
                    for tx in 0..width.window {
                        if let (Some(iy), Some(ix)) = (height.at(oy, ty), width.at(ox, tx)) {
                            let output = (oy * width.output + ox) * channels + c;
                            visit(output, (iy * width.input + ix) * channels + c);
                        }
                    }
                }
            }
        }
    }
}

/// Whether `challenger` takes the place of the largest value so far: the first of equals stays,
/// and so does the first NaN.
pub(super) fn beats<R: Real>(challenger: R, largest: R) -> bool {
    challenger > largest || (challenger.is_nan() && !largest.is_nan())
}

/// The largest value of each window of some rows and its flat index in `x`.
pub(super) fn max_forward<R: Real>(
    shape: &Pool2dShape,
    rows: Range<usize>,
    x: &[R],
    y: &mut [R],
    argmax: &mut [u32],
) {
    assert_eq!((x.len(), y.len()), (shape.input_len(), shape.output_len()));
    assert_eq!(argmax.len(), y.len());
    let row = shape.width.output * shape.channels;
    y[rows.start * row..rows.end * row].fill(R::ZERO);
    argmax[rows.start * row..rows.end * row].fill(u32::MAX);
    each_tap_of(shape, rows, |o, i| {
        if argmax[o] == u32::MAX || beats(x[i], y[o]) {
            (y[o], argmax[o]) = (x[i], i as u32);
        }
    });
}

/// The gradient goes to the input that won.
pub(super) fn max_backward<R: Real>(dy: &[R], argmax: &[u32], dx: &mut [R]) {
    assert_eq!(dy.len(), argmax.len());
    dx.fill(R::ZERO);
    for (&dy, &i) in dy.iter().zip(argmax) {
        if i != u32::MAX {
            dx[i as usize] += dy;
        }
    }
}

/// The mean of each window's inputs.
pub(super) fn average_forward<R: Real>(shape: &Pool2dShape, x: &[R], y: &mut [R]) {
    sum_forward(shape, x, y);
    each_count(shape, |o, count| y[o] = y[o] / count);
}

/// Every input of a window receives the same share of the gradient.
pub(super) fn average_backward<R: Real>(shape: &Pool2dShape, dy: &[R], dx: &mut [R]) {
    assert_eq!((dx.len(), dy.len()), (shape.input_len(), shape.output_len()));
    dx.fill(R::ZERO);
    let Pool2dShape { height, width, channels } = *shape;
    each_tap(shape, |o, i| {
        let (oy, ox) = (o / channels / width.output, o / channels % width.output);
        let count = height.taps(oy).len() * width.taps(ox).len();
        dx[i] += dy[o] / R::from_f64(count as f64);
    });
}

/// The sum of each window's inputs.
pub(super) fn sum_forward<R: Real>(shape: &Pool2dShape, x: &[R], y: &mut [R]) {
    assert_eq!((x.len(), y.len()), (shape.input_len(), shape.output_len()));
    y.fill(R::ZERO);
    each_tap(shape, |o, i| y[o] += x[i]);
}

/// Every input of a window receives the gradient.
pub(super) fn sum_backward<R: Real>(shape: &Pool2dShape, dy: &[R], dx: &mut [R]) {
    assert_eq!((dx.len(), dy.len()), (shape.input_len(), shape.output_len()));
    dx.fill(R::ZERO);
    each_tap(shape, |o, i| dx[i] += dy[o]);
}

/// Calls `visit(output, inputs in its window)` for every output whose window holds some.
fn each_count<R: Real>(shape: &Pool2dShape, mut visit: impl FnMut(usize, R)) {
    let Pool2dShape { height, width, channels } = *shape;
    for oy in 0..height.output {
        for ox in 0..width.output {
            let count = height.taps(oy).len() * width.taps(ox).len();
            for c in (0..channels).filter(|_| count > 0) {
                visit((oy * width.output + ox) * channels + c, R::from_f64(count as f64));
            }
        }
    }
}
