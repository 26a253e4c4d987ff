//! Element-wise activation functions.

mod from_input;

use super::exp;
use super::map::{map, zip};
use crate::simd::{Simd, dispatch};
use crate::{Activation, Isa, SELU_ALPHA, SELU_SCALE};

/// `y = f(y)`.
pub(super) fn forward(isa: Isa, f: Activation, y: &mut [f32]) {
    dispatch!(isa, |s| forward_with(s, f, y));
}

/// `dy *= f'`, from the outputs `y`.
pub(crate) fn backward(isa: Isa, f: Activation, y: &[f32], dy: &mut [f32]) {
    dispatch!(isa, |s| backward_with(s, f, y, dy));
}

/// `dy *= f'`, from the inputs `x`.
pub(super) fn backward_from_input(isa: Isa, f: Activation, x: &[f32], dy: &mut [f32]) {
    dispatch!(isa, |s| from_input::backward(s, f, x, dy));
}

#[inline(always)]
fn forward_with<S: Simd>(s: S, f: Activation, y: &mut [f32]) {
    let zero = s.splat(0.0);
    match f {
        Activation::Sigmoid => map(
            s,
            y,
            #[inline(always)]
            |x| exp::sigmoid(s, x),
        ),
        Activation::Tanh => map(
            s,
            y,
            #[inline(always)]
            |x| exp::tanh(s, x),
        ),
        // The second operand is what `max` returns for NaN.
        Activation::Relu => map(
            s,
            y,
            #[inline(always)]
            |x| s.max(zero, x),
        ),
        Activation::LeakyRelu { negative_slope } => {
            let slope = s.splat(negative_slope as f32);
            map(
                s,
                y,
                #[inline(always)]
                |x| s.select(s.lt(zero, x), x, s.mul(slope, x)),
            );
        }
        Activation::Elu { alpha } => {
            let alpha = s.splat(alpha as f32);
            map(
                s,
                y,
                #[inline(always)]
                |x| {
                    let below = s.mul(alpha, exp::exp_m1(s, s.min(zero, x)));
                    s.select(s.lt(zero, x), x, below)
                },
            );
        }
        Activation::Selu => {
            let scale = s.splat(SELU_SCALE as f32);
            let limit = s.splat((SELU_SCALE * SELU_ALPHA) as f32);
            map(
                s,
                y,
                #[inline(always)]
                |x| {
                    let below = s.mul(limit, exp::exp_m1(s, s.min(zero, x)));
                    s.select(s.lt(zero, x), s.mul(scale, x), below)
                },
            );
        }
        // The second operand is what `max` and `min` return for NaN.
        Activation::Relu6 => map(
            s,
            y,
            #[inline(always)]
            |x| s.min(s.splat(6.0), s.max(zero, x)),
        ),
        Activation::HardSigmoid => map(
            s,
            y,
            #[inline(always)]
            |x| from_input::hard_sigmoid(s, x),
        ),
        Activation::Softplus => map(
            s,
            y,
            #[inline(always)]
            |x| exp::softplus(s, x),
        ),
        Activation::Softsign => map(
            s,
            y,
            #[inline(always)]
            |x| s.div(x, s.add(s.splat(1.0), exp::abs(s, x))),
        ),
        Activation::Exponential => map(
            s,
            y,
            #[inline(always)]
            |x| exp::exp(s, x),
        ),
        Activation::Silu
        | Activation::HardSwish
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Mish => {
            from_input::forward(s, f, y);
        }
    }
}

#[inline(always)]
pub(crate) fn backward_with<S: Simd>(s: S, f: Activation, y: &[f32], dy: &mut [f32]) {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    match f {
        Activation::Sigmoid => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| s.mul(dy, s.mul(y, s.sub(one, y))),
        ),
        Activation::Tanh => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| s.mul(dy, s.sub(one, s.mul(y, y))),
        ),
        Activation::Relu => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| s.select(s.lt(zero, y), dy, zero),
        ),
        Activation::LeakyRelu { negative_slope } => {
            let slope = s.splat(negative_slope as f32);
            zip(
                s,
                y,
                dy,
                #[inline(always)]
                |y, dy| s.select(s.lt(zero, y), dy, s.mul(dy, slope)),
            );
        }
        Activation::Elu { alpha } => {
            let alpha = s.splat(alpha as f32);
            zip(
                s,
                y,
                dy,
                #[inline(always)]
                |y, dy| s.select(s.lt(zero, y), dy, s.mul(dy, s.add(y, alpha))),
            );
        }
        Activation::Selu => {
            let scale = s.splat(SELU_SCALE as f32);
            let limit = s.splat((SELU_SCALE * SELU_ALPHA) as f32);
            zip(
                s,
                y,
                dy,
                #[inline(always)]
                |y, dy| s.mul(dy, s.select(s.lt(zero, y), scale, s.add(y, limit))),
            );
        }
        Activation::Relu6 => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| {
                let below = s.select(s.lt(y, s.splat(6.0)), dy, zero);
                s.select(s.lt(zero, y), below, zero)
            },
        ),
        Activation::HardSigmoid => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| {
                let slope = s.mul(dy, s.splat(1.0 / 6.0));
                let below = s.select(s.lt(y, one), slope, zero);
                s.select(s.lt(zero, y), below, zero)
            },
        ),
        Activation::Softplus => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| s.sub(zero, s.mul(dy, exp::exp_m1(s, s.sub(zero, y)))),
        ),
        Activation::Softsign => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| {
                let rest = s.sub(one, exp::abs(s, y));
                s.mul(dy, s.mul(rest, rest))
            },
        ),
        Activation::Exponential => zip(
            s,
            y,
            dy,
            #[inline(always)]
            |y, dy| s.mul(dy, y),
        ),
        Activation::Silu
        | Activation::HardSwish
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Mish => {
            unreachable!("from the input")
        }
    }
}
