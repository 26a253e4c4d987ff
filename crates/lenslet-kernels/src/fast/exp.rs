//! The exponential function and its relatives, for a vector.
//!
//! The polynomial is that of `expf` in Cephes (Moshier 1992, `single/expf.c`). Each function says
//! its largest error in units in the last place; the sweep below, over numbers of every size with
//! every instruction set, finds none that is larger. Infinities, NaN and denormals are treated as
//! by an exact function.

use crate::simd::Simd;

/// ln 2 in two parts; the first has 9 bits, so that a multiple of it is exact without FMA.
const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];

/// Added to a number below 2^22 in size it rounds it to an integer, which then stands in the low
/// bits.
const ROUNDER: f32 = 12_582_912.0;

/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`: returns `n` and `e^r - 1`, for `|x| < 200`.
#[inline(always)]
fn reduced<S: Simd>(s: S, x: S::F32) -> (S::U32, S::F32) {
    let rounder = s.splat(ROUNDER);
    let shifted = s.mul_add(x, s.splat(std::f32::consts::LOG2_E), rounder);
    let n = s.sub(shifted, rounder);
    let r = s.mul_add(n, s.splat(-LN_2[0]), x);
    let r = s.mul_add(n, s.splat(-LN_2[1]), r);
    let mut p = s.splat(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = s.mul_add(p, r, s.splat(c));
    }
    let n = s.sub_u32(s.to_bits(shifted), s.to_bits(rounder));
    (n, s.mul_add(p, s.mul(r, r), r))
}

/// `2^n` for `-127 < n < 128`; anything for other `n`.
#[inline(always)]
fn power_of_two<S: Simd>(s: S, n: S::U32) -> S::F32 {
    s.from_bits(s.shl::<23>(s.add_u32(n, s.splat_u32(127))))
}

/// `e^x`. Error at most 1.5 units in the last place.
#[inline(always)]
pub(super) fn exp<S: Simd>(s: S, x: S::F32) -> S::F32 {
    // Beyond these the result is 0 or infinite. `max` and `min` return their second if it is NaN.
    let x = s.min(s.splat(89.0), s.max(s.splat(-104.0), x));
    let (n, p) = reduced(s, x);
    // In two steps, for results that overflow or are denormal. `n / 2` is rounded down by way of a
    // positive number.
    let half = s.sub_u32(s.shr::<1>(s.add_u32(n, s.splat_u32(256))), s.splat_u32(128));
    let y = s.mul(s.add(s.splat(1.0), p), power_of_two(s, half));
    s.mul(y, power_of_two(s, s.sub_u32(n, half)))
}

/// `e^x - 1` for `x <= 0`. Error at most 1.5 units in the last place.
#[inline(always)]
pub(super) fn exp_m1<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let (n, p) = reduced(s, s.max(s.splat(-30.0), x));
    let power = power_of_two(s, n);
    s.mul_add(power, p, s.sub(power, s.splat(1.0)))
}

/// `tanh(x) = (1 - e^-2|x|) / (1 + e^-2|x|)` with the sign of `x`. Error at most 3 units in the last
/// place.
#[inline(always)]
pub(super) fn tanh<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let sign = s.and(s.to_bits(x), s.splat_u32(1 << 31));
    let e = exp_m1(s, s.mul(s.splat(-2.0), abs(s, x)));
    let size = abs(s, s.div(e, s.add(s.splat(2.0), e)));
    s.from_bits(s.or(s.to_bits(size), sign))
}

/// `1 / (1 + e^-x)`, from `e^-|x|`, which never overflows. Error at most 2.5 units in the last place.
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    let e = exp(s, s.sub(zero, abs(s, x)));
    s.div(s.select(s.lt(x, zero), e, one), s.add(one, e))
}

/// `log(1 + e^x) = max(x, 0) + log(1 + u)` with `u = e^-|x|`. Error at most 3.5 units in the last
/// place.
///
/// `log(1 + u) = 2 atanh(u / (2 + u))`, whose series in `z = u / (2 + u) <= 1/3` is cut behind
/// `z^15`: the rest is below 2^-27 of it.
#[inline(always)]
pub(super) fn softplus<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let u = exp(s, s.sub(s.splat(0.0), abs(s, x)));
    let z = s.div(u, s.add(u, s.splat(2.0)));
    let z2 = s.mul(z, z);
    let mut series = s.splat(1.0 / 15.0);
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = s.mul_add(series, z2, s.splat(1.0 / odd));
    }
    // The second operand is what `max` returns for NaN.
    s.mul_add(s.add(z, z), series, s.max(s.splat(0.0), x))
}

#[inline(always)]
pub(super) fn abs<S: Simd>(s: S, x: S::F32) -> S::F32 {
    s.from_bits(s.and(s.to_bits(x), s.splat_u32(u32::MAX >> 1)))
}

#[cfg(test)]
mod tests {
    use super::super::erf::erf;
    use super::super::map::map;
    use super::super::ulps::{numbers, ulps};
    use super::*;
    use crate::simd::dispatch;
    use crate::{Isa, Real};

    #[derive(Clone, Copy, Debug)]
    enum Function {
        Exp,
        ExpM1,
        Tanh,
        Sigmoid,
        Softplus,
        Erf,
    }

    /// Applies a function of the modules to a slice.
    macro_rules! apply {
        ($isa:expr, $f:path, $y:expr) => {
            dispatch!($isa, |s| map(
                s,
                $y,
                #[inline(always)]
                |x| $f(s, x)
            ))
        };
    }

    impl Function {
        const ALL: [Self; 6] =
            [Self::Exp, Self::ExpM1, Self::Tanh, Self::Sigmoid, Self::Softplus, Self::Erf];

        fn fast(self, isa: Isa, x: &[f32]) -> Vec<f32> {
            let mut values = x.to_vec();
            let y = &mut values[..];
            match self {
                Self::Exp => apply!(isa, exp, y),
                Self::ExpM1 => apply!(isa, exp_m1, y),
                Self::Tanh => apply!(isa, tanh, y),
                Self::Sigmoid => apply!(isa, sigmoid, y),
                Self::Softplus => apply!(isa, softplus, y),
                Self::Erf => apply!(isa, erf, y),
            }
            values
        }

        fn exact(self, x: f64) -> f64 {
            match self {
                Self::Exp => x.exp(),
                Self::ExpM1 => x.exp_m1(),
                Self::Tanh => x.tanh(),
                Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
                Self::Erf => Real::erf(x),
            }
        }

        /// Units in the last place that the result may be off.
        fn bound(self) -> f64 {
            match self {
                Self::Exp | Self::ExpM1 | Self::Erf => 1.5,
                Self::Sigmoid => 2.5,
                Self::Tanh => 3.0,
                Self::Softplus => 3.5,
            }
        }
    }

    #[test]
    fn errors_are_bounded() {
        let all = numbers(997);
        for f in Function::ALL {
            let wanted = |x: &f32| match f {
                Function::ExpM1 => *x <= 0.0,
                _ => true,
            };
            let x: Vec<f32> = all.iter().copied().filter(wanted).collect();
            let exact: Vec<f64> = x.iter().map(|&x| f.exact(f64::from(x))).collect();
            for isa in Isa::available() {
                let mut largest: f64 = 0.0;
                for ((y, x), &exact) in f.fast(isa, &x).into_iter().zip(&x).zip(&exact) {
                    let error = ulps(y, exact);
                    assert!(error <= f.bound(), "{isa} {f:?}({x:e}) = {y:e}, off by {error}");
                    largest = largest.max(error);
                }
                println!("{isa} {f:?}: {largest}");
            }
        }
    }

    #[test]
    fn special_values() {
        let (inf, tiny) = (f32::INFINITY, f32::from_bits(3));
        let cases = [
            (Function::Exp, [inf, -inf, -0.0, 88.8, -104.5], [inf, 0.0, 1.0, inf, 0.0]),
            (Function::ExpM1, [-inf, -0.0, -tiny, -40.0, 0.0], [-1.0, 0.0, -tiny, -1.0, 0.0]),
            (Function::Tanh, [inf, -inf, tiny, -tiny, 0.0], [1.0, -1.0, tiny, -tiny, 0.0]),
            (Function::Sigmoid, [inf, -inf, 0.0, 40.0, -200.0], [1.0, 0.0, 0.5, 1.0, 0.0]),
            (Function::Softplus, [inf, -inf, -200.0, 200.0, 1e30], [inf, 0.0, 0.0, 200.0, 1e30]),
            (Function::Erf, [inf, -inf, tiny, -tiny, 0.0], [1.0, -1.0, tiny, -tiny, 0.0]),
        ];
        for isa in Isa::available() {
            for (f, x, expected) in cases {
                assert_eq!(f.fast(isa, &x), expected, "{isa} {f:?}");
                assert!(f.fast(isa, &[f32::NAN; 9]).into_iter().all(f32::is_nan), "{isa} {f:?}");
            }
            for odd in [Function::Tanh, Function::Erf] {
                assert!(odd.fast(isa, &[-0.0])[0].is_sign_negative(), "{isa} {odd:?}");
            }
        }
    }
}
