//! The error function, for a vector.

use super::exp::{abs, exp_m1};
use crate::simd::Simd;

/// Below this the error function is an odd polynomial, above it one less an exponential function.
const SPLIT: f32 = 0.9;

/// From here on the error function is 1.
const END: f32 = 3.95;

/// `erf(x) / x - 1` as a polynomial in `x^2`, up to [`SPLIT`]: within 2^-30 of `erf(x) / x`.
const SMALL: [f32; 7] = [
    0.128_379_17,
    -0.376_126_3,
    0.112_836_24,
    -0.026_855_56,
    0.005_191_753,
    -8.039_753e-4,
    7.943_1e-5,
];

/// `-log(1 - erf(x))` as a polynomial in `x`, from [`SPLIT`] to [`END`]: `erf(x)` is then within
/// 2^-28 of itself.
const LARGE: [f32; 7] = [
    1.664_373_4e-4,
    1.127_797_2,
    0.636_976_06,
    0.104_113_72,
    -0.022_315_234,
    0.003_065_495_8,
    -1.982_202_2e-4,
];

/// `erf(x) = 2 / sqrt(pi) * integral from 0 to x of e^(-t^2) dt`.
///
/// Error at most 1.5 units in the last place; odd; infinities, NaN and denormals are treated as by
/// an exact function. The division into a polynomial around zero and the logarithm of the
/// complement is as in Abramowitz and Stegun 1964, 7.1.26 to 7.1.28; the polynomials are ours,
/// minimax by Lawson's algorithm, their coefficients rounded one after the other.
#[inline(always)]
pub(super) fn erf<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let size = abs(s, x);
    let small = s.mul_add(x, polynomial(s, SMALL, s.mul(x, x)), x);
    // `min` returns its second if it is NaN.
    let log = polynomial(s, LARGE, s.min(s.splat(END), size));
    let complement = exp_m1(s, s.sub(s.splat(0.0), log));
    let sign = s.and(s.to_bits(x), s.splat_u32(1 << 31));
    let large = s.from_bits(s.or(s.to_bits(abs(s, complement)), sign));
    s.select(s.lt(size, s.splat(SPLIT)), small, large)
}

/// `c[0] + c[1] x + c[2] x^2 + ...`, by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd>(s: S, c: [f32; 7], x: S::F32) -> S::F32 {
    let mut sum = s.splat(c[6]);
    for c in c[..6].iter().rev() {
        sum = s.mul_add(sum, x, s.splat(*c));
    }
    sum
}
