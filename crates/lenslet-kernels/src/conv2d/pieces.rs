//! One image in pieces, which several threads compute at the same time: some rows of the target,
//! some blocks of its channels, or both.
//!
//! How an image is cut changes no sum, so the results have the same bits however many pieces there
//! are. Only that is done in pieces which needs no second way: where numbers may not be finite the
//! image stays whole (see [`moderate`](super::moderate)).

use std::marker::PhantomData;
use std::ops::Range;

/// Multiply-adds of a piece at least: some fifteen microseconds of a core with AVX-512, thirty with
/// AVX2, ten times what it takes to hand a piece out and to wait for the last.
const LEAST: u64 = 1 << 21;
/// Pieces for each thread: where one is slower, the others do more.
const EACH: usize = 2;

/// The most pieces that so many multiply-adds are worth for so many threads. 1 is none at all.
pub(super) fn worth(made: u64, threads: usize) -> usize {
    let pieces = usize::try_from(made / LEAST).unwrap_or(usize::MAX);
    if threads == 1 { 1 } else { pieces.clamp(1, threads * EACH) }
}

/// A number of things cut into as many parts, as equal as can be.
pub(super) fn part(things: usize, parts: usize, i: usize) -> Range<usize> {
    i * things / parts..(i + 1) * things / parts
}

/// How a target is cut: into bands of rows, and these into groups of blocks of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) rows: usize,
    pub(super) blocks: usize,
    bands: usize,
    groups: usize,
    /// Whether pieces with the same channels come one after the other, and not those of a band.
    by_channels: bool,
}

impl Cut {
    /// Cuts into about `pieces`; 1 stays whole. A band has at most `highest` rows. Where there are more weights
    /// than sources (`heavy`) every thread should read its own weights, else its own rows.
    pub(super) fn new(
        [rows, highest]: [usize; 2],
        blocks: usize,
        heavy: bool,
        pieces: usize,
    ) -> Self {
        let least = if pieces == 1 { 1 } else { rows.div_ceil(highest) };
        let (bands, groups) = if heavy {
            let groups = pieces.min(blocks);
            (pieces.div_ceil(groups), groups)
        } else {
            let bands = pieces.min(rows);
            (bands, pieces.div_ceil(bands))
        };
        let (bands, groups) = (bands.min(rows).max(least), groups.min(blocks));
        Self { rows, blocks, bands, groups, by_channels: heavy }
    }

    pub(super) fn pieces(&self) -> usize {
        self.bands * self.groups
    }

    /// Rows and blocks of channels of a piece.
    pub(super) fn piece(&self, i: usize) -> [Range<usize>; 2] {
        let (band, group) = if self.by_channels {
            (i % self.bands, i / self.bands)
        } else {
            (i / self.groups, i % self.groups)
        };
        [part(self.rows, self.bands, band), part(self.blocks, self.groups, group)]
    }
}

/// A slice that several threads write at the same time, each its own elements.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    data: *mut f32,
    len: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a `&mut [f32]` of which only the unsafe `part` gives something away.
unsafe impl Send for Target<'_> {}
// SAFETY: as above.
unsafe impl Sync for Target<'_> {}

impl<'a> Target<'a> {
    pub(super) fn new(data: &'a mut [f32]) -> Self {
        Self { data: data.as_mut_ptr(), len: data.len(), owner: PhantomData }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the elements from `start` on lie; at least `len` are inside.
    ///
    /// # Panics
    /// Where they are not.
    #[inline(always)]
    pub(super) fn pointer(&self, start: usize, len: usize) -> *mut f32 {
        assert!(start <= self.len && len <= self.len - start, "a piece ends outside");
        self.data.wrapping_add(start)
    }

    /// `len` elements from `start` on.
    ///
    /// # Safety
    /// Nobody else uses them as long as the slice lives.
    ///
    /// # Panics
    /// Where they are not all inside.
    #[inline(always)]
    pub(super) unsafe fn part(&self, start: usize, len: usize) -> &'a mut [f32] {
        // SAFETY: they are inside, and nobody else uses them: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(start, len), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_work_stays_whole_and_large_work_makes_some_pieces_for_each_thread() {
        for (made, threads, expected) in [
            (LEAST, 8, 1),
            (2 * LEAST, 8, 2),
            (u64::MAX, 8, 8 * EACH),
            (u64::MAX, 64, 64 * EACH),
            (u64::MAX, 1, 1),
        ] {
            assert_eq!(worth(made, threads), expected);
        }
    }

    #[test]
    fn pieces_cover_every_row_and_block_once() {
        for rows in [1, 2, 7, 16] {
            for (blocks, heavy, pieces) in
                [(1, true, 4), (3, true, 4), (3, false, 4), (16, true, 128), (2, false, 2)]
            {
                let cut = Cut::new([rows, 5], blocks, heavy, pieces);
                let mut count = vec![0; rows * blocks];
                for i in 0..cut.pieces() {
                    let [rows, columns] = cut.piece(i);
                    assert!(rows.len() <= 5, "{cut:?}");
                    rows.for_each(|row| {
                        columns.clone().for_each(|column| count[row * blocks + column] += 1);
                    });
                }
                assert!(count.into_iter().all(|n| n == 1), "{cut:?}");
            }
        }
    }

    #[test]
    fn one_piece_is_the_whole() {
        let cut = Cut::new([9, 5], 3, true, 1);
        assert_eq!((cut.pieces(), cut.piece(0)), (1, [0..9, 0..3]));
    }

    #[test]
    fn weights_are_cut_before_rows_where_there_are_more_of_them() {
        let piece = |heavy| Cut::new([8, 8], 4, heavy, 4).piece(1);
        assert_eq!((piece(true), piece(false)), ([0..8, 1..2], [2..4, 0..4]));
    }
}
