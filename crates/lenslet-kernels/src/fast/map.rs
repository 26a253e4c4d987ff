//! Loops over whole slices, a vector at a time.

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
