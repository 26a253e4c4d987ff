//! Sources of few channels, as an image has them.
//!
//! A vector along the channels would be mostly empty. So vectors run along the rows of the image,
//! one pixel's channels behind the other's, and every fourth pixel's lanes hold a tile. The products
//! are so few that they are transformed back as they are made.

use std::ops::Range;

use super::outputs::Products;
use super::transforms::{input, output};
use super::{ELEMENTS, IN, OUT, Transformed, Winograd, element_stride};
use crate::simd::Simd;

/// The most channels of such a source.
pub(in crate::conv2d) const CHANNELS: usize = 4;
/// Tiles that are transformed together.
pub(in crate::conv2d) const TILES: usize = 8;
/// Numbers of a row that is half transformed: what a chunk's tiles read, in whole vectors, and what the
/// last of these reads beyond.
const ROW: usize = TILES * OUT * CHANNELS + 32;

/// Numbers of a chunk that are half transformed, on the way there or on the way back.
pub(in crate::conv2d) const HALF: usize =
    if IN * ROW > TILES * rows_len(16) { IN * ROW } else { TILES * rows_len(16) };

/// From one transformed tile to the next.
pub(in crate::conv2d) const fn pitch(channels: usize) -> usize {
    OUT * channels
}

/// From one element of a chunk's transformed tiles to the next.
pub(in crate::conv2d) const fn stride(channels: usize) -> usize {
    element_stride(TILES, pitch(channels))
}

/// Whether that takes less time than the direct sum, with so many channels at least: where there are
/// registers for the filters of a row of elements.
pub(in crate::conv2d) fn pays(channels: usize, least: usize, lanes: usize) -> bool {
    lanes == 16 && (least..=CHANNELS).contains(&channels)
}

