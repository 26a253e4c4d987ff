//! Penalties on large numbers, and their gradient.

use crate::Real;

/// `l1 * sum(|x|) + l2 * sum(x^2)`.
pub(crate) fn forward<R: Real>(l1: f64, l2: f64, x: &[R]) -> f64 {
    let one = |x: &R| {
        let x = x.to_f64();
        l1 * x.abs() + l2 * x * x
    };
    x.iter().map(one).sum()
}

/// `dy += scale * (l1 * sign(x) + l2 * 2 x)`; the sign of 0 is 0.
pub(crate) fn backward<R: Real>(l1: f64, l2: f64, scale: f64, x: &[R], dy: &mut [R]) {
    assert_eq!(x.len(), dy.len());
    let (l1, l2) = (R::from_f64(scale * l1), R::from_f64(scale * 2.0 * l2));
    for (dy, &x) in dy.iter_mut().zip(x) {
        let sign = match x {
            x if x > R::ZERO => l1,
            x if x < R::ZERO => -l1,
            _ => R::ZERO,
        };
        *dy += sign + l2 * x;
    }
}
