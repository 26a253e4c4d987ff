//! `y = x w + bias`.

use super::skip;
use super::tile::{self, Left, Right, Tiles, VECTORS};
use crate::simd::{Simd, dispatch};
use crate::{Isa, Rows, RowsMut, Team};

/// Samples of one task at most.
const SAMPLES: usize = 64;
/// Blocks of columns of one task at most: so often what is read of its samples serves.
const BLOCKS: usize = 2;
/// Depth after which sums go to memory: so much of the right factor stays in the cache for the
/// next rows, and sums of partial sums are more exact.
const DEPTH: usize = 256;

/// `y = x w + bias`; an empty `bias` is zero. With `skip`, zeros of `x` need not be multiplied.
pub(in crate::fast) fn forward(
    isa: Isa,
    team: &Team,
    x: Rows<'_, f32>,
    w: &[f32],
    bias: &[f32],
    skip: bool,
    y: RowsMut<'_, f32>,
) {
    let (n, depth, out) = (x.len(), x.width(), y.width());
    assert_eq!(n, y.len());
    assert_eq!(w.len(), depth * out);
    assert!(bias.is_empty() || bias.len() == out);
    if n == 0 || out == 0 {
        return;
    }
    if skip && skip::pays(isa, x) {
        return skip::forward(isa, team, x, w, bias, y);
    }
    let columns = dispatch!(isa, |s| columns(s));
    let (rows, blocks) = (n.div_ceil(SAMPLES), out.div_ceil(columns));
    // One by one where there would be too few tasks for the threads.
    let own = if rows * blocks.div_ceil(BLOCKS) < team.threads() { 1 } else { BLOCKS };
    let (samples, columns, blocks) = (n.div_ceil(rows), columns * own, blocks.div_ceil(own));
    let left = Left { data: x.row_ptr(0), row: x.stride(), step: 1 };
    let right = Right { data: w.as_ptr(), stride: out };
    let job = Product { left, right, depth, to: y.row_ptr(0), to_stride: y.stride(), bias };
    let job = &job;
    team.run(rows * blocks, &|_, task| {
        let (row, column) = (task / blocks * samples, task % blocks * columns);
        let (rows, width) = (samples.min(n - row), columns.min(out - column));
        // SAFETY: the tile of `y` is this task's alone, and inside, as are the rows of `x` and
        // the columns of `w`: their sizes were compared above.
        dispatch!(isa, |s| unsafe { job.block(s, row, rows, column, width) });
    });
}

/// Multiply-adds of [`forward()`]; lanes without an output are counted.
pub(in crate::fast) fn forward_made(isa: Isa, x: Rows<'_, f32>, out: usize, skip: bool) -> u64 {
    if skip && skip::pays(isa, x) {
        return skip::made(isa, x, out);
    }
    let columns = dispatch!(isa, |s| columns(s));
    (x.len() * x.width() * out.next_multiple_of(columns)) as u64
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
    /// `rows` rows and `width` columns of the product.
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
            let left = self.left.from(row, start);
            for first in (0..width).step_by(columns(s)) {
                let right = self.right.from(start, column + first);
                let (to, width) = (to.wrapping_add(first), columns(s).min(width - first));
                let mut tiles =
                    Accumulate { left, right, depth, width, to, to_stride: self.to_stride };
                tile::each_group(s, rows, &mut tiles);
            }
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
