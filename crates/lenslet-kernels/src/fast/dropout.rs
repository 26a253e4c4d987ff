//! Inverted dropout, with a vector of Philox blocks made side by side.

use crate::philox::{MULTIPLIERS, WEYL};
use crate::simd::{Simd, dispatch};
use crate::{Isa, Stream};

/// Lanes of the widest instruction set.
const WIDEST: usize = 16;

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
    for x in x.chunks_mut(4 * S::LANES) {
        let words = blocks(s, stream, block);
        block += S::LANES as u64;
        // Word `w` of block `b` belongs to element `4 b + w`.
        let mut columns = [[0; WIDEST]; 4];
        for (column, word) in columns.iter_mut().zip(words) {
            s.store_u32(column, word);
        }
        let mut draws = [0; 4 * WIDEST];
        for l in 0..S::LANES {
            for w in 0..4 {
                draws[4 * l + w] = columns[w][l];
            }
        }
        for (x, draw) in x.iter_mut().zip(draws) {
            *x = if draw <= last { 0.0 } else { *x * scale };
        }
    }
}

/// The four words of blocks `first`, `first + 1`, ...: [`Stream::block`] in every lane.
#[inline(always)]
fn blocks<S: Simd>(s: S, stream: Stream, first: u64) -> [S::U32; 4] {
    let (mut key, high) = stream.words();
    let number = |l: usize| first + l as u64;
    let low: [u32; WIDEST] = std::array::from_fn(|l| number(l) as u32);
    let carry: [u32; WIDEST] = std::array::from_fn(|l| (number(l) >> 32) as u32);
    let mut c = [s.load_u32(&low), s.load_u32(&carry), s.splat_u32(high[0]), s.splat_u32(high[1])];
    for _ in 0..10 {
        let a = s.mul_wide(s.splat_u32(MULTIPLIERS[0]), c[0]);
        let b = s.mul_wide(s.splat_u32(MULTIPLIERS[1]), c[2]);
        c = [
            s.xor(s.xor(b.1, c[1]), s.splat_u32(key[0])),
            b.0,
            s.xor(s.xor(a.1, c[3]), s.splat_u32(key[1])),
            a.0,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    c
}
