//! Loops over whole slices, a vector at a time.
//!
//! The closures must be `#[inline(always)]`, or they may be compiled without the instructions that
//! `dispatch!` enables.

use crate::simd::Simd;

/// `y = f(y)` for every element.
#[inline(always)]
pub(super) fn map<S: Simd>(s: S, y: &mut [f32], f: impl Fn(S::F32) -> S::F32) {
    let mut vectors = y.chunks_exact_mut(S::LANES);
    for y in &mut vectors {
        let x = s.load(y);
        s.store(y, f(x));
    }
    let rest = vectors.into_remainder();
    let x = s.load_tail(rest);
    s.store_tail(rest, f(x));
}

/// `dy = f(y, dy)` for every element.
#[inline(always)]
pub(super) fn zip<S: Simd>(s: S, y: &[f32], dy: &mut [f32], f: impl Fn(S::F32, S::F32) -> S::F32) {
    assert_eq!(y.len(), dy.len());
    let mut vectors = dy.chunks_exact_mut(S::LANES);
    let mut others = y.chunks_exact(S::LANES);
    for (dy, y) in (&mut vectors).zip(&mut others) {
        let x = s.load(dy);
        s.store(dy, f(s.load(y), x));
    }
    let rest = vectors.into_remainder();
    let x = s.load_tail(rest);
    s.store_tail(rest, f(s.load_tail(others.remainder()), x));
}

/// Calls `visit(start, n)` for each of the vectors that hold `len` numbers: `n` is `LANES` but for the
/// last one, if that is shorter. The compiler sees the two apart, so that whole vectors need neither
/// masks nor branches.
#[inline(always)]
pub(super) fn each_vector<S: Simd>(_: S, len: usize, mut visit: impl FnMut(usize, usize)) {
    let rest = len % S::LANES;
    for start in (0..len - rest).step_by(S::LANES) {
        visit(start, S::LANES);
    }
    if rest > 0 {
        visit(len - rest, rest);
    }
}

/// Reads the first `n <= LANES` numbers from `start` on.
#[inline(always)]
pub(super) fn load<S: Simd>(s: S, x: &[f32], start: usize, n: usize) -> S::F32 {
    // A full vector needs no mask, which on some CPUs is slow.
    if n == S::LANES { s.load(&x[start..]) } else { s.load_tail(&x[start..start + n]) }
}

/// Writes the first `n <= LANES` numbers from `start` on.
#[inline(always)]
pub(super) fn store<S: Simd>(s: S, y: &mut [f32], start: usize, n: usize, value: S::F32) {
    if n == S::LANES {
        s.store(&mut y[start..], value);
    } else {
        s.store_tail(&mut y[start..start + n], value);
    }
}
