//! Rectifier with learnt slopes, with vectors along these.

use super::map::{load, store};
use crate::Isa;
use crate::simd::{Simd, dispatch};

/// `x` above zero, `alpha * x` below.
pub(super) fn forward(isa: Isa, alpha: &[f32], x: &[f32], y: &mut [f32]) {
    assert!(x.len() == y.len() && x.len().is_multiple_of(alpha.len()));
    dispatch!(isa, |s| forward_with(s, alpha, x, y));
}

/// `dx` is overwritten; adds to `dalpha`.
pub(super) fn backward(
    isa: Isa,
    alpha: &[f32],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    dalpha: &mut [f32],
) {
    assert!(x.len().is_multiple_of(alpha.len()));
    assert_eq!([dy.len(), dx.len(), dalpha.len()], [x.len(), x.len(), alpha.len()]);
    dispatch!(isa, |s| backward_with(s, alpha, x, dy, dx, dalpha));
}

#[inline(always)]
fn forward_with<S: Simd>(s: S, alpha: &[f32], x: &[f32], y: &mut [f32]) {
    let zero = s.splat(0.0);
    for k in (0..alpha.len()).step_by(S::LANES) {
        let n = S::LANES.min(alpha.len() - k);
        let slope = load(s, alpha, k, n);
        for i in (k..x.len()).step_by(alpha.len()) {
            let x = load(s, x, i, n);
            store(s, y, i, n, s.select(s.lt(zero, x), x, s.mul(slope, x)));
        }
    }
}

#[inline(always)]
fn backward_with<S: Simd>(
    s: S,
    alpha: &[f32],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    dalpha: &mut [f32],
) {
    let zero = s.splat(0.0);
    for k in (0..alpha.len()).step_by(S::LANES) {
        let n = S::LANES.min(alpha.len() - k);
        let slope = load(s, alpha, k, n);
        let mut sum = load(s, dalpha, k, n);
        for i in (k..x.len()).step_by(alpha.len()) {
            let (x, dy) = (load(s, x, i, n), load(s, dy, i, n));
            let above = s.lt(zero, x);
            store(s, dx, i, n, s.select(above, dy, s.mul(slope, dy)));
            sum = s.add(sum, s.select(above, zero, s.mul(x, dy)));
        }
        store(s, dalpha, k, n, sum);
    }
}