impl Winograd {
    /// `B' d B` for some tiles, of which `view` holds those from `first_row` on; they go to the first of the
    /// last two, the second is room for [`HALF`] numbers.
    #[inline(always)]
    pub(in crate::conv2d) fn transform_narrow<S: Simd>(
        &self,
        s: S,
        view: &[f32],
        first_row: usize,
        tiles: &Range<usize>,
        (mut to, half): (Transformed<'_>, &mut [f32]),
    ) {
        let mut first = tiles.start;
        while first < tiles.end {
            let (row, column) = (first / self.columns, first % self.columns);
            let end = tiles.end.min(first - column + self.columns).min(first + TILES);
            let view = &view[(row - first_row) * OUT * self.strips.pitch()..];
            let view = &view[column * pitch(self.source_channels)..];
            self.transform_some(s, view, end - first, half, first - tiles.start, &mut to);
            first = end;
        }
    }

    /// The same for `tiles` neighbours, the first of which `view` begins with; it is number `i` of the
    /// chunk.
    #[inline(always)]
    fn transform_some<S: Simd>(
        &self,
        s: S,
        view: &[f32],
        tiles: usize,
        half: &mut [f32],
        i: usize,
        to: &mut Transformed<'_>,
    ) {
        let channels = self.source_channels;
        // Behind what belongs to the last tile some more is written, where the next row's tiles go.
        let len = (tiles - 1) * pitch(channels) + channels;
        let reach = len + (IN - 1) * channels;
        let mut rows = [view; IN];
        for (y, row) in rows.iter_mut().enumerate() {
            *row = &view[y * self.strips.pitch()..][..reach];
        }
        let all = len.next_multiple_of(S::LANES) + (IN - 1) * channels;
        assert!(all.next_multiple_of(S::LANES) <= ROW && half.len() >= HALF);
        for at in (0..all).step_by(S::LANES) {
            let mut d = [s.splat(0.0); IN];
            for (d, row) in d.iter_mut().zip(rows) {
                *d = if at + S::LANES <= reach {
                    s.load(&row[at..])
                } else {
                    s.load_tail(&row[at.min(reach)..])
                };
            }
            for (y, d) in input(s, d).into_iter().enumerate() {
                s.store(&mut half[y * ROW + at..], d);
            }
        }
        let first = to.at(0, i, 0);
        let end = (ELEMENTS - 1) * to.stride + first + len.next_multiple_of(S::LANES);
        assert!(end <= to.data.len());
        for y in 0..IN {
            for at in (0..len).step_by(S::LANES) {
                let mut d = [s.splat(0.0); IN];
                for (x, d) in d.iter_mut().enumerate() {
                    // SAFETY: a row has whole vectors up to `len` from each `x` on, see `ROW`.
                    *d = unsafe { s.load_ptr(half.as_ptr().add(y * ROW + at + x * channels)) };
                }
                for (x, d) in input(s, d).into_iter().enumerate() {
                    let at = first + (y * IN + x) * to.stride + at;
                    // SAFETY: just checked for the last element.
                    unsafe { s.store_ptr(to.data.as_mut_ptr().add(at), d) };
                }
            }
        }
    }

    /// `m A` for a vector of channels from `o` on, `m` being the products of `tiles` tiles by the filters:
    /// [`rows_len`] numbers for each.
    #[inline(always)]
    pub(super) fn narrow_products<S: Simd>(
        &self,
        s: S,
        tiles: usize,
        o: usize,
        packed: &[f32],
        (from, rows): (Transformed<'_>, &mut [f32]),
    ) {
        let (from, packed) = (from.data, &packed[ELEMENTS * self.source_channels * o..]);
        match self.source_channels {
            1 => products::<S, 1>(s, from, tiles, packed, rows),
            2 => products::<S, 2>(s, from, tiles, packed, rows),
            3 => products::<S, 3>(s, from, tiles, packed, rows),
            _ => products::<S, CHANNELS>(s, from, tiles, packed, rows),
        }
    }
}

/// Numbers of a tile in `m A`, for a vector of channels.
pub(super) const fn rows_len(lanes: usize) -> usize {
    IN * OUT * lanes
}

/// The same for a source of `C` channels.
#[inline(always)]
fn products<S: Simd, const C: usize>(
    s: S,
    from: &[f32],
    tiles: usize,
    packed: &[f32],
    rows: &mut [f32],
) {
    assert!((1..=TILES).contains(&tiles));
    assert!(from.len() >= (tiles - 1) * pitch(C) + (ELEMENTS - 1) * stride(C) + C);
    assert!(packed.len() >= ELEMENTS * C * S::LANES);
    assert!(rows.len() >= tiles * rows_len(S::LANES));
    for y in 0..IN {
        let mut filters = [[s.splat(0.0); IN]; C];
        for (c, filters) in filters.iter_mut().enumerate() {
            for (x, filter) in filters.iter_mut().enumerate() {
                let at = ((y * IN + x) * C + c) * S::LANES;
                // SAFETY: checked above for the last element.
                *filter = unsafe { s.load_ptr(packed.as_ptr().add(at)) };
            }
        }
        for tile in 0..tiles {
            let mut m = [s.splat(0.0); IN];
            for (c, filters) in filters.iter().enumerate() {
                for (x, (m, filter)) in m.iter_mut().zip(filters).enumerate() {
                    let at = tile * pitch(C) + (y * IN + x) * stride(C) + c;
                    // SAFETY: checked above for the last tile.
                    let input = s.splat(unsafe { *from.as_ptr().add(at) });
                    *m = if c == 0 { s.mul(input, *filter) } else { s.mul_add(input, *filter, *m) };
                }
            }
            for (x, sum) in output(s, m).into_iter().enumerate() {
                let at = tile * rows_len(S::LANES) + (y * OUT + x) * S::LANES;
                // SAFETY: checked above for the last tile.
                unsafe { s.store_ptr(rows.as_mut_ptr().add(at), sum) };
            }
        }
    }
}

/// What [`products`] wrote.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a>(pub(super) &'a [f32]);

impl Products for Rows<'_> {
    #[inline(always)]
    fn rows<S: Simd>(self, s: S, i: usize, _: usize) -> [[S::F32; OUT]; IN] {
        let from = &self.0[i * rows_len(S::LANES)..][..rows_len(S::LANES)];
        let mut rows = [[s.splat(0.0); OUT]; IN];
        for (y, row) in rows.iter_mut().enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                *value = s.load(&from[(y * OUT + x) * S::LANES..]);
            }
        }
        rows
    }
}
