//! Functions that fall and rise: their derivative is computed from the input.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::Activation;
use crate::fast::erf::erf;
use crate::fast::exp;
use crate::fast::map::{map, zip};
use crate::simd::Simd;

/// `min(max(x + 3, 0), 6) / 6`.
#[inline(always)]
pub(super) fn hard_sigmoid<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let x = s.max(s.splat(0.0), s.add(x, s.splat(3.0)));
    s.mul(s.min(s.splat(6.0), x), s.splat(1.0 / 6.0))
}

/// The probability that a standard normal number is below `x`.
#[inline(always)]
fn normal_below<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let half = s.splat(0.5);
    s.mul_add(half, erf(s, s.mul(x, s.splat(FRAC_1_SQRT_2))), half)
}

/// Its derivative, the density: `e^(-x^2 / 2) / sqrt(2 pi)`.
#[inline(always)]
fn normal_density<S: Simd>(s: S, x: S::F32) -> S::F32 {
    const FACTOR: f32 = 0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI;
    s.mul(s.splat(FACTOR), exp::exp(s, s.mul(s.mul(x, x), s.splat(-0.5))))
}

/// `tanh(sqrt(2 / pi) (x + 0.044715 x^3))`, and the derivative of what is in parentheses, which is
/// kept finite where the tangent is 1 anyway.
#[inline(always)]
fn gelu_parts<S: Simd>(s: S, x: S::F32) -> (S::F32, S::F32) {
    const ROOT: f32 = 0.797_884_6;
    // `min` returns its second if it is NaN.
    let x2 = s.min(s.splat(1e8), s.mul(x, x));
    let cubic = s.mul_add(s.splat(0.044_715 * ROOT), x2, s.splat(ROOT));
    let slope = s.mul_add(s.splat(3.0 * 0.044_715 * ROOT), x2, s.splat(ROOT));
    (exp::tanh(s, s.mul(x, cubic)), slope)
}

/// `tanh(log(1 + e^x)) = (e^2x + 2 e^x) / (e^2x + 2 e^x + 2)`.
#[inline(always)]
fn mish_tangent<S: Simd>(s: S, x: S::F32) -> S::F32 {
    // From 20 on it is 1.
    let e = exp::exp(s, s.min(s.splat(20.0), x));
    let sum = s.mul_add(e, e, s.add(e, e));
    s.div(sum, s.add(sum, s.splat(2.0)))
}

#[inline(always)]
pub(super) fn forward<S: Simd>(s: S, f: Activation, y: &mut [f32]) {
    let (half, one) = (s.splat(0.5), s.splat(1.0));
    match f {
        Activation::Silu => map(
            s,
            y,
            #[inline(always)]
            |x| s.mul(x, exp::sigmoid(s, x)),
        ),
        Activation::HardSwish => map(
            s,
            y,
            #[inline(always)]
            |x| s.mul(x, hard_sigmoid(s, x)),
        ),
        Activation::Gelu => map(
            s,
            y,
            #[inline(always)]
            |x| s.mul(x, normal_below(s, x)),
        ),
        Activation::GeluTanh => map(
            s,
            y,
            #[inline(always)]
            |x| s.mul(s.mul(half, x), s.add(one, gelu_parts(s, x).0)),
        ),
        Activation::Mish => map(
            s,
            y,
            #[inline(always)]
            |x| s.mul(x, mish_tangent(s, x)),
        ),
        other => unreachable!("{other:?} has its derivative from the output"),
    }
}

#[inline(always)]
pub(super) fn backward<S: Simd>(s: S, f: Activation, x: &[f32], dy: &mut [f32]) {
    let (zero, half, one) = (s.splat(0.0), s.splat(0.5), s.splat(1.0));
    match f {
        Activation::Silu => zip(
            s,
            x,
            dy,
            #[inline(always)]
            |x, dy| {
                let y = exp::sigmoid(s, x);
                s.mul(dy, s.mul(y, s.mul_add(x, s.sub(one, y), one)))
            },
        ),
        Activation::HardSwish => zip(
            s,
            x,
            dy,
            #[inline(always)]
            |x, dy| {
                // Comparisons are false for NaN, which goes through the parabola.
                let slope = s.mul_add(x, s.splat(1.0 / 3.0), half);
                let slope = s.select(s.le(s.splat(3.0), x), one, slope);
                s.select(s.le(x, s.splat(-3.0)), zero, s.mul(dy, slope))
            },
        ),
        Activation::Gelu => zip(
            s,
            x,
            dy,
            #[inline(always)]
            |x, dy| s.mul(dy, s.mul_add(x, normal_density(s, x), normal_below(s, x))),
        ),
        Activation::GeluTanh => zip(
            s,
            x,
            dy,
            #[inline(always)]
            |x, dy| {
                let (t, slope) = gelu_parts(s, x);
                let falling = s.mul(s.mul(x, s.sub(one, s.mul(t, t))), slope);
                s.mul(dy, s.mul(half, s.add(s.add(one, t), falling)))
            },
        ),
        Activation::Mish => zip(
            s,
            x,
            dy,
            #[inline(always)]
            |x, dy| {
                let t = mish_tangent(s, x);
                let falling = s.mul(s.mul(x, exp::sigmoid(s, x)), s.sub(one, s.mul(t, t)));
                s.mul(dy, s.add(t, falling))
            },
        ),
        other => unreachable!("{other:?} has its derivative from the output"),
    }
}
