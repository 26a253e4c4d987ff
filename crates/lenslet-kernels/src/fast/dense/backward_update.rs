//! The gradients of a dense layer and its optimiser in one pass over the weights.
//!
//! A large layer's weights and moments do not fit the caches: what a step costs is how often they
//! are read and written. Here a task takes some rows of the weights, computes with them the
//! gradient of the inputs, then row by row their own gradient, which goes into the optimiser's
//! rule while it is in the first cache.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::grad_input::{self, transposed_rows};
use super::tile::{self, Left, Right, Tiles, VECTORS};
use crate::fast::optimizer;
use crate::simd::{Simd, dispatch};
use crate::team::Shareable;
use crate::{Chunks, Isa, Rows, RowsMut, Rule, Team};

/// Rows of the weights in one task: a multiple of every instruction set's tile.
const ROWS: usize = 96;
/// Gradients that wait for the optimiser.
const GRADIENTS: usize = 4096;

/// Multiply-adds for both gradients, or that of the weights: here as in their own kernels. Lanes
/// without an output, or a sample, are counted.
pub(in crate::fast) fn backward_made(
    isa: Isa,
    samples: usize,
    inputs: usize,
    out: usize,
    dx: bool,
) -> u64 {
    let columns = dispatch!(isa, |s| columns(s));
    let weights = (samples * inputs * out.next_multiple_of(columns)) as u64;
    weights + if dx { grad_input::made(isa, samples, inputs, out) } else { 0 }
}

#[inline(always)]
fn columns<S: Simd>(_: S) -> usize {
    tile::columns::<S>()
}

/// `dx = dy w^T`, then the update of `w` by `x^T dy`. Returns whether all of `w` is finite.
#[expect(clippy::too_many_arguments, reason = "three kernels in one")]
pub(in crate::fast) fn backward_update(
    isa: Isa,
    team: &Team,
    x: Rows<'_, f32>,
    dy: Rows<'_, f32>,
    dx: Option<RowsMut<'_, f32>>,
    rule: Rule,
    w: &mut [f32],
    [first, second]: [&mut [f32]; 2],
) -> bool {
    let (n, inputs, out) = (x.len(), x.width(), dy.width());
    assert_eq!(n, dy.len());
    assert_eq!(w.len(), inputs * out);
    if w.is_empty() {
        return true;
    }
    let to = dx.as_ref().filter(|_| n > 0).map(|dx| {
        assert_eq!((dx.len(), dx.width()), (n, inputs));
        (Shareable(dx.row_ptr(0)), dx.stride())
    });
    let left =
        Left { data: if n > 0 { x.row_ptr(0) } else { [].as_ptr() }, row: 1, step: x.stride() };
    let right =
        Right { data: if n > 0 { dy.row_ptr(0) } else { [].as_ptr() }, stride: dy.stride() };
    let factors = &Factors { left, right, depth: n, out };
    let finite = AtomicBool::new(true);
    let tasks = inputs.div_ceil(ROWS);
    let cut = |moment| optimizer::cut(moment, ROWS * out, tasks);
    let parts = (Chunks::new(w, ROWS * out), cut(first), cut(second));
    team.share(parts, |task, (w, first, second)| {
        let row = task * ROWS;
        if let Some((to, stride)) = &to {
            let to = to.get().wrapping_add(row);
            // SAFETY: as many columns of `dx` as this task has rows of `w` are this task's alone.
            unsafe { transposed_rows(isa, dy, w, to, *stride) };
        }
        let left = factors.left.from(row, 0);
        let rows = w.len() / out;
        let moments = [first, second];
        let gradients = [0.0; GRADIENTS];
        let mut tiles = Update { factors, left, rule, w, moments, gradients, finite: true };
        let all = &mut tiles;
        dispatch!(isa, |s| tile::each_group(s, rows, all));
        if !tiles.finite {
            finite.store(false, Ordering::Relaxed);
        }
    });
    finite.into_inner()
}

/// The gradient of the weights as a product, of small depth.
struct Factors {
    left: Left,
    right: Right,
    depth: usize,
    out: usize,
}

// SAFETY: they are only read.
unsafe impl Sync for Factors {}

/// One task's rows of the weights.
struct Update<'a> {
    factors: &'a Factors,
    /// From the task's first row on.
    left: Left,
    rule: Rule,
    w: &'a mut [f32],
    moments: [&'a mut [f32]; 2],
    /// Working memory.
    gradients: [f32; GRADIENTS],
    finite: bool,
}

impl<S: Simd> Tiles<S> for Update<'_> {
    #[inline(always)]
    fn tile<const R: usize>(&mut self, s: S, row: usize) {
        let out = self.factors.out;
        let columns = tile::columns::<S>();
        let most = GRADIENTS / R / columns * columns;
        for start in (0..out).step_by(most) {
            let width = most.min(out - start);
            let left = self.left.from(row, 0);
            let gradients = &mut self.gradients[..R * width];
            // SAFETY: `backward_update` checked that the factors have `R` rows from `row` on, and
            // all these columns.
            unsafe { self.factors.product::<S, R>(s, left, start, width, gradients) };
            if width == out {
                self.update(row * out, 0..R * width);
            } else {
                (0..R)
                    .for_each(|r| self.update((row + r) * out + start, r * width..(r + 1) * width));
            }
        }
    }
}

impl Factors {
    /// `R` rows from `left` on, and `width` columns from `start` on, to `to`.
    ///
    /// # Safety
    /// The factors have these.
    #[inline(always)]
    unsafe fn product<S: Simd, const R: usize>(
        &self,
        s: S,
        left: Left,
        start: usize,
        width: usize,
        to: &mut [f32],
    ) {
        for column in (0..width).step_by(tile::columns::<S>()) {
            let some = tile::columns::<S>().min(width - column);
            let right = self.right.from(0, start + column);
            // SAFETY: the caller's promise.
            let sums = unsafe { tile::product::<S, R, VECTORS>(s, left, right, self.depth, some) };
            for (to, sums) in to.chunks_exact_mut(width).zip(sums) {
                let to = &mut to[column..column + some];
                // SAFETY: `to` has `some` numbers.
                unsafe { tile::store_row(s, to.as_mut_ptr(), some, sums) };
            }
        }
    }
}

impl Update<'_> {
    /// Applies the rule to the parameters from `at` on, with these gradients.
    #[inline(always)]
    fn update(&mut self, at: usize, gradients: Range<usize>) {
        let some = at..at + gradients.len();
        let moments = self.moments.each_mut().map(|moment| match moment.is_empty() {
            true => &mut [],
            false => &mut moment[some.clone()],
        });
        let gradients = &self.gradients[gradients];
        self.finite &= optimizer::piece(self.rule, &mut self.w[some], gradients, moments);
    }
}
