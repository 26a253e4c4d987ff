//! Element-wise activation functions, one number at a time.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::{Activation, Real, SELU_ALPHA, SELU_SCALE};

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
        Activation::Selu if x > R::ZERO => R::from_f64(SELU_SCALE) * x,
        Activation::Selu => R::from_f64(SELU_SCALE * SELU_ALPHA) * x.exp_m1(),
        Activation::Relu6 => clamp(x, 0.0, 6.0),
        Activation::HardSigmoid => clamp(x + R::from_f64(3.0), 0.0, 6.0) / R::from_f64(6.0),
        Activation::Softplus => softplus(x),
        Activation::Softsign => x / (R::ONE + abs(x)),
        Activation::Exponential => x.exp(),
        Activation::Silu => x * value(Activation::Sigmoid, x),
        Activation::HardSwish => x * value(Activation::HardSigmoid, x),
        Activation::Gelu => x * normal_below(x),
        Activation::GeluTanh => R::from_f64(0.5) * x * (R::ONE + inner(x).tanh()),
        Activation::Mish => x * softplus(x).tanh(),
    }
}

fn abs<R: Real>(x: R) -> R {
    if x < R::ZERO { -x } else { x }
}

/// NaN stays.
fn clamp<R: Real>(x: R, low: f64, high: f64) -> R {
    let (low, high) = (R::from_f64(low), R::from_f64(high));
    match x {
        x if x < low => low,
        x if x > high => high,
        x => x,
    }
}

/// `log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))`, which never overflows.
fn softplus<R: Real>(x: R) -> R {
    (if x < R::ZERO { R::ZERO } else { x }) + (-abs(x)).exp().ln_1p()
}

/// The probability that a standard normal number is below `x`.
fn normal_below<R: Real>(x: R) -> R {
    R::from_f64(0.5) * (R::ONE + (x * R::from_f64(FRAC_1_SQRT_2)).erf())
}

const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;

/// What the tangent in GELU is taken of.
fn inner<R: Real>(x: R) -> R {
    R::from_f64(SQRT_2_OVER_PI) * (x + R::from_f64(0.044_715) * x * x * x)
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
        Activation::Selu if y > R::ZERO => dy * R::from_f64(SELU_SCALE),
        Activation::Selu => dy * (y + R::from_f64(SELU_SCALE * SELU_ALPHA)),
        Activation::Relu6 if y > R::ZERO && y < R::from_f64(6.0) => dy,
        Activation::Relu6 => R::ZERO,
        Activation::HardSigmoid if y > R::ZERO && y < R::ONE => dy / R::from_f64(6.0),
        Activation::HardSigmoid => R::ZERO,
        // 1 - exp(-log(1 + exp(x))).
        Activation::Softplus => dy * -(-y).exp_m1(),
        // (1 / (1 + |x|))^2.
        Activation::Softsign => dy * ((R::ONE - abs(y)) * (R::ONE - abs(y))),
        Activation::Exponential => dy * y,
        Activation::Silu
        | Activation::HardSwish
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Mish => {
            unreachable!("from the input")
        }
    }
}

/// `dy * f'`, from the input `x`.
pub(super) fn gradient_from_input<R: Real>(f: Activation, x: R, dy: R) -> R {
    let half = R::from_f64(0.5);
    match f {
        Activation::Silu => {
            let s = value(Activation::Sigmoid, x);
            dy * (s + x * s * (R::ONE - s))
        }
        // Howard et al. 2019: a parabola between -3 and 3.
        Activation::HardSwish if x <= R::from_f64(-3.0) => R::ZERO,
        Activation::HardSwish if x >= R::from_f64(3.0) => dy,
        Activation::HardSwish => dy * (x / R::from_f64(3.0) + half),
        // The derivative of the probability is the density.
        Activation::Gelu => {
            let density = R::from_f64(FRAC_1_SQRT_2 * FRAC_2_SQRT_PI * 0.5) * (-half * x * x).exp();
            dy * (normal_below(x) + x * density)
        }
        Activation::GeluTanh => {
            let t = inner(x).tanh();
            let slope =
                R::from_f64(SQRT_2_OVER_PI) * (R::ONE + R::from_f64(3.0 * 0.044_715) * x * x);
            dy * (half * (R::ONE + t) + half * x * (R::ONE - t * t) * slope)
        }
        Activation::Mish => {
            let t = softplus(x).tanh();
            dy * (t + x * (R::ONE - t * t) * value(Activation::Sigmoid, x))
        }
        other => unreachable!("{other:?} has its derivative from the output"),
    }
}
