//! What normalisation does channel by channel, with vectors along the channels.
//!
//! A vector of channels stays in registers while all pixels pass. Sums run in four chains, pixel
//! by pixel in turn, that are added up in the end: they hide the additions' latency, and round less.

use super::map::{load, store};
use crate::Isa;
use crate::simd::{Simd, dispatch};

/// Chains of each sum.
const CHAINS: usize = 4;

/// Mean, and sum of the squared distances from it.
pub(super) fn moments(isa: Isa, x: &[f32], mean: &mut [f32], m2: &mut [f32]) {
    assert!(mean.len() == m2.len() && x.len().is_multiple_of(mean.len()));
    dispatch!(isa, |s| moments_with(s, x, mean, m2));
}

/// `y = x * scale + shift`; an empty `x` is `y` itself.
pub(super) fn scale_shift(isa: Isa, scale: &[f32], shift: &[f32], x: &[f32], y: &mut [f32]) {
    assert!(scale.len() == shift.len() && y.len().is_multiple_of(scale.len()));
    assert!(x.is_empty() || x.len() == y.len());
    dispatch!(isa, |s| scale_shift_with(s, scale, shift, x, y));
}

/// Sums of `dy` and of `dy * (x - mean)`.
pub(super) fn sums(
    isa: Isa,
    mean: &[f32],
    x: &[f32],
    dy: &[f32],
    sum: &mut [f32],
    sum_x: &mut [f32],
) {
    assert!(x.len() == dy.len() && x.len().is_multiple_of(mean.len()));
    assert_eq!([sum.len(), sum_x.len()], [mean.len(); 2]);
    dispatch!(isa, |s| sums_with(s, mean, x, dy, sum, sum_x));
}

/// `dx = a * dy + b * (x - mean) + c`.
pub(super) fn normalize_backward(
    isa: Isa,
    mean: &[f32],
    factors: [&[f32]; 3],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) {
    assert!(x.len().is_multiple_of(mean.len()));
    assert_eq!([dy.len(), dx.len()], [x.len(); 2]);
    dispatch!(isa, |s| normalize_backward_with(s, mean, factors, x, dy, dx));
}

/// Adds `N` vectors up over all pixels; `at(i)` gives them for the pixel whose channels begin at
/// element `i`.
#[inline(always)]
fn total<S: Simd, const N: usize>(
    s: S,
    pixels: usize,
    stride: usize,
    at: impl Fn(usize) -> [S::F32; N],
) -> [S::F32; N] {
    let mut chains = [[s.splat(0.0); N]; CHAINS];
    let whole = pixels / CHAINS * CHAINS;
    for pixel in (0..whole).step_by(CHAINS) {
        for (k, chain) in chains.iter_mut().enumerate() {
            let x = at((pixel + k) * stride);
            for (sum, x) in chain.iter_mut().zip(x) {
                *sum = s.add(*sum, x);
            }
        }
    }
    for pixel in whole..pixels {
        let x = at(pixel * stride);
        for (sum, x) in chains[0].iter_mut().zip(x) {
            *sum = s.add(*sum, x);
        }
    }
    let [a, b, c, d] = chains;
    std::array::from_fn(|i| s.add(s.add(a[i], b[i]), s.add(c[i], d[i])))
}

#[inline(always)]
fn moments_with<S: Simd>(s: S, x: &[f32], mean: &mut [f32], m2: &mut [f32]) {
    let channels = mean.len();
    let pixels = x.len() / channels;
    let one_over = s.splat(1.0 / pixels as f32);
    for c in (0..channels).step_by(S::LANES) {
        let n = S::LANES.min(channels - c);
        let [sum] = total(
            s,
            pixels,
            channels,
            #[inline(always)]
            |i| [load(s, x, i + c, n)],
        );
        let middle = s.mul(sum, one_over);
        let [squares] = total(
            s,
            pixels,
            channels,
            #[inline(always)]
            |i| {
                let off = s.sub(load(s, x, i + c, n), middle);
                [s.mul(off, off)]
            },
        );
        store(s, mean, c, n, middle);
        store(s, m2, c, n, squares);
    }
}

#[inline(always)]
fn sums_with<S: Simd>(
    s: S,
    mean: &[f32],
    x: &[f32],
    dy: &[f32],
    sum: &mut [f32],
    sum_x: &mut [f32],
) {
    let channels = mean.len();
    for c in (0..channels).step_by(S::LANES) {
        let n = S::LANES.min(channels - c);
        let middle = load(s, mean, c, n);
        let [a, b] = total(
            s,
            x.len() / channels,
            channels,
            #[inline(always)]
            |i| {
                let dy = load(s, dy, i + c, n);
                [dy, s.mul(dy, s.sub(load(s, x, i + c, n), middle))]
            },
        );
        store(s, sum, c, n, a);
        store(s, sum_x, c, n, b);
    }
}

#[inline(always)]
fn scale_shift_with<S: Simd>(s: S, scale: &[f32], shift: &[f32], x: &[f32], y: &mut [f32]) {
    let channels = scale.len();
    for c in (0..channels).step_by(S::LANES) {
        let n = S::LANES.min(channels - c);
        let (a, b) = (load(s, scale, c, n), load(s, shift, c, n));
        for i in (c..y.len()).step_by(channels) {
            let x = if x.is_empty() { load(s, y, i, n) } else { load(s, x, i, n) };
            store(s, y, i, n, s.mul_add(x, a, b));
        }
    }
}

#[inline(always)]
fn normalize_backward_with<S: Simd>(
    s: S,
    mean: &[f32],
    [a, b, c]: [&[f32]; 3],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) {
    let channels = mean.len();
    for first in (0..channels).step_by(S::LANES) {
        let n = S::LANES.min(channels - first);
        let [mean, a, b, c] = [mean, a, b, c].map(
            #[inline(always)]
            |of| load(s, of, first, n),
        );
        for i in (first..x.len()).step_by(channels) {
            let off = s.sub(load(s, x, i, n), mean);
            let sum = s.mul_add(off, b, s.mul_add(load(s, dy, i, n), a, c));
            store(s, dx, i, n, sum);
        }
    }
}
