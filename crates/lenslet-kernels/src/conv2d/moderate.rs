//! Whether numbers are moderate: neither NaN nor so large that Winograd's transforms could
//! overflow.
//!
//! The transforms multiply a bound on the sizes of inputs by 100, of filters by 1, and of the sums
//! of their products by 361. With inputs and filters below 2^40 that stays below the largest
//! number for 2^30 channels.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::simd::{Simd, dispatch};
use crate::{Chunks, ChunksRef, Isa, Team};

/// Times this, numbers of 2^40 and more overflow.
const SCALE: f32 = (1u128 << 88) as f32;

/// Copies slices of the same length.
pub(super) trait Copier {
    fn copy(&mut self, from: &[f32], to: &mut [f32]);
}

/// Copies and no more.
pub(super) struct Plain;

impl Copier for Plain {
    #[inline(always)]
    fn copy(&mut self, from: &[f32], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
}

/// Looks at numbers as they pass.
pub(super) struct Watch<S: Simd> {
    s: S,
    /// Zero as long as all numbers are moderate, and NaN ever after: as many sums as need not wait
    /// for themselves.
    odd: [S::F32; 4],
}

impl<S: Simd> Watch<S> {
    #[inline(always)]
    pub(super) fn new(s: S) -> Self {
        Self { s, odd: [s.splat(0.0); 4] }
    }

    #[inline(always)]
    fn pass(&mut self, chain: usize, x: S::F32) {
        let s = self.s;
        self.odd[chain] = s.mul_add(s.mul(x, s.splat(SCALE)), s.splat(0.0), self.odd[chain]);
    }

    /// Looks at numbers where they lie.
    #[inline(always)]
    pub(super) fn look(&mut self, at: &[f32]) {
        let mut vectors = at.chunks_exact(4 * S::LANES);
        for x in &mut vectors {
            for v in 0..4 {
                self.pass(v, self.s.load(&x[v * S::LANES..]));
            }
        }
        for x in vectors.remainder().chunks(S::LANES) {
            self.pass(0, self.s.load_tail(x));
        }
    }

    /// Whether all that passed was moderate.
    #[inline(always)]
    pub(super) fn all_moderate(&self) -> bool {
        let (s, [a, b, c, d]) = (self.s, self.odd);
        s.all_finite(s.add(s.add(a, b), s.add(c, d)))
    }
}

impl<S: Simd> Copier for Watch<S> {
    #[inline(always)]
    fn copy(&mut self, from: &[f32], to: &mut [f32]) {
        assert_eq!(from.len(), to.len());
        let s = self.s;
        let mut from = from.chunks_exact(4 * S::LANES);
        let mut to = to.chunks_exact_mut(4 * S::LANES);
        for (from, to) in (&mut from).zip(&mut to) {
            for v in 0..4 {
                let x = s.load(&from[v * S::LANES..]);
                s.store(&mut to[v * S::LANES..], x);
                self.pass(v, x);
            }
        }
        let rest = from.remainder().chunks(S::LANES);
        for (from, to) in rest.zip(to.into_remainder().chunks_mut(S::LANES)) {
            let x = s.load_tail(from);
            s.store_tail(to, x);
            self.pass(0, x);
        }
    }
}

/// Numbers that one task looks at.
const CHUNK: usize = 1 << 14;

/// Whether all numbers are moderate.
pub(super) fn all_moderate(team: &Team, isa: Isa, x: &[f32]) -> bool {
    let moderate = AtomicBool::new(true);
    team.share(ChunksRef::new(x, CHUNK), |_, x| {
        let all = dispatch!(isa, |s| {
            let mut watch = Watch::new(s);
            watch.look(x);
            watch.all_moderate()
        });
        moderate.fetch_and(all, Ordering::Relaxed);
    });
    moderate.into_inner()
}

/// Copies the filters and tells whether all are moderate.
pub(super) fn copy_watched(team: &Team, isa: Isa, w: &[f32], to: &mut [f32]) -> bool {
    let moderate = AtomicBool::new(true);
    team.share((Chunks::new(to, CHUNK), ChunksRef::new(w, CHUNK)), |_, (to, w)| {
        let all = dispatch!(isa, |s| {
            let mut watch = Watch::new(s);
            watch.copy(w, to);
            watch.all_moderate()
        });
        moderate.fetch_and(all, Ordering::Relaxed);
    });
    moderate.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(always)]
    fn moderate<S: Simd>(s: S, x: &[f32]) -> [bool; 2] {
        let (mut looked, mut copied, mut to) = (Watch::new(s), Watch::new(s), vec![7.0; x.len()]);
        looked.look(x);
        copied.copy(x, &mut to);
        let same = x.iter().zip(&to).all(|(x, to)| x.to_bits() == to.to_bits());
        assert!(same, "a copy of {x:?}, not {to:?}");
        [looked.all_moderate(), copied.all_moderate()]
    }

    #[test]
    fn one_number_anywhere_is_found() {
        let most = 2f32.powi(40);
        let cases = [
            (0.0, true),
            (most.next_down(), true),
            (most, false),
            (f32::MAX, false),
            (f32::INFINITY, false),
            (f32::NAN, false),
        ];
        for isa in Isa::available() {
            for (n, at) in (1..100).flat_map(|n| [0, n / 2, n - 1].map(|at| (n, at))) {
                for (odd, expected) in cases {
                    for odd in [odd, -odd] {
                        let mut x = vec![1.0; n];
                        x[at] = odd;
                        let found = dispatch!(isa, |s| moderate(s, &x));
                        assert_eq!(found, [expected; 2], "{isa}: {odd} at {at} of {n}");
                    }
                }
            }
        }
    }
}
