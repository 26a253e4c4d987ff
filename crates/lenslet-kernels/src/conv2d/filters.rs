//! The filters as one pass reads them: from the channels of its source to those of its target.

use crate::Conv2dShape;
use crate::simd::Simd;

/// Filters in the order of [`Conv2dKernel`](crate::Conv2dKernel): window, input, output channels.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    w: &'a [f32],
    source_channels: usize,
    target_channels: usize,
    /// Whether the source's channels are the output's.
    back: bool,
}

impl<'a> View<'a> {
    /// From the input to the output.
    pub(super) fn forward(w: &'a [f32], shape: &Conv2dShape) -> Self {
        let (source_channels, target_channels) = (shape.in_channels, shape.out_channels);
        Self { w, source_channels, target_channels, back: false }
    }

    /// From the output's gradient to the input's.
    pub(super) fn backward(w: &'a [f32], shape: &Conv2dShape) -> Self {
        let (source_channels, target_channels) = (shape.out_channels, shape.in_channels);
        Self { w, source_channels, target_channels, back: true }
    }

    /// The weights of a tap from the source's channels `c + i` to the target's from `o` on: a vector
    /// for each `i`, of the first [`LANES`](Simd::LANES). Zeros where there are no channels.
    #[inline(always)]
    pub(super) fn block<S: Simd>(&self, s: S, tap: usize, c: usize, o: usize) -> [S::F32; 16] {
        let len = self.source_channels * self.target_channels;
        let taps = &self.w[tap * len..][..len];
        if self.back {
            s.transpose(block(s, taps, self.source_channels, o, c))
        } else {
            block(s, taps, self.target_channels, c, o)
        }
    }
}

/// A square of a matrix of so many columns: a vector for each of its rows, of the first
/// [`LANES`](Simd::LANES). Zeros outside the matrix.
#[inline(always)]
pub(super) fn block<S: Simd>(
    s: S,
    matrix: &[f32],
    columns: usize,
    row: usize,
    column: usize,
) -> [S::F32; 16] {
    let mut block = [s.splat(0.0); 16];
    let rows = matrix[row * columns..].chunks_exact(columns);
    for (to, row) in block[..S::LANES].iter_mut().zip(rows) {
        let row = &row[column..];
        *to = if row.len() >= S::LANES { s.load(row) } else { s.load_tail(row) };
    }
    block
}
