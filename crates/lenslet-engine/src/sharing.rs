//! When all threads work on one image together, and how they share what is done to it number by
//! number.
//!
//! Images side by side, one on each thread, need no waiting for one another; so that is how a batch
//! begins. What is left when there are fewer images than threads is done one image after the
//! other, each by all threads, if that takes less time. Both times are counted in multiply-adds, never
//! measured, and no result depends on the choice.

use lenslet_kernels::{Chunks, Conv2dKernel, Kernels, Team};

use crate::plan::Stage;
use crate::program::{Op, Program, Step};
use crate::workspace::Local;

/// What a job of the team costs beside its work, in multiply-adds: two microseconds of a core with
/// AVX-512.
const JOB: u64 = 1 << 18;
/// What one number of an element-wise operation costs, in multiply-adds: it comes from the second
/// level of the cache at best.
const NUMBER: u64 = 16;
/// One of so many multiply-adds is left behind a rectifier and a pool.
const SKIPPED: u64 = 8;
/// Numbers of a piece at least: some five microseconds.
const LEAST: usize = 1 << 15;
/// Pieces for each thread: where one is slower, the others do more.
const EACH: usize = 2;

/// What an image costs in each stage.
pub(crate) struct Sharing {
    threads: usize,
    forward: Vec<Cost>,
    backward: Vec<Cost>,
}

/// Multiply-adds from the start to the end of an image's turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cost {
    /// Where one thread does it all.
    alone: u64,
    /// Where all threads do.
    together: u64,
}

impl Cost {
    /// Work that is done in so many pieces.
    fn of(alone: u64, pieces: usize, threads: usize) -> Self {
        if pieces <= 1 {
            return Self { alone, together: alone };
        }
        let rounds = pieces.div_ceil(threads) as u64;
        Self { alone, together: alone * rounds / pieces as u64 + JOB }
    }

    fn of_numbers(len: usize, threads: usize) -> Self {
        let pieces = if threads == 1 { 1 } else { len.div_ceil(piece(len, 1, threads)) };
        Self::of(len as u64 * NUMBER, pieces, threads)
    }

    /// How many of some tasks run side by side, and not one after the other by all threads.
    fn side_by_side(self, tasks: usize, threads: usize) -> usize {
        let left = tasks % threads;
        if left as u64 * self.together < self.alone { tasks - left } else { tasks }
    }
}

impl Sharing {
    pub(crate) fn new<K: Kernels>(program: &Program<K>, stages: &[Stage], threads: usize) -> Self {
        let sum = |cost: &dyn Fn(usize) -> Cost, stage: &Stage| {
            stage.steps().map(cost).fold(Cost::default(), |sum, cost| Cost {
                alone: sum.alone + cost.alone,
                together: sum.together + cost.together,
            })
        };
        let all = |cost: &dyn Fn(usize) -> Cost| stages.iter().map(|s| sum(cost, s)).collect();
        Self {
            threads,
            forward: all(&|step| forward(program, step, threads)),
            backward: all(&|step| backward(program, step, threads)),
        }
    }

    /// How many of a stage's tasks run side by side, and not one after the other by all threads.
    pub(crate) fn side_by_side(&self, stage: usize, tasks: usize) -> usize {
        self.forward[stage].side_by_side(tasks, self.threads)
    }

    /// The same on the way back.
    pub(crate) fn back_side_by_side(&self, stage: usize, tasks: usize) -> usize {
        self.backward[stage].side_by_side(tasks, self.threads)
    }
}

fn forward<K: Kernels>(program: &Program<K>, step: usize, threads: usize) -> Cost {
    let step = &program.steps[step];
    match &step.op {
        Op::Conv2d { kernel, .. } => {
            Cost::of(kernel.forward_made(), kernel.pieces(threads), threads)
        }
        _ if step.is_shared() => Cost::of_numbers(program.lens[step.output], threads),
        _ => Cost::of_numbers(program.lens[step.input], 1),
    }
}

fn backward<K: Kernels>(program: &Program<K>, index: usize, threads: usize) -> Cost {
    let step = &program.steps[index];
    let Op::Conv2d { kernel, .. } = &step.op else { return forward(program, index, threads) };
    let gradients = 1 + u64::from(program.wanted[step.input]);
    let made = kernel.forward_made() * gradients;
    if program.blocks[index].is_some_and(|block| block.rectified) {
        // Most of it is zeros that one thread skips.
        return Cost::of(made / SKIPPED, 1, threads);
    }
    Cost::of(made, kernel.backward_pieces(threads), threads)
}

impl<K: Kernels> Step<K> {
    /// Whether the forward pass of this step, a number or a row at a time, is cut by [`Hands::cut`].
    fn is_shared(&self) -> bool {
        match &self.op {
            Op::Load
            | Op::Activate(_)
            | Op::ScaleShift { .. }
            | Op::Frozen { .. }
            | Op::Normalize { .. } => true,
            Op::Add(repeats) | Op::Multiply(repeats) => repeats.iter().all(Option::is_none),
            _ => false,
        }
    }
}

/// Who works on an image.
pub(crate) enum Hands<'a, R> {
    /// One thread, beside others that work on other images.
    One,
    /// All threads, each with its working memory.
    All(&'a Team, &'a mut [Local<R>]),
}

impl<R> Hands<'_, R> {
    /// Calls `work(first, numbers)` for pieces of `y` that begin at `first`, each whole rows of `row`
    /// numbers.
    pub(crate) fn cut<T: Send>(
        &self,
        row: usize,
        y: &mut [T],
        work: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let Self::All(team, _) = self else { return work(0, y) };
        let piece = piece(y.len(), row, team.threads());
        team.share(Chunks::new(y, piece), |i, y| work(i * piece, y));
    }
}

/// Numbers of a piece: whole rows, and a multiple of every vector.
fn piece(len: usize, row: usize, threads: usize) -> usize {
    (len / (EACH * threads)).max(LEAST).next_multiple_of(64 * row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_batch_is_shared_where_that_is_faster() {
        // Eight threads take a seventh of the time.
        let cost = Cost { alone: 700, together: 101 };
        for (tasks, side_by_side) in [(1, 0), (6, 0), (7, 7), (8, 8), (9, 8), (15, 15), (130, 128)]
        {
            assert_eq!(cost.side_by_side(tasks, 8), side_by_side, "{tasks} tasks");
        }
    }

    #[test]
    fn what_costs_more_to_share_is_not_shared() {
        assert_eq!(Cost { alone: 100, together: 120 }.side_by_side(1, 8), 1);
        assert_eq!(Cost { alone: 100, together: 100 }.side_by_side(1, 1), 1);
    }

    #[test]
    fn pieces_are_whole_rows_and_not_small() {
        for (len, row, threads) in [(1, 1, 1), (1 << 20, 3, 8), (1 << 24, 100, 64), (70_000, 7, 4)]
        {
            let piece = piece(len, row, threads);
            assert!(piece >= LEAST && piece.is_multiple_of(row) && piece.is_multiple_of(64));
        }
    }
}
