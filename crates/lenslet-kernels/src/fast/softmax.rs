//! Softmax of rows.

use super::exp::exp;
use super::map::map;
use crate::Isa;
use crate::simd::{Simd, dispatch};

/// Partial sums of a row: a fixed number, so that all instruction sets add in the same order.
const LANES: usize = 16;

/// Softmax of every row of `classes` values, in place.
pub(super) fn forward(isa: Isa, classes: usize, y: &mut [f32]) {
    dispatch!(isa, |s| forward_with(s, classes, y));
}

/// `dy = y * (dy - sum(y * dy))` for every row.
pub(super) fn backward(isa: Isa, classes: usize, y: &[f32], dy: &mut [f32]) {
    assert_eq!(y.len(), dy.len());
    assert_eq!(y.len() % classes, 0);
    dispatch!(isa, |_s| for (y, dy) in y.chunks_exact(classes).zip(dy.chunks_exact_mut(classes)) {
        let dot = sum(
            classes,
            #[inline(always)]
            |i| y[i] * dy[i],
        );
        for (dy, &y) in dy.iter_mut().zip(y) {
            *dy = y * (*dy - dot);
        }
    });
}

/// One row: `z` becomes `softmax(z)`; returns `-log(softmax(z)[label])`.
pub(super) fn cross_entropy(isa: Isa, z: &mut [f32], label: usize) -> f32 {
    let (max, logit) = (max(z), z[label]);
    let sum = dispatch!(isa, |s| exponentials(s, max, z));
    sum.ln() - (logit - max)
}

/// `dz = scale * (p - onehot(label))`.
pub(super) fn cross_entropy_backward(p: &[f32], label: usize, scale: f32, dz: &mut [f32]) {
    assert_eq!(p.len(), dz.len());
    dz.iter_mut().zip(p).for_each(|(dz, &p)| *dz = scale * p);
    dz[label] = scale * (p[label] - 1.0);
}

#[inline(always)]
fn forward_with<S: Simd>(s: S, classes: usize, y: &mut [f32]) {
    assert_eq!(y.len() % classes, 0);
    for row in y.chunks_exact_mut(classes) {
        let max = max(row);
        for y in row {
            *y -= max;
        }
    }
    // Over all rows at once: a row may be shorter than a vector.
    map(
        s,
        y,
        #[inline(always)]
        |y| exp(s, y),
    );
    for row in y.chunks_exact_mut(classes) {
        let sum = sum(
            classes,
            #[inline(always)]
            |i| row[i],
        );
        for y in row {
            *y /= sum;
        }
    }
}

/// `z` becomes `softmax(z)`; returns the sum of the exponentials.
#[inline(always)]
fn exponentials<S: Simd>(s: S, max: f32, z: &mut [f32]) -> f32 {
    map(
        s,
        z,
        #[inline(always)]
        |z| exp(s, s.sub(z, s.splat(max))),
    );
    let sum = sum(
        z.len(),
        #[inline(always)]
        |i| z[i],
    );
    for z in z {
        *z /= sum;
    }
    sum
}

/// The largest value that is a number.
#[inline(always)]
fn max(row: &[f32]) -> f32 {
    row.iter().fold(f32::NEG_INFINITY, |max, &y| if y > max { y } else { max })
}

/// `value(0) + ... + value(len - 1)`: lane `l` adds up every 16th from `l` on, then the lanes are
/// added in order.
#[inline(always)]
fn sum(len: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let whole = len / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += value(start + l);
        }
    }
    for (lane, i) in lanes.iter_mut().zip(whole..len) {
        *lane += value(i);
    }
    lanes.iter().sum()
}
