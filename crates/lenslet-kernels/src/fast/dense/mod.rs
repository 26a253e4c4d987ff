//! Matrix products of a fully connected layer: `x` is `n x in`, `w` is `in x out`, `y` is
//! `n x out`.
//!
//! All three products are cut into tasks by the shape alone, and every element is summed by one
//! task in a fixed order.

mod tile;

use std::ops::Range;

use self::tile::{Left, Right, Tiles, VECTORS};
use crate::simd::{Simd, dispatch};
use crate::team::Shareable;
use crate::{Isa, Rows, RowsMut, Team};

/// Samples of one task.
const SAMPLES: usize = 48;
/// Depth after which sums go to memory: so much of the right factor stays in the cache for the
/// next rows, and sums of partial sums are more exact.
const DEPTH: usize = 256;

/// `y = x w + bias`; an empty `bias` is zero.
pub(super) fn forward(
    isa: Isa,
    team: &Team,
    x: Rows<'_, f32>,
    w: &[f32],
    bias: &[f32],
    y: RowsMut<'_, f32>,
) {
    let (n, depth, out) = (x.len(), x.width(), y.width());
    assert_eq!(n, y.len());
    assert_eq!(w.len(), depth * out);
    assert!(bias.is_empty() || bias.len() == out);
    if n == 0 || out == 0 {
        return;
    }
    let columns = dispatch!(isa, |s| columns(s));
    let blocks = out.div_ceil(columns);
    let left = Left { data: x.row_ptr(0), row: x.stride(), step: 1 };
    let right = Right { data: w.as_ptr(), stride: out };
    let job = Product { left, right, depth, to: y.row_ptr(0), to_stride: y.stride(), bias };
    let job = &job;
    team.run(blocks * n.div_ceil(SAMPLES), &|_, task| {
        let (row, column) = (task / blocks * SAMPLES, task % blocks * columns);
        let (rows, width) = (SAMPLES.min(n - row), columns.min(out - column));
        // SAFETY: the tile of `y` is this task's alone, and inside, as are the rows of `x` and
        // the columns of `w`: their sizes were compared above.
        dispatch!(isa, |s| unsafe { job.block(s, row, rows, column, width) });
    });
}

#[inline(always)]
fn columns<S: Simd>(_: S) -> usize {
    tile::columns::<S>()
}

/// `to = left * right + bias`.
struct Product<'a> {
    left: Left,
    right: Right,
    depth: usize,
    to: *mut f32,
    to_stride: usize,
    bias: &'a [f32],
}

// SAFETY: the factors are only read; every task writes its own part of `to`.
unsafe impl Sync for Product<'_> {}

impl Product<'_> {
    /// `rows` rows and `width <= columns` columns of the product.
    ///
    /// # Safety
    /// They are inside all three matrices, and nobody else uses that part of `to`.
    #[inline(always)]
    unsafe fn block<S: Simd>(&self, s: S, row: usize, rows: usize, column: usize, width: usize) {
        let to = self.to.wrapping_add(row * self.to_stride + column);
        for r in 0..rows {
            // SAFETY: the caller's promise.
            let to = unsafe { std::slice::from_raw_parts_mut(to.add(r * self.to_stride), width) };
            match self.bias.get(column..column + width) {
                Some(bias) => to.copy_from_slice(bias),
                None => to.fill(0.0),
            }
        }
        for start in (0..self.depth).step_by(DEPTH) {
            let depth = DEPTH.min(self.depth - start);
            let (left, right) = (self.left.from(row, start), self.right.from(start, column));
            let mut tiles = Accumulate { left, right, depth, width, to, to_stride: self.to_stride };
            tile::each_group(s, rows, &mut tiles);
        }
    }
}

/// `to += left * right`.
struct Accumulate {
    left: Left,
    right: Right,
    depth: usize,
    width: usize,
    to: *mut f32,
    to_stride: usize,
}

impl<S: Simd> Tiles<S> for Accumulate {
    #[inline(always)]
    fn tile<const R: usize>(&mut self, s: S, row: usize) {
        let Self { left, right, depth, width, .. } = *self;
        // SAFETY: made by `Product::block`, whose caller promised that all of this is inside.
        unsafe {
            let sums = tile::product::<S, R, VECTORS>(s, left.from(row, 0), right, depth, width);
            for (r, sums) in sums.into_iter().enumerate() {
                let to = self.to.add((row + r) * self.to_stride);
                let old: [_; VECTORS] = tile::load_row(s, to, width);
                tile::store_row(s, to, width, [s.add(old[0], sums[0]), s.add(old[1], sums[1])]);
            }
        }
    }
}

/// Rows of `dw` that one task computes: a multiple of every instruction set's tile.
const WEIGHT_ROWS: usize = 96;

/// `dw = x^T dy`, and `db = ` the column sums of `dy` where `db` is not empty.
pub(super) fn grad_weights(
    isa: Isa,
    team: &Team,
    x: Rows<'_, f32>,
    dy: Rows<'_, f32>,
    dw: &mut [f32],
    db: &mut [f32],
) {
    let (n, rows, out) = (x.len(), x.width(), dy.width());
    assert_eq!(n, dy.len());
    assert_eq!(dw.len(), rows * out);
    assert!(db.is_empty() || db.len() == out);
    db.fill(0.0);
    for i in 0..n {
        let dy = dy.row(i);
        let db = &mut *db;
        dispatch!(isa, |_s| for (db, &dy) in db.iter_mut().zip(dy) {
            *db += dy;
        });
    }
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
    fn tile<const R: usize>(&mut self, s: S, row: usize) {
        let Self { left, right, depth, out, to } = *self;
        let left = left.from(row, 0);
        for column in (0..out).step_by(tile::columns::<S>()) {
            let width = tile::columns::<S>().min(out - column);
            // SAFETY: made by `Outer::rows`, whose caller promised that all of this is inside.
            unsafe {
                let right = right.from(0, column);
                let sums = tile::product::<S, R, VECTORS>(s, left, right, depth, width);
                for (r, sums) in sums.into_iter().enumerate() {
                    tile::store_row(s, to.add((row + r) * out + column), width, sums);
                }
            }
        }
    }
}

