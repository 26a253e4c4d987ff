//! Sums and products of whole slices.

use super::map::zip;
use crate::Isa;
use crate::simd::{Simd, dispatch};

/// `y += x`.
pub(super) fn add(isa: Isa, x: &[f32], y: &mut [f32]) {
    dispatch!(isa, |s| zip(
        s,
        x,
        y,
        #[inline(always)]
        |x, y| s.add(y, x)
    ));
}

/// `y *= x`.
pub(super) fn multiply(isa: Isa, x: &[f32], y: &mut [f32]) {
    dispatch!(isa, |s| zip(
        s,
        x,
        y,
        #[inline(always)]
        |x, y| s.mul(y, x)
    ));
}
