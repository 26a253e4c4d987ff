//! When a fast kernel's results are those of the specification.

use std::fmt::Display;

/// `got` is `expected`: NaN and infinities where that has them or is beyond the largest `f32`,
/// nowhere else, and the rest within `tolerance` times the largest finite number: sums cancel.
#[track_caller]
pub(crate) fn assert_close(what: impl Display, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let finite = expected.iter().copied().filter(|&x| (x as f32).is_finite());
    let largest = finite.fold(0.1, |a: f64, b| a.max(b.abs()));
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let nearest = expected as f32;
        let right = if nearest.is_finite() {
            (f64::from(got) - expected).abs() <= tolerance * largest
        } else {
            got == nearest || got.is_nan() && nearest.is_nan()
        };
        assert!(right, "{what}: [{i}] is {got}, not {expected}");
    }
}
