//! How much there is to list.

use super::load;
use crate::simd::Simd;
use crate::{OutputGradient, Pooled};

/// How many numbers of the gradient are not zero; `None` where something is not finite.
#[inline(always)]
pub(super) fn count<S: Simd>(s: S, dy: &OutputGradient<'_, f32>) -> Option<usize> {
    let zero = s.splat(0.0);
    // Zero times what is not finite is NaN, which stays.
    let mut odd = zero;
    let mut count = 0;
    let (y, dy, scale) = match dy {
        OutputGradient::Dense(dy) => (*dy, *dy, 1.0),
        OutputGradient::Pooled(Pooled { y, dy, scale, .. }) => (*y, *dy, *scale),
    };
    let scale = s.splat(scale);
    let pooled = !std::ptr::eq(y, dy);
    for (y, dy) in y.chunks(S::LANES).zip(dy.chunks(S::LANES)) {
        let dy = load(s, dy);
        odd = s.mul_add(s.mul(dy, scale), zero, odd);
        let alive = if pooled { positive(s, load(s, y)) } else { u32::MAX };
        count += (nonzero(s, dy) & alive).count_ones() as usize;
    }
    s.all_finite(odd).then_some(count)
}

/// Bit `i` is set where lane `i` is not zero.
#[inline(always)]
pub(super) fn nonzero<S: Simd>(s: S, x: S::F32) -> u32 {
    !s.bits(s.eq(x, s.splat(0.0))) & (u32::MAX >> (32 - S::LANES))
}

/// Bit `i` is set where lane `i` is above zero.
#[inline(always)]
fn positive<S: Simd>(s: S, x: S::F32) -> u32 {
    s.bits(s.lt(s.splat(0.0), x))
}
