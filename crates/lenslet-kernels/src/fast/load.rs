//! How pictures enter a network.

use crate::Isa;
use crate::simd::dispatch;

/// `y = x * scale`.
pub(super) fn bytes(isa: Isa, x: &[u8], scale: f32, y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    dispatch!(isa, |_s| for (y, &x) in y.iter_mut().zip(x) {
        *y = f32::from(x) * scale;
    });
}
