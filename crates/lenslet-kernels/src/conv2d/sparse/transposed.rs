//! The sums for filters, which lie output channel by output channel, in the order of the filters.

use crate::simd::Simd;

/// `to[i, o] += from[o, i]`, of `columns` columns `o`.
#[inline(always)]
pub(super) fn add_transposed<S: Simd>(s: S, from: &[f32], columns: usize, to: &mut [f32]) {
    let rows = from.len() / columns;
    let (whole_rows, whole_columns) = (rows - rows % S::LANES, columns - columns % 4);
    for o in (0..whole_columns).step_by(4) {
        for i in (0..whole_rows).step_by(S::LANES) {
            let mut block = [s.splat_u32(0); 4];
            for (q, block) in block.iter_mut().enumerate() {
                *block = s.to_bits(s.load(&from[(o + q) * rows + i..]));
            }
            // Now in each vector rows follow one another, four columns of each.
            let mut lanes = [[0.0; 16]; 4];
            for (lanes, block) in lanes.iter_mut().zip(s.interleave(block)) {
                s.store(lanes, s.from_bits(block));
            }
            for r in 0..S::LANES {
                let four = &lanes[r / (S::LANES / 4)][r % (S::LANES / 4) * 4..][..4];
                let to = &mut to[(i + r) * columns + o..][..4];
                to.iter_mut().zip(four).for_each(|(to, sum)| *to += sum);
            }
        }
        for i in whole_rows..rows {
            (o..o + 4).for_each(|o| to[i * columns + o] += from[o * rows + i]);
        }
    }
    for o in whole_columns..columns {
        (0..rows).for_each(|i| to[i * columns + o] += from[o * rows + i]);
    }
}
