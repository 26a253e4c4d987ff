//! Which numbers of the output's gradient are not zero, pixel by pixel: a bit for each channel.

use std::ops::Range;

use super::count::nonzero;
use super::{load, load_u32};
use crate::simd::Simd;
use crate::{Axis, Conv2dShape, OutputGradient, Pooled};

/// Channels of a word of bits.
const WORD: usize = 32;

/// What is not zero: for each pixel of the output a place and some words of bits.
pub(super) struct Alive<'a> {
    /// As integers' bits.
    pixels: &'a mut [f32],
    words: usize,
    /// The gradient: bits are set only for numbers that it has.
    dy: &'a [f32],
    /// What its numbers are to be multiplied by.
    pub(super) scale: f32,
}

/// What is not zero of one pixel.
#[derive(Clone, Copy)]
pub(super) struct Pixel<'a> {
    /// A bit for each channel, [`WORD`] of them in each word.
    words: &'a [f32],
    /// From the pixel's first channel on.
    dy: *const f32,
}

/// Numbers for each pixel of the output: where its own begin, and the words.
fn each(shape: &Conv2dShape) -> usize {
    1 + shape.out_channels.div_ceil(WORD)
}

impl<'a> Alive<'a> {
    /// Numbers of the room that is needed.
    pub(super) fn len(shape: &Conv2dShape) -> usize {
        shape.height.output * shape.width.output * each(shape)
    }

    /// Finds what is not zero, of which `room` is to tell. Windows of a pool must not overlap.
    #[inline(always)]
    pub(super) fn new<S: Simd>(
        s: S,
        shape: &Conv2dShape,
        dy: &OutputGradient<'a, f32>,
        room: &'a mut [f32],
    ) -> Self {
        let (numbers, scale) = match dy {
            OutputGradient::Dense(dy) => (*dy, 1.0),
            OutputGradient::Pooled(pooled) => (pooled.dy, pooled.scale),
        };
        let mut alive = Self { pixels: room, words: each(shape) - 1, dy: numbers, scale };
        match dy {
            OutputGradient::Dense(_) => alive.dense(s, shape.out_channels),
            OutputGradient::Pooled(pooled) => alive.pooled(s, shape, pooled),
        }
        alive
    }

    #[inline(always)]
    fn dense<S: Simd>(&mut self, s: S, channels: usize) {
        let pixels = self.pixels.chunks_exact_mut(1 + self.words);
        for (pixel, (to, dy)) in pixels.zip(self.dy.chunks_exact(channels)).enumerate() {
            let (place, words) = to.split_first_mut().expect("a place");
            *place = f32::from_bits((pixel * channels) as u32);
            for (word, dy) in words.iter_mut().zip(dy.chunks(WORD)) {
                let mut bits = 0;
                for (v, dy) in dy.chunks(S::LANES).enumerate() {
                    bits |= nonzero(s, load(s, dy)) << (v * S::LANES);
                }
                *word = f32::from_bits(bits);
            }
        }
    }

    #[inline(always)]
    fn pooled<S: Simd>(&mut self, s: S, shape: &Conv2dShape, from: &Pooled<'_, f32>) {
        let (pool, channels, width) = (from.pool, shape.out_channels, shape.width.output);
        let each = 1 + self.words;
        // Pixels in no window stay without any.
        self.pixels.fill(0.0);
        for row in 0..pool.height.output {
            let rows = pool.height.taps(row);
            for column in 0..pool.width.output {
                let columns = pool.width.taps(column);
                let window = (row * pool.width.output + column) * channels;
                for first in (0..channels).step_by(WORD) {
                    let some = window + first..window + channels.min(first + WORD);
                    let word = Word::new(s, first, from, some);
                    for tap in rows.clone() {
                        let start = element(&pool.height, row, tap) * width;
                        for tap in columns.clone() {
                            let pixel = start + element(&pool.width, column, tap);
                            let to = &mut self.pixels[pixel * each..][..each];
                            to[0] = f32::from_bits(window as u32);
                            to[1 + first / WORD] = f32::from_bits(word.of(s, pixel * channels));
                        }
                    }
                }
            }
        }
    }

    /// A row of so many pixels.
    #[inline(always)]
    pub(super) fn row(&self, row: usize, width: usize) -> impl Iterator<Item = Pixel<'_>> {
        let each = 1 + self.words;
        self.pixels[row * width * each..][..width * each].chunks_exact(each).map(
            #[inline(always)]
            |pixel| Pixel {
                words: &pixel[1..],
                dy: self.dy.as_ptr().wrapping_add(pixel[0].to_bits() as usize),
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

/// The element that a tap inside reads.
#[inline(always)]
fn element(axis: &Axis, window: usize, tap: usize) -> usize {
    window * axis.stride + tap * axis.dilation - axis.pad_before
}

/// A word's channels of one window of a pool.
struct Word<S: Simd> {
    /// Where each number comes from, were it the first channel of its pixel.
    from: [S::U32; WORD / 4],
    /// A bit for each that is not zero.
    alive: [u32; WORD / 4],
}

impl<S: Simd> Word<S> {
    /// From channel `first` on: `some` of the pool's numbers.
    #[inline(always)]
    fn new(s: S, first: usize, pooled: &Pooled<'_, f32>, some: Range<usize>) -> Self {
        let mut word = Self { from: [s.splat_u32(0); WORD / 4], alive: [0; WORD / 4] };
        for v in 0..WORD / S::LANES {
            let start = some.start + v * S::LANES;
            if start < some.end {
                let some = start..some.end.min(start + S::LANES);
                let (y, dy) = (load(s, &pooled.y[some.clone()]), load(s, &pooled.dy[some.clone()]));
                let channel = s.splat_u32((first + v * S::LANES) as u32);
                let channel = s.add_u32(channel, s.lane_numbers());
                word.from[v] = s.sub_u32(load_u32(s, &pooled.argmax[some]), channel);
                word.alive[v] = s.bits(s.lt(s.splat(0.0), y)) & nonzero(s, dy);
            }
        }
        word
    }

    /// A bit for each that comes from the pixel whose first element this is.
    #[inline(always)]
    fn of(&self, s: S, element: usize) -> u32 {
        let mut bits = 0;
        for v in 0..WORD / S::LANES {
            let apart = s.sub_u32(self.from[v], s.splat_u32(element as u32));
            let here = s.bits(s.lt_u32(apart, s.splat_u32(1)));
            bits |= (here & self.alive[v]) << (v * S::LANES);
        }
        bits
    }
}
