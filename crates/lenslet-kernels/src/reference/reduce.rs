//! The sum of partial results, in an order that depends on nothing but their number.

use crate::Real;

/// Adds part `i + gap` to part `i` for every `i` that is a multiple of `2 * gap`, with `gap` 1, 2,
/// 4, ...; part 0 is then the sum. No parts at all sum to zero.
pub(super) fn sum_parts<R: Real>(parts: &mut [R], out: &mut [R]) {
    let len = out.len();
    if parts.is_empty() {
        out.fill(R::ZERO);
        return;
    }
    assert_eq!(parts.len() % len, 0);
    let count = parts.len() / len;
    let mut gap = 1;
    while gap < count {
        for i in (0..count - gap).step_by(2 * gap) {
            for k in 0..len {
                let other = parts[(i + gap) * len + k];
                parts[i * len + k] += other;
            }
        }
        gap *= 2;
    }
    out.copy_from_slice(&parts[..len]);
}
