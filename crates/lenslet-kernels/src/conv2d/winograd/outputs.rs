//! From the products of a tile to its outputs.

use std::ops::Range;

use super::transforms::{output_rows, outputs};
use super::{IN, OUT, Tiles, To, Winograd};
use crate::conv2d::pieces::Target;
use crate::simd::Simd;

/// What the outputs of a chunk's tiles are made of.
pub(super) trait Products: Copy {
    /// `m A` for a vector of channels from `o` on, `m` being the products of tile `i`.
    fn rows<S: Simd>(self, s: S, i: usize, o: usize) -> [[S::F32; OUT]; IN];
}

impl Products for Tiles<'_> {
    #[inline(always)]
    fn rows<S: Simd>(self, s: S, i: usize, o: usize) -> [[S::F32; OUT]; IN] {
        output_rows(s, self.load(s, i, o))
    }
}

impl Winograd {
    /// The outputs of a chunk of tiles, some channels of them.
    ///
    /// # Safety
    /// Nobody else uses these channels of the tiles' targets.
    #[inline(always)]
    pub(super) unsafe fn finish<S: Simd>(
        &self,
        s: S,
        from: impl Products,
        finish: (&[f32], f32),
        chunk: &Range<usize>,
        some: &Range<usize>,
        to: &mut To<'_, '_, '_>,
    ) {
        match to {
            To::Target(target) => s.apart(
                #[inline(always)]
                || {
                    for (i, tile) in chunk.clone().enumerate() {
                        // SAFETY: the caller's promise.
                        unsafe {
                            self.put_tile(s, from, i, finish, self.place(tile), some, *target);
                        }
                    }
                },
            ),
            To::Pool(pool) => s.apart(
                #[inline(always)]
                || {
                    for (i, tile) in chunk.clone().enumerate() {
                        let place = self.place(tile);
                        self.transform_output(
                            s,
                            from,
                            i,
                            finish,
                            some,
                            #[inline(always)]
                            |o, values| pool.tile(s, place, o, values),
                        );
                    }
                },
            ),
        }
    }

    /// `A' m A`, finished, for some channels of one tile: calls `put(o, values)` for each vector of them,
    /// `o` being the first.
    #[inline(always)]
    fn transform_output<S: Simd>(
        &self,
        s: S,
        from: impl Products,
        i: usize,
        (bias, floor): (&[f32], f32),
        some: &Range<usize>,
        mut put: impl FnMut(usize, [[S::F32; OUT]; OUT]),
    ) {
        let floor = s.splat(floor);
        for o in some.clone().step_by(S::LANES) {
            let bias = s.load(&bias[o..]);
            put(
                o,
                outputs(
                    s,
                    from.rows(s, i, o),
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
        from: impl Products,
        i: usize,
        finish: (&[f32], f32),
        [row, column]: [usize; 2],
        some: &Range<usize>,
        target: Target<'_>,
    ) {
        let channels = self.target_channels;
        let (row, column) = (row * OUT, column * OUT);
        let (height, width) = (self.target_height - row, self.target_width - column);
        self.transform_output(
            s,
            from,
            i,
            finish,
            some,
            #[inline(always)]
            |o, values| {
                let n = S::LANES.min(channels - o);
                for (y, values) in values.iter().enumerate() {
                    if y >= height {
                        continue;
                    }
                    let at = ((row + y) * self.target_width + column) * channels + o;
                    let line = target.pointer(at, (width.min(OUT) - 1) * channels + n);
                    for (x, value) in values.iter().enumerate() {
                        if x >= width {
                            continue;
                        }
                        // SAFETY: inside what was just checked, and the caller's promise.
                        unsafe {
                            let to = line.add(x * channels);
                            if n == S::LANES {
                                s.store_ptr(to, *value);
                            } else {
                                s.store_tail_ptr(to, n, *value);
                            }
                        }
                    }
                }
            },
        );
    }
}
