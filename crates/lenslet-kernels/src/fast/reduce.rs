//! The sum of partial results, in an order that depends on nothing but their number.

use crate::simd::dispatch;
use crate::team::Shareable;
use crate::{Chunks, ChunksRef, Each, Isa, Team};

/// Elements of every part that one task adds up: their tree stays in the cache.
pub(super) const PIECE: usize = 1024;

/// Adds part `i + gap` to part `i` for every `i` that is a multiple of `2 * gap`, with `gap` 1, 2,
/// 4, ...; part 0 is then the sum. No parts at all sum to zero.
pub(super) fn sum_parts(isa: Isa, team: &Team, parts: &mut [f32], out: &mut [f32]) {
    let len = out.len();
    if parts.is_empty() {
        out.fill(0.0);
        return;
    }
    assert_eq!(parts.len() % len, 0);
    let count = parts.len() / len;
    let parts = Shareable(parts.as_mut_ptr());
    team.share(Chunks::new(out, PIECE), |task, out| {
        // SAFETY: part `i < count` has `len` elements from `i * len` on, and no other task
        // touches those of this task's chunk: `task * PIECE ..`, as many as `out` has. Two
        // pieces that are alive together are of different parts.
        let piece = |i: usize| unsafe {
            let start = parts.get().add(i * len + task * PIECE);
            std::slice::from_raw_parts_mut(start, out.len())
        };
        let mut gap = 1;
        while gap < count {
            for i in (0..count - gap).step_by(2 * gap) {
                let (sum, x) = (piece(i), piece(i + gap));
                dispatch!(isa, |_s| for (sum, x) in sum.iter_mut().zip(x) {
                    *sum += *x;
                });
            }
            gap *= 2;
        }
        out.copy_from_slice(piece(0));
    });
}

/// Partial sums of squares: one for each task.
const SUMS: usize = 64;
/// Squares that are added up in `f32`, in each of [`LANES`] lanes every 16th.
const BLOCK: usize = 1024;
/// A fixed number, so that all instruction sets add in the same order.
const LANES: usize = 16;

/// The sum of the squares of `x`: blocks in `f32`, their sums in `f64`.
pub(super) fn sum_of_squares(isa: Isa, team: &Team, x: &[f32]) -> f64 {
    let mut sums = [0.0; SUMS];
    let len = x.len().div_ceil(SUMS).next_multiple_of(BLOCK).max(BLOCK);
    let tasks = x.len().div_ceil(len);
    let parts = (ChunksRef::new(x, len), Each::new(&mut sums[..tasks]));
    team.share(parts, |_, (x, sum)| {
        *sum = x.chunks(BLOCK).map(|block| block_of_squares(isa, block)).sum();
    });
    sums.iter().sum()
}

fn block_of_squares(isa: Isa, x: &[f32]) -> f64 {
    let mut lanes = [0.0f32; LANES];
    let sums = &mut lanes;
    dispatch!(isa, |_s| {
        let mut groups = x.chunks_exact(LANES);
        for group in &mut groups {
            for (sum, x) in sums.iter_mut().zip(group) {
                *sum += x * x;
            }
        }
        for (sum, x) in sums.iter_mut().zip(groups.remainder()) {
            *sum += x * x;
        }
    });
    lanes.iter().map(|&sum| f64::from(sum)).sum()
}
