//! Inverted dropout, with a vector of Philox blocks made side by side.

use super::map::{load, store};
use crate::philox::{MULTIPLIERS, WEYL};
use crate::simd::{Simd, dispatch};
use crate::{Isa, Stream};

/// Zeroes element `i` where draw `first + i` is below `rate * 2^32`, multiplies the others by
/// `1 / (1 - rate)`.
pub(super) fn dropout(isa: Isa, stream: Stream, first: u64, rate: f64, x: &mut [f32]) {
    assert!((0.0..1.0).contains(&rate), "dropout rate {rate}");
    assert_eq!(first % 4, 0);
    if rate > 0.0 {
        // An integer is below the threshold if it is at most `last`, which fits 32 bits.
        let last = ((rate * 4_294_967_296.0).ceil() - 1.0) as u32;
        let scale = (1.0 / (1.0 - rate)) as f32;
        dispatch!(isa, |s| drop_out(s, stream, first / 4, last, scale, x));
    }
}

/// Zeroes where the draw is at most `last`; `block` holds the draws of the first elements.
#[inline(always)]
fn drop_out<S: Simd>(s: S, stream: Stream, mut block: u64, last: u32, scale: f32, x: &mut [f32]) {
    let (zero, scale, last) = (s.splat(0.0), s.splat(scale), s.splat_u32(last));
    for x in x.chunks_mut(4 * S::LANES) {
        // Word `w` of block `b` belongs to element `4 b + w`.
        let draws = s.interleave(blocks(s, stream, block));
        block += S::LANES as u64;
        for (x, draw) in x.chunks_mut(S::LANES).zip(draws) {
            let n = x.len();
            let kept = s.mul(load(s, x, 0, n), scale);
            store(s, x, 0, n, s.select(s.lt_u32(last, draw), kept, zero));
        }
    }
}

/// The four words of blocks `first`, `first + 1`, ...: [`Stream::block`] in every lane.
#[inline(always)]
fn blocks<S: Simd>(s: S, stream: Stream, first: u64) -> [S::U32; 4] {
    let (key, high) = stream.words();
    let start = s.splat_u32(first as u32);
    let low = s.add_u32(start, s.lane_numbers());
    let upper = (first >> 32) as u32;
    // Where the lower word has overflowed it is below the first one's.
    let [same, next] = [s.splat_u32(upper), s.splat_u32(upper.wrapping_add(1))];
    let carried = s.select_u32(s.lt_u32(low, start), next, same);
    let mut c = [low, carried, s.splat_u32(high[0]), s.splat_u32(high[1])];
    let mut key = [s.splat_u32(key[0]), s.splat_u32(key[1])];
    let weyl = [s.splat_u32(WEYL[0]), s.splat_u32(WEYL[1])];
    let multipliers = [s.splat_u32(MULTIPLIERS[0]), s.splat_u32(MULTIPLIERS[1])];
    for _ in 0..10 {
        let a = s.mul_wide(multipliers[0], c[0]);
        let b = s.mul_wide(multipliers[1], c[2]);
        c = [s.xor(s.xor(b.1, c[1]), key[0]), b.0, s.xor(s.xor(a.1, c[3]), key[1]), a.0];
        key = [s.add_u32(key[0], weyl[0]), s.add_u32(key[1], weyl[1])];
    }
    c
}