/// Inputs whose gradient one task computes.
const INPUTS: usize = 512;
/// Outputs of `dy` that are transposed at a time.
const OUTPUTS: usize = 128;
/// Columns of the widest tile.
const WIDEST: usize = 32;

/// `dx = dy w^T`.
///
/// Computed as `dx^T = w dy^T`, with vectors along the samples: `w` is read row by row as it
/// stands, and it is the small factor, `dy`, that is transposed, and the result on its way out.
pub(super) fn grad_input(
    isa: Isa,
    team: &Team,
    dy: Rows<'_, f32>,
    w: &[f32],
    dx: RowsMut<'_, f32>,
) {
    let (n, inputs, out) = (dy.len(), dx.width(), dy.width());
    assert_eq!(n, dx.len());
    assert_eq!(w.len(), inputs * out);
    if n == 0 || inputs == 0 {
        return;
    }
    let columns = dispatch!(isa, |s| sample_columns(s, n));
    let blocks = inputs.div_ceil(INPUTS);
    let to = Shareable(dx.row_ptr(0));
    let stride = dx.stride();
    team.run(blocks * n.div_ceil(columns), &|_, task| {
        let (input, sample) = (task % blocks * INPUTS, task / blocks * columns);
        let (inputs, samples) = (INPUTS.min(inputs - input), columns.min(n - sample));
        let w = &w[input * out..(input + inputs) * out];
        let to = to.get().wrapping_add(sample * stride + input);
        // SAFETY: `inputs` columns of `samples` rows of `dx` from `to` on are this task's alone.
        dispatch!(isa, |s| unsafe {
            transposed_block(s, dy, sample..sample + samples, columns, w, to, stride)
        });
    });
}

/// Samples of one task: one vector where they fit, else two.
#[inline(always)]
fn sample_columns<S: Simd>(_: S, n: usize) -> usize {
    if n <= S::LANES { S::LANES } else { tile::columns::<S>() }
}

/// The gradient of the inputs that belong to the rows `w`, for some samples.
///
/// # Safety
/// At most `columns` rows, one for each of `samples`, of as many numbers as `w` has rows, `stride`
/// apart, can be written at `to`, and nobody else uses them.
#[inline(always)]
unsafe fn transposed_block<S: Simd>(
    s: S,
    dy: Rows<'_, f32>,
    samples: Range<usize>,
    columns: usize,
    w: &[f32],
    to: *mut f32,
    stride: usize,
) {
    let out = dy.width();
    let inputs = w.len().checked_div(out).unwrap_or(0);
    let mut panel = [0.0; OUTPUTS * WIDEST];
    for start in (0..out).step_by(OUTPUTS) {
        let depth = OUTPUTS.min(out - start);
        for (i, sample) in samples.clone().enumerate() {
            for (k, &dy) in dy.row(sample)[start..start + depth].iter().enumerate() {
                panel[k * columns + i] = dy;
            }
        }
        let left = Left { data: w.as_ptr(), row: out, step: 1 }.from(0, start);
        let right = Right { data: panel.as_ptr(), stride: columns };
        let first = start == 0;
        let samples = samples.len();
        if columns == S::LANES {
            let mut tiles = Transpose::<1> { left, right, depth, samples, to, stride, first };
            tile::each_group(s, inputs, &mut tiles);
        } else {
            let mut tiles = Transpose::<2> { left, right, depth, samples, to, stride, first };
            tile::each_group(s, inputs, &mut tiles);
        }
    }
}

/// `to = (left * right)^T`, or `+=` after the first part of the depth. `right` has `V` vectors of
/// columns.
struct Transpose<const V: usize> {
    left: Left,
    right: Right,
    depth: usize,
    samples: usize,
    to: *mut f32,
    stride: usize,
    first: bool,
}

impl<S: Simd, const V: usize> Tiles<S> for Transpose<V> {
    #[inline(always)]
    fn tile<const R: usize>(&mut self, s: S, row: usize) {
        let columns = V * S::LANES;
        let mut sums = [[0.0; WIDEST]; R];
        // SAFETY: made by `transposed_block`: the rows are inside `w`, and the panel has all
        // columns (those without a sample hold zeros or what an earlier part left there).
        unsafe {
            let left = self.left.from(row, 0);
            let tile = tile::product::<S, R, V>(s, left, self.right, self.depth, columns);
            for (sums, tile) in sums.iter_mut().zip(tile) {
                tile::store_row(s, sums.as_mut_ptr(), columns, tile);
            }
        }
        for i in 0..self.samples {
            let to = self.to.wrapping_add(i * self.stride + row);
            // SAFETY: the promise of `transposed_block`'s caller.
            let to = unsafe { std::slice::from_raw_parts_mut(to, R) };
            for (to, sums) in to.iter_mut().zip(&sums) {
                *to = if self.first { sums[i] } else { *to + sums[i] };
            }
        }
    }
}
