//! The yardsticks of the benchmarks: what the machine could do at best.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::simd::{Simd, dispatch};
use crate::{Chunks, ChunksRef, Each, Isa, Parts, Team};

/// Floating-point operations that this core does in a second, at best, with the multiply-adds of
/// an instruction set: measured for a few milliseconds on numbers that stay in registers. (With
/// `portable` they are separate multiplications and additions.)
pub fn peak_flops(isa: Isa) -> f64 {
    const ROUNDS: usize = 20_000;
    let rate = |_| {
        let start = Instant::now();
        let operations = dispatch!(isa, |s| multiply_adds(s, ROUNDS));
        operations as f64 / start.elapsed().as_secs_f64()
    };
    (0..50).map(rate).fold(0.0, f64::max)
}

/// The same on `threads` threads at once, all together; 0 is one for each CPU. Takes a tenth of a
/// second. Cores that share their arithmetic, or slow down under load, reach less than so many
/// times [`peak_flops`].
pub fn peak_flops_together(isa: Isa, threads: usize) -> f64 {
    const ROUNDS: usize = 2_000_000;
    let team = Team::new(threads);
    let mut operations = vec![0; team.threads()];
    let seconds = (0..10).map(|_| {
        at_once(&team, Each::new(&mut operations), |operations| {
            *operations = dispatch!(isa, |s| multiply_adds(s, ROUNDS));
        })
    });
    let seconds = seconds.fold(f64::INFINITY, f64::min);
    operations.iter().sum::<usize>() as f64 / seconds
}

/// Bytes that `threads` threads (0: one for each CPU) together read and write in a second, at best:
/// `a = b + scale * c` over three arrays of 64 MiB, the "triad" of McCalpin's STREAM. As there,
/// what a cache reads only to overwrite it is not counted.
pub fn memory_bandwidth(threads: usize) -> f64 {
    const LEN: usize = 16 << 20;
    let team = Team::new(threads);
    let chunk = LEN.div_ceil(team.threads());
    let [mut a, mut b, mut c] = [(); 3].map(|()| vec![0.0_f32; LEN]);
    // Until a page is written it is the same page of zeros as all others.
    for array in [&mut a, &mut b, &mut c] {
        team.share(Chunks::new(array, chunk), |_, part| part.fill(1.0));
    }
    let scale = black_box(0.5);
    let seconds = (0..10).map(|_| {
        let from = (ChunksRef::new(&b, chunk), ChunksRef::new(&c, chunk));
        at_once(&team, (Chunks::new(&mut a, chunk), from), |(a, (b, c))| {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a = b + scale * c;
            }
        })
    });
    let seconds = seconds.fold(f64::INFINITY, f64::min);
    black_box(&a);
    (3 * LEN * size_of::<f32>()) as f64 / seconds
}

/// Seconds from the beginning of the first to the end of the last of some tasks, each on a thread
/// of its own: there are no more of them than the team has threads, which nobody else uses.
fn at_once<P: Parts>(team: &Team, parts: P, task: impl Fn(P::Part) + Sync) -> f64 {
    let count = parts.count();
    assert!(count <= team.threads(), "{count} tasks wait for one another");
    let barrier = Barrier::new(count);
    let mut times = vec![None; count];
    team.share((parts, Each::new(&mut times)), |_, (part, time)| {
        barrier.wait();
        let start = Instant::now();
        task(part);
        *time = Some((start, Instant::now()));
    });
    let times = times.iter().flatten();
    let end = times.clone().map(|time| time.1).max();
    let start = times.map(|time| time.0).min();
    let between = start.zip(end).map_or(Duration::ZERO, |(start, end)| end - start);
    between.as_secs_f64()
}

/// Sums that do not wait for one another: more than an FMA unit's latency times the number of
/// units, fewer than there are registers.
const SUMS: usize = 12;

/// Adds to [`SUMS`] vectors, `rounds` times; returns the number of floating-point operations.
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
    2 * SUMS * S::LANES * rounds
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn all_tasks_run_at_once_each_on_its_own_thread() {
        for threads in [1, 2, 5] {
            let team = Team::new(threads);
            let mut ids = vec![None; threads];
            let seconds = at_once(&team, Each::new(&mut ids), |id| {
                *id = Some(std::thread::current().id());
            });
            assert!(seconds >= 0.0);
            let ids: std::collections::HashSet<_> = ids.into_iter().flatten().collect();
            assert_eq!(ids.len(), threads);
        }
    }
}
