//! `dw = x^T dy`.

use super::grad_input;
use super::tile::{self, Left, Right, Tiles, VECTORS};
use crate::simd::{Simd, dispatch};
use crate::{Isa, Rows, Team};

/// Rows of `dw` that one task computes: a multiple of every instruction set's tile.
const WEIGHT_ROWS: usize = 96;

/// `db = ` the column sums of `dy`, where `db` is not empty.
pub(in crate::fast) fn grad_bias(isa: Isa, dy: Rows<'_, f32>, db: &mut [f32]) {
    assert!(db.is_empty() || db.len() == dy.width());
    db.fill(0.0);
    for i in 0..dy.len() {
        let dy = dy.row(i);
        let db = &mut *db;
        dispatch!(isa, |_s| for (db, &dy) in db.iter_mut().zip(dy) {
            *db += dy;
        });
    }
}

/// Multiply-adds for the gradient of the weights and, with `dx`, that of the inputs. Lanes without an
/// output, or a sample, are counted.
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

/// `dw = x^T dy`.
pub(in crate::fast) fn grad_weights(
    isa: Isa,
    team: &Team,
    x: Rows<'_, f32>,
    dy: Rows<'_, f32>,
    dw: &mut [f32],
) {
    let (n, rows, out) = (x.len(), x.width(), dy.width());
    assert_eq!(n, dy.len());
    assert_eq!(dw.len(), rows * out);
    if n == 0 || out == 0 {
        dw.fill(0.0);
        return;
    }
    let left = Left { data: x.row_ptr(0), row: 1, step: x.stride() };
    let right = Right { data: dy.row_ptr(0), stride: dy.stride() };
    let job = &Outer { left, right, depth: n, out, to: dw.as_mut_ptr() };
    team.run(rows.div_ceil(WEIGHT_ROWS), &|_, task| {
        let row = task * WEIGHT_ROWS;
        let rows = WEIGHT_ROWS.min(rows - row);
        // SAFETY: rows `row..row + rows` of `dw` are this task's alone, and inside, as are the
        // same columns of `x`.
        dispatch!(isa, |s| unsafe { job.rows(s, row, rows) });
    });
}

/// `to = left * right`, of small depth.
struct Outer {
    left: Left,
    right: Right,
    depth: usize,
    out: usize,
    to: *mut f32,
}

// SAFETY: the factors are only read; every task writes its own part of `to`.
unsafe impl Sync for Outer {}

impl Outer {
    /// `rows` rows of the product.
    ///
    /// # Safety
    /// They are inside `left` and `to`, and nobody else uses that part of `to`.
    #[inline(always)]
    unsafe fn rows<S: Simd>(&self, s: S, row: usize, rows: usize) {
        let Self { left, right, depth, out, to } = *self;
        let (left, to) = (left.from(row, 0), to.wrapping_add(row * out));
        tile::each_group(s, rows, &mut Overwrite { left, right, depth, out, to });
    }
}

/// All columns of some rows of [`Outer`].
struct Overwrite {
    left: Left,
    right: Right,
    depth: usize,
    out: usize,
    to: *mut f32,
}

impl<S: Simd> Tiles<S> for Overwrite {
    #[inline(always)]
    #[expect(
        clippy::needless_range_loop,
        reason = "an iterator takes vectors that are arrays apart"
    )]
    fn tile<const R: usize>(&mut self, s: S, row: usize) {
        let Self { left, right, depth, out, to } = *self;
        let left = left.from(row, 0);
        for column in (0..out).step_by(tile::columns::<S>()) {
            let width = tile::columns::<S>().min(out - column);
            // SAFETY: made by `Outer::rows`, whose caller promised that all of this is inside.
            unsafe {
                let right = right.from(0, column);
                let sums = tile::product::<S, R, VECTORS>(s, left, right, depth, width);
                for r in 0..R {
                    tile::store_row(s, to.add((row + r) * out + column), width, sums[r]);
                }
            }
        }
    }
}
