//! From the products of a tile to its outputs.

use std::ops::Range;

use super::transforms::outputs;
use super::{OUT, Tiles, Winograd, block_width};
use crate::conv2d::pieces::Target;
use crate::simd::Simd;

impl Winograd {
    /// `A' m A`, finished, for some channels of one tile: calls `put(o, values)` for each vector of them,
    /// `o` being the first.
    #[inline(always)]
    pub(super) fn transform_output<S: Simd>(
        &self,
        s: S,
        from: Tiles<'_>,
        tile: usize,
        (bias, floor): (&[f32], f32),
        blocks: &Range<usize>,
        mut put: impl FnMut(usize, [[S::F32; OUT]; OUT]),
    ) {
        let channels = self.target_channels;
        let some =
            blocks.start * block_width(S::LANES)..channels.min(blocks.end * block_width(S::LANES));
        let floor = s.splat(floor);
        for o in some.step_by(S::LANES) {
            let bias = s.load(&bias[o..]);
            put(
                o,
                outputs(
                    s,
                    from.load(s, tile, o),
                    // The second operand is what `max` returns for NaN.
                    #[inline(always)]
                    |value| s.max(floor, s.add(value, bias)),
                ),
            );
        }
    }

    /// Writes some channels of one tile, as far as it lies inside the image.
    ///
    /// # Safety
    /// Nobody else uses these channels of the tile's targets.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    pub(super) unsafe fn put_tile<S: Simd>(
        &self,
        s: S,
        from: Tiles<'_>,
        tile: usize,
        finish: (&[f32], f32),
        [row, column]: [usize; 2],
        blocks: &Range<usize>,
        target: Target<'_>,
    ) {
        let channels = self.target_channels;
        let (row, column) = (row * OUT, column * OUT);
        let (height, width) = (self.target_height - row, self.target_width - column);
        self.transform_output(
            s,
            from,
            tile,
            finish,
            blocks,
            #[inline(always)]
            |o, values| {
                for (y, values) in values.iter().enumerate() {
                    if y >= height {
                        continue;
                    }
                    let line = ((row + y) * self.target_width + column) * channels;
                    for (x, value) in values.iter().enumerate() {
                        if x >= width {
                            continue;
                        }
                        let n = S::LANES.min(channels - o);
                        // SAFETY: the caller's promise.
                        let to = unsafe { target.part(line + x * channels + o, n) };
                        if n == S::LANES {
                            s.store(to, *value);
                        } else {
                            s.store_tail(to, *value);
                        }
                    }
                }
            },
        );
    }
}
