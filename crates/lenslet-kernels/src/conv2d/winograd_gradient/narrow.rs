//! Sources of few channels: `A dy A'` is multiplied as it is made.
//!
//! Each of its numbers has so few products that writing and reading it would take as long. One row of
//! the 36 elements after the other is made of the output's gradient, and all that it adds to the
//! gradient of the transformed filters stays in registers.

use std::ops::Range;

use super::{WinogradGradient, Work, output};
use crate::conv2d::correlation::block_width;
use crate::conv2d::winograd::narrow::{CHANNELS, TILES, pitch, stride};
use crate::conv2d::winograd::{ELEMENTS, IN, OUT};
use crate::simd::Simd;

/// Numbers of a chunk's tiles of the output's gradient, of a vector of 16 channels at most.
pub(super) const EDGES: usize = TILES * OUT * OUT * 16;

/// Where a vector of channels of a tile of the output's gradient lies.
#[derive(Clone, Copy)]
struct Tile {
    first: *const f32,
    /// From one row to the next.
    row: usize,
    /// From one pixel to the next.
    column: usize,
}

/// What a chunk of tiles is multiplied by, and where the products go.
struct Operands<'a> {
    tiles: &'a [Tile],
    /// `B' d B`.
    inputs: &'a [f32],
    /// The gradient of the transformed filters of a vector of channels: from each source channel of each
    /// element to the next there are `width` numbers.
    filters: &'a mut [f32],
    width: usize,
    /// The gradient of the bias.
    bias: &'a mut [f32],
}

impl WinogradGradient {
    /// The products of a chunk of tiles for some channels, and the sums for the bias.
    #[inline(always)]
    pub(super) fn narrow_products<S: Simd>(
        &self,
        s: S,
        dy: &[f32],
        chunk: &Range<usize>,
        some: &Range<usize>,
        work: &mut Work<'_>,
    ) {
        let forward = &self.forward;
        let depth = ELEMENTS * forward.source_channels;
        let mut tiles = [Tile { first: dy.as_ptr(), row: 0, column: 0 }; TILES];
        let tiles = &mut tiles[..chunk.len()];
        for o in (some.start..forward.target_channels.min(some.end)).step_by(S::LANES) {
            let edges = work.outputs.data.chunks_exact_mut(OUT * OUT * S::LANES);
            for ((to, tile), edge) in tiles.iter_mut().zip(chunk.clone()).zip(edges) {
                *to = self.tile(s, dy, tile, o, edge);
            }
            let block = o - o % block_width(S::LANES);
            let width = block_width(S::LANES).min(forward.padded_target - block);
            let operands = Operands {
                tiles,
                inputs: work.inputs.data,
                filters: &mut work.filters[depth * block + o - block..],
                width,
                bias: &mut work.outputs.bias[o..],
            };
            match forward.source_channels {
                1 => multiply::<S, 1>(s, operands),
                2 => multiply::<S, 2>(s, operands),
                3 => multiply::<S, 3>(s, operands),
                _ => multiply::<S, CHANNELS>(s, operands),
            }
        }
    }

    /// A tile's channels from `o` on; where they are not a whole tile of whole vectors they are copied to
    /// `edge`, with zeros around.
    #[inline(always)]
    fn tile<S: Simd>(&self, s: S, dy: &[f32], tile: usize, o: usize, edge: &mut [f32]) -> Tile {
        let forward = &self.forward;
        let channels = forward.target_channels;
        let [row, column] = forward.place(tile).map(|at| at * OUT);
        let height = (forward.target_height - row).min(OUT);
        let width = (forward.target_width - column).min(OUT);
        let line = forward.target_width * channels;
        let from = &dy[row * line + column * channels..];
        if [height, width] == [OUT; 2] && o + S::LANES <= channels {
            let from = &from[..(OUT - 1) * (line + channels) + o + S::LANES];
            return Tile { first: from[o..].as_ptr(), row: line, column: channels };
        }
        for y in 0..OUT {
            for x in 0..OUT {
                let pixel = if y < height && x < width {
                    let at = y * line + x * channels;
                    s.load_tail(&from[at + o..at + channels])
                } else {
                    s.splat(0.0)
                };
                s.store(&mut edge[(y * OUT + x) * S::LANES..], pixel);
            }
        }
        Tile { first: edge.as_ptr(), row: OUT * S::LANES, column: S::LANES }
    }
}

