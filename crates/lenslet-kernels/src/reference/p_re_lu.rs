//! Rectifier with learnt slopes (He et al. 2015): slope `i % alpha.len()` of number `i`.

use crate::Real;

/// `x` above zero, `alpha * x` below.
pub(super) fn forward<R: Real>(alpha: &[R], x: &[R], y: &mut [R]) {
    for (i, (&x, y)) in x.iter().zip(y).enumerate() {
        *y = if x > R::ZERO { x } else { alpha[i % alpha.len()] * x };
    }
}

/// `dx` is overwritten; adds to `dalpha`.
pub(super) fn backward<R: Real>(alpha: &[R], x: &[R], dy: &[R], dx: &mut [R], dalpha: &mut [R]) {
    for (i, (&x, &dy)) in x.iter().zip(dy).enumerate() {
        let k = i % alpha.len();
        if x > R::ZERO {
            dx[i] = dy;
        } else {
            dx[i] = alpha[k] * dy;
            dalpha[k] += x * dy;
        }
    }
}
