//! Depthwise convolution, with vectors along the channels.
//!
//! Several filters a channel are rare: they go the reference's way.

use std::ops::Range;

use super::map::{load, store};
use crate::reference::depthwise as scalar;
use crate::simd::{Simd, dispatch};
use crate::{DepthwiseShape, Isa, Pool2dShape};

/// Output pixels that share a load of a filter.
const TILE: usize = 4;

/// `y = conv(x, w) + bias`.
pub(super) fn forward(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    check(shape, x, w, bias, y);
    if shape.multiplier != 1 {
        return scalar::forward(shape, x, w, bias, y);
    }
    dispatch!(isa, |s| forward_with(s, &shape.window, x, w, bias, y));
}

/// `dx` is overwritten.
pub(super) fn grad_input(isa: Isa, shape: &DepthwiseShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    check(shape, dx, w, &[], dy);
    if shape.multiplier != 1 {
        return scalar::grad_input(shape, dy, w, dx);
    }
    dx.fill(0.0);
    dispatch!(isa, |s| grad_input_with(s, &shape.window, dy, w, dx));
}

/// Adds to `dw` and `db`.
pub(super) fn grad_weights(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    check(shape, x, dw, db, dy);
    if shape.multiplier != 1 {
        return scalar::grad_weights(shape, x, dy, dw, db);
    }
    dispatch!(isa, |s| grad_weights_with(s, &shape.window, x, dy, dw, db));
}

fn check(shape: &DepthwiseShape, x: &[f32], w: &[f32], bias: &[f32], y: &[f32]) {
    assert_eq!((x.len(), y.len()), (shape.window.input_len(), shape.output_len()));
    assert_eq!(w.len(), shape.weights_len());
    assert!(bias.is_empty() || bias.len() == shape.out_channels());
}

/// One channel vector of one row of outputs.
struct Line<'a, S: Simd> {
    s: S,
    shape: &'a Pool2dShape,
    x: &'a [f32],
    w: &'a [f32],
    bias: S::F32,
    /// The row, its first channel, and how many there are.
    oh: usize,
    c: usize,
    n: usize,
}

impl<S: Simd> Line<'_, S> {
    /// `N` outputs from `ow` on, with these taps.
    #[inline(always)]
    fn outputs<const N: usize>(&self, ow: usize, taps: Range<usize>, y: &mut [f32]) {
        let (s, shape, c, n) = (self.s, self.shape, self.c, self.n);
        let (height, width, channels) = (&shape.height, &shape.width, shape.channels);
        let mut sums = [self.bias; N];
        for kh in height.taps(self.oh) {
            let ih = self.oh * height.stride + kh * height.dilation - height.pad_before;
            for kw in taps.clone() {
                let w = load(s, self.w, (kh * width.window + kw) * channels + c, n);
                for (i, sum) in sums.iter_mut().enumerate() {
                    let iw = (ow + i) * width.stride + kw * width.dilation - width.pad_before;
                    let x = load(s, self.x, (ih * width.input + iw) * channels + c, n);
                    *sum = s.mul_add(x, w, *sum);
                }
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            let at = (self.oh * width.output + ow + i) * channels + c;
            store(s, y, at, n, sum);
        }
    }
}

#[inline(always)]
fn forward_with<S: Simd>(
    s: S,
    shape: &Pool2dShape,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    let width = &shape.width;
    let whole = width.whole();
    for c in (0..shape.channels).step_by(S::LANES) {
        let n = S::LANES.min(shape.channels - c);
        let bias = if bias.is_empty() { s.splat(0.0) } else { load(s, bias, c, n) };
        for oh in 0..shape.height.output {
            let line = Line { s, shape, x, w, bias, oh, c, n };
            for ow in (0..whole.start).chain(whole.end..width.output) {
                line.outputs::<1>(ow, width.taps(ow), y);
            }
            let mut ow = whole.start;
            while ow + TILE <= whole.end {
                line.outputs::<TILE>(ow, 0..width.window, y);
                ow += TILE;
            }
            for ow in ow..whole.end {
                line.outputs::<1>(ow, 0..width.window, y);
            }
        }
    }
}

#[inline(always)]
fn grad_input_with<S: Simd>(s: S, shape: &Pool2dShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let (height, width, channels) = (&shape.height, &shape.width, shape.channels);
    for c in (0..channels).step_by(S::LANES) {
        let n = S::LANES.min(channels - c);
        for oh in 0..height.output {
            for kh in height.taps(oh) {
                let ih = oh * height.stride + kh * height.dilation - height.pad_before;
                for kw in 0..width.window {
                    let w = load(s, w, (kh * width.window + kw) * channels + c, n);
                    for ow in width.outputs(kw) {
                        let iw = ow * width.stride + kw * width.dilation - width.pad_before;
                        let to = (ih * width.input + iw) * channels + c;
                        let dy = load(s, dy, (oh * width.output + ow) * channels + c, n);
                        let sum = s.mul_add(dy, w, load(s, dx, to, n));
                        store(s, dx, to, n, sum);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn grad_weights_with<S: Simd>(
    s: S,
    shape: &Pool2dShape,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    let (height, width, channels) = (&shape.height, &shape.width, shape.channels);
    for c in (0..channels).step_by(S::LANES) {
        let n = S::LANES.min(channels - c);
        for kh in 0..height.window {
            for kw in 0..width.window {
                let mut sums = [s.splat(0.0); TILE];
                for oh in height.outputs(kh) {
                    let ih = oh * height.stride + kh * height.dilation - height.pad_before;
                    for ow in width.outputs(kw) {
                        let iw = ow * width.stride + kw * width.dilation - width.pad_before;
                        let x = load(s, x, (ih * width.input + iw) * channels + c, n);
                        let dy = load(s, dy, (oh * width.output + ow) * channels + c, n);
                        let sum = &mut sums[ow % TILE];
                        *sum = s.mul_add(x, dy, *sum);
                    }
                }
                let [a, b, c2, d] = sums;
                let sum = s.add(s.add(a, b), s.add(c2, d));
                let at = (kh * width.window + kw) * channels + c;
                let sum = s.add(sum, load(s, dw, at, n));
                store(s, dw, at, n, sum);
            }
        }
        if !db.is_empty() {
            let mut sum = load(s, db, c, n);
            for i in (c..dy.len()).step_by(channels) {
                sum = s.add(sum, load(s, dy, i, n));
            }
            store(s, db, c, n, sum);
        }
    }
}