/// All elements of a source of `C` channels, row by row.
#[inline(always)]
fn multiply<S: Simd, const C: usize>(s: S, mut operands: Operands<'_>) {
    let Operands { tiles, inputs, filters, width, bias } = &operands;
    let last = tiles.len().checked_sub(1).expect("a chunk has a tile");
    assert!(inputs.len() >= last * pitch(C) + (ELEMENTS - 1) * stride(C) + C);
    assert!(filters.len() >= (ELEMENTS * C - 1) * width + S::LANES);
    assert!(bias.len() >= S::LANES);
    // SAFETY: just checked, and a tile's numbers can be read.
    unsafe {
        row::<S, C, 0>(s, &mut operands);
        row::<S, C, 1>(s, &mut operands);
        row::<S, C, 2>(s, &mut operands);
        row::<S, C, 3>(s, &mut operands);
        row::<S, C, 4>(s, &mut operands);
        row::<S, C, 5>(s, &mut operands);
    }
}

/// Row `Y` of the elements, at once or in halves, as there are registers for.
///
/// # Safety
/// See [`multiply`].
#[inline(always)]
unsafe fn row<S: Simd, const C: usize, const Y: usize>(s: S, operands: &mut Operands<'_>) {
    s.apart(
        #[inline(always)]
        || {
            // SAFETY: the caller's promise.
            unsafe {
                if C * IN + 12 <= S::REGISTERS {
                    some::<S, C, Y, 0, IN>(s, operands);
                } else {
                    some::<S, C, Y, 0, { IN / 2 }>(s, operands);
                    some::<S, C, Y, { IN / 2 }, { IN / 2 }>(s, operands);
                }
            }
        },
    );
}

/// `N` elements of row `Y`, from `X` on.
///
/// # Safety
/// See [`multiply`].
#[inline(always)]
unsafe fn some<S: Simd, const C: usize, const Y: usize, const X: usize, const N: usize>(
    s: S,
    operands: &mut Operands<'_>,
) {
    let Operands { tiles, inputs, filters, width, bias } = operands;
    let at = |x: usize, c: usize| ((Y * IN + X + x) * C + c) * *width;
    let mut sums = [[s.splat(0.0); N]; C];
    for (c, sums) in sums.iter_mut().enumerate() {
        for (x, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *sum = unsafe { s.load_ptr(filters.as_ptr().add(at(x, c))) };
        }
    }
    let mut total = s.load(bias);
    for (tile, &Tile { first, row, column }) in tiles.iter().enumerate() {
        let mut line = [s.splat(0.0); OUT];
        for (x, number) in line.iter_mut().enumerate() {
            let mut pixels = [s.splat(0.0); OUT];
            for (y, pixel) in pixels.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                *pixel = unsafe { s.load_ptr(first.add(y * row + x * column)) };
            }
            *number = output(s, pixels)[Y];
        }
        let m = output(s, line);
        // Element (1, 1) of a transformed tile is the sum of the tile.
        total = s.add(total, m[1]);
        for (c, sums) in sums.iter_mut().enumerate() {
            for (x, sum) in sums.iter_mut().enumerate() {
                let at = (Y * IN + X + x) * stride(C) + tile * pitch(C) + c;
                // SAFETY: the caller's promise.
                let input = s.splat(unsafe { *inputs.as_ptr().add(at) });
                *sum = s.mul_add(input, m[X + x], *sum);
            }
        }
    }
    for (c, sums) in sums.iter().enumerate() {
        for (x, sum) in sums.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { s.store_ptr(filters.as_mut_ptr().add(at(x, c)), *sum) };
        }
    }
    if Y == 1 && X == 0 {
        s.store(bias, total);
    }
}
