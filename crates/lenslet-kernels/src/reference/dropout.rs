//! Inverted dropout (Srivastava et al. 2014).

use crate::{Real, Stream};

/// Zeroes element `i` where draw `first + i` is below `rate * 2^32`, multiplies the others by
/// `1 / (1 - rate)`.
pub(super) fn dropout<R: Real>(stream: Stream, first: u64, rate: f64, x: &mut [R]) {
    assert!((0.0..1.0).contains(&rate), "dropout rate {rate}");
    assert_eq!(first % 4, 0);
    let scale = R::from_f64(1.0 / (1.0 - rate));
    for (i, x) in (first..).zip(x) {
        *x = if stream.uniform(i) < rate { R::ZERO } else { *x * scale };
    }
}
