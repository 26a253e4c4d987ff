//! `dx = dy w^T`.

use std::ops::Range;

use super::tile::{self, Left, Right, Tiles};
use crate::simd::{Simd, dispatch};
use crate::team::Shareable;
use crate::{Isa, Rows, RowsMut, Team};

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
pub(in crate::fast) fn grad_input(
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

/// Multiply-adds for `inputs` inputs; lanes without a sample are counted.
pub(super) fn made(isa: Isa, samples: usize, inputs: usize, out: usize) -> u64 {
    let columns = dispatch!(isa, |s| sample_columns(s, samples));
    (samples.next_multiple_of(columns) * inputs * out) as u64
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
