//! The yardstick of the benchmarks.

use std::hint::black_box;
use std::time::Instant;

use crate::Isa;
use crate::simd::{Simd, dispatch};

/// Floating-point operations that this core does in a second, at best, with the multiply-adds of
/// an instruction set: measured for a few milliseconds on numbers that stay in registers. (With
/// `portable` they are separate multiplications and additions.)
pub fn peak_flops(isa: Isa) -> f64 {
    const ROUNDS: usize = 20_000;
    let seconds = |_| {
        let start = Instant::now();
        let lanes = dispatch!(isa, |s| multiply_adds(s, ROUNDS));
        (2 * SUMS * lanes * ROUNDS) as f64 / start.elapsed().as_secs_f64()
    };
    (0..50).map(seconds).fold(0.0, f64::max)
}

/// Sums that do not wait for one another: more than an FMA unit's latency times the number of
/// units, fewer than there are registers.
const SUMS: usize = 12;

/// Adds to [`SUMS`] vectors, `rounds` times; returns the number of lanes.
#[inline(always)]
fn multiply_adds<S: Simd>(s: S, rounds: usize) -> usize {
    let (a, b) = (s.splat(black_box(0.5)), s.splat(black_box(0.25)));
    let mut sums = [s.splat(0.0); SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = s.mul_add(*sum, a, b);
        }
    }
    black_box(sums);
    S::LANES
}
