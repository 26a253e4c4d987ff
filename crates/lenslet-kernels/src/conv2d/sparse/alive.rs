//! Which numbers of the output's gradient are not zero, pixel by pixel: a bit for each channel.

use crate::{Axis, Conv2dShape, OutputGradient};

/// Channels of a word of bits.
const WORD: usize = 32;

/// What is not zero.
pub(super) struct Alive<'a> {
    /// Some words for each pixel of the output, as integers' bits.
    bits: &'a mut [f32],
    words: usize,
    width: usize,
    channels: usize,
    /// The gradient, or a pool's: bits are set only for numbers that it has.
    dy: &'a [f32],
    /// What its numbers are to be multiplied by.
    pub(super) scale: f32,
    /// How pixels share what the gradient has, and how many pixels a row of that has.
    rows: Share,
    columns: Share,
    pitch: usize,
}

/// What is not zero of one pixel.
#[derive(Clone, Copy)]
pub(super) struct Pixel<'a> {
    /// A bit for each channel, [`WORD`] of them in each word.
    words: &'a [f32],
    /// From the pixel's first channel on.
    dy: *const f32,
}

/// How neighbours on an axis share the numbers of a pool: so many of them the same, `before` of the first in
/// the padding.
#[derive(Clone, Copy)]
struct Share {
    stride: usize,
    before: usize,
}

impl From<&Axis> for Share {
    fn from(axis: &Axis) -> Self {
        Self { stride: axis.stride, before: axis.pad_before }
    }
}

impl<'a> Alive<'a> {
    /// Numbers of the room that is needed.
    pub(super) fn room(shape: &Conv2dShape) -> usize {
        shape.height.output * shape.width.output * shape.out_channels.div_ceil(WORD)
    }

    /// Nothing, until [`Self::set`] says otherwise. Windows of a pool must not overlap.
    pub(super) fn new(
        shape: &Conv2dShape,
        dy: &OutputGradient<'a, f32>,
        room: &'a mut [f32],
    ) -> Self {
        room.fill(0.0);
        let (channels, width) = (shape.out_channels, shape.width.output);
        let own = Share { stride: 1, before: 0 };
        let (dy, scale, rows, columns, pitch) = match dy {
            OutputGradient::Dense(dy) => (*dy, 1.0, own, own, width),
            OutputGradient::Pooled(pooled) => {
                let axes = [&pooled.pool.height, &pooled.pool.width];
                let [rows, columns] = axes.map(Share::from);
                (pooled.dy, pooled.scale, rows, columns, pooled.pool.width.output)
            }
        };
        let words = channels.div_ceil(WORD);
        Self { bits: room, words, width, channels, dy, scale, rows, columns, pitch }
    }

    /// A pixel's number of this channel, which the gradient has, is not zero.
    #[inline(always)]
    pub(super) fn set(&mut self, pixel: usize, channel: usize) {
        let word = &mut self.bits[pixel * self.words + channel / WORD];
        *word = f32::from_bits(word.to_bits() | 1 << (channel % WORD));
    }

    /// A row of pixels, if it is one of so many.
    #[inline(always)]
    pub(super) fn row(&self, row: usize, rows: usize) -> impl Iterator<Item = Pixel<'_>> {
        let width = if row < rows { self.width } else { 0 };
        let Share { stride, before } = self.columns;
        let (row_of, column) = ((row + self.rows.before) / self.rows.stride, before / stride);
        let mut dy = self.dy.as_ptr().wrapping_add((row_of * self.pitch + column) * self.channels);
        let mut left = stride - before % stride;
        let bits = &self.bits[row.min(rows) * self.width * self.words..][..width * self.words];
        bits.chunks_exact(self.words).map(
            #[inline(always)]
            move |words| {
                let pixel = Pixel { words, dy };
                left -= 1;
                if left == 0 {
                    left = stride;
                    dy = dy.wrapping_add(self.channels);
                }
                pixel
            },
        )
    }
}

impl Pixel<'_> {
    /// Calls `f` with each channel whose number is not zero, and the number.
    #[inline(always)]
    pub(super) fn each(self, mut f: impl FnMut(usize, f32)) {
        for (w, word) in self.words.iter().enumerate() {
            let mut bits = word.to_bits();
            while bits != 0 {
                let channel = w * WORD + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // SAFETY: bits are set only for numbers that there are.
                f(channel, unsafe { *self.dy.add(channel) });
            }
        }
    }
}
