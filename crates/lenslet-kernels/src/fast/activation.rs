//! Element-wise activation functions.

use super::exp;
use super::map::{map, zip};
use crate::simd::{Simd, dispatch};
use crate::{Activation, Isa};

/// `y = f(y)`.
pub(super) fn forward(isa: Isa, f: Activation, y: &mut [f32]) {
    dispatch!(isa, |s| forward_with(s, f, y));
}

/// `dy *= f'`, from the outputs `y`.
pub(super) fn backward(isa: Isa, f: Activation, y: &[f32], dy: &mut [f32]) {
    dispatch!(isa, |s| backward_with(s, f, y, dy));
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
    }
}

#[inline(always)]
fn backward_with<S: Simd>(s: S, f: Activation, y: &[f32], dy: &mut [f32]) {
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
    }
}
