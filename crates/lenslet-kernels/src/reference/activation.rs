//! Element-wise activation functions, one number at a time.

use crate::{Activation, Real};

/// `f(x)`.
pub(super) fn value<R: Real>(f: Activation, x: R) -> R {
    match f {
        // `1 / inf` is 0, so large negative `x` needs no care.
        Activation::Sigmoid => R::ONE / (R::ONE + (-x).exp()),
        Activation::Tanh => x.tanh(),
        // Not `max`: NaN compares false and stays.
        Activation::Relu if x < R::ZERO => R::ZERO,
        Activation::Relu => x,
        Activation::LeakyRelu { .. } | Activation::Elu { .. } if x > R::ZERO => x,
        Activation::LeakyRelu { negative_slope } => R::from_f64(negative_slope) * x,
        Activation::Elu { alpha } => R::from_f64(alpha) * x.exp_m1(),
    }
}

/// `dy * f'`, from the output `y`. Where `f'` is 0 the result is 0, whatever `dy` is.
pub(super) fn gradient<R: Real>(f: Activation, y: R, dy: R) -> R {
    match f {
        Activation::Sigmoid => dy * (y * (R::ONE - y)),
        Activation::Tanh => dy * (R::ONE - y * y),
        Activation::Relu if y > R::ZERO => dy,
        Activation::Relu => R::ZERO,
        Activation::LeakyRelu { .. } | Activation::Elu { .. } if y > R::ZERO => dy,
        Activation::LeakyRelu { negative_slope } => dy * R::from_f64(negative_slope),
        // alpha exp(x) = alpha (exp(x) - 1) + alpha.
        Activation::Elu { alpha } => dy * (y + R::from_f64(alpha)),
    }
}
