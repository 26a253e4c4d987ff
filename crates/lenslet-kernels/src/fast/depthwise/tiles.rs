//! Pixels of a row that are computed together, and what they meet in the other image.

use std::ops::Range;

use crate::{Axis, Pool2dShape};

/// Pixels of a tile: they share each load of a filter.
pub(super) const TILE: usize = 4;
/// Taps that are gone through at once: larger windows come in parts.
const TAPS: usize = 128;

/// A tap, and the pixels that it brings together.
#[derive(Clone, Copy, Default)]
pub(super) struct Meeting {
    /// Its number in the filter.
    pub(super) tap: usize,
    /// The other image's pixel for the tile's first, be it there or not: the others follow in
    /// steps of [`Tile::step`].
    other: usize,
    /// Which of the tile's pixels meet one.
    met: [bool; TILE],
}

/// Some pixels of a row, and what they meet through one part of the window.
pub(super) struct Tile {
    /// Whether these pixels were visited with an earlier part.
    begun: bool,
    /// The first pixel, and pixels from one to the next.
    first: usize,
    stride: usize,
    /// Whether there are so many.
    there: [bool; TILE],
    /// Pixels of the other image from one to the next.
    step: usize,
    meetings: [Meeting; TAPS],
    len: usize,
}

/// Some of a window's taps, as many as a tile has room for.
#[derive(Clone)]
struct Part {
    taps: Range<usize>,
    /// The window's rows that they are in.
    rows: Range<usize>,
}

impl Part {
    /// The part that begins with a tap.
    fn new(shape: &Pool2dShape, start: usize) -> Self {
        let width = shape.width.window;
        let end = (shape.height.window * width).min(start + TAPS);
        Self { taps: start..end, rows: start / width..end.div_ceil(width) }
    }

    /// The part behind this one, if there is one.
    #[inline(always)]
    fn next(&self, shape: &Pool2dShape) -> Option<Self> {
        let end = self.taps.end;
        (end < shape.height.window * shape.width.window).then(|| Self::new(shape, end))
    }

    /// The columns of a row of the window, which has `width`, that are in this part.
    #[inline(always)]
    fn columns(&self, row: usize, width: usize) -> Range<usize> {
        let start = row * width;
        self.taps.start.saturating_sub(start)..width.min(self.taps.end - start)
    }
}

impl Meeting {
    /// Whether all of the tile's pixels meet one.
    #[inline(always)]
    pub(super) fn all(&self) -> bool {
        self.met == [true; TILE]
    }

    /// Whether the tile's pixel `i` meets one.
    #[inline(always)]
    pub(super) fn met(&self, i: usize) -> bool {
        self.met[i]
    }
}

impl Tile {
    pub(super) fn new() -> Self {
        let meetings = [Meeting::default(); TAPS];
        Self { begun: false, first: 0, stride: 1, there: [false; TILE], step: 1, meetings, len: 0 }
    }

    /// Calls `visit` for tiles of all outputs, which meet inputs.
    #[inline(always)]
    pub(super) fn each_of_outputs(&mut self, shape: &Pool2dShape, mut visit: impl FnMut(&Self)) {
        let Pool2dShape { height, width, .. } = shape;
        (self.stride, self.step) = (1, width.stride);
        let first = Part::new(shape, 0);
        for row in 0..height.output {
            for column in (0..width.output).step_by(TILE) {
                let mut parts = Some(first.clone());
                while let Some(part) = parts {
                    self.begin(row * width.output + column, width.output - column, &part);
                    for kh in part.rows.clone() {
                        let Some(of) = height.at(row, kh) else { continue };
                        for kw in part.columns(kh, width.window) {
                            let start = (column * width.stride + kw * width.dilation).cast_signed();
                            let other = start - width.pad_before.cast_signed();
                            self.meet(kh * width.window + kw, of, other, width.input);
                        }
                    }
                    self.visit(&mut visit);
                    parts = part.next(shape);
                }
            }
        }
    }

    /// Calls `visit` for tiles of all inputs, which meet outputs.
    #[inline(always)]
    pub(super) fn each_of_inputs(&mut self, shape: &Pool2dShape, mut visit: impl FnMut(&Self)) {
        let Pool2dShape { height, width, .. } = shape;
        (self.stride, self.step) = (width.stride, 1);
        let first = Part::new(shape, 0);
        for row in 0..height.input {
            // Inputs a stride apart are reached by the same taps, from neighbouring outputs.
            for shift in 0..width.stride.min(width.input) {
                for column in (shift..width.input).step_by(TILE * width.stride) {
                    let left = (width.input - column).div_ceil(width.stride);
                    let mut parts = Some(first.clone());
                    while let Some(part) = parts {
                        self.begin(row * width.input + column, left, &part);
                        for kh in part.rows.clone() {
                            let Some(of) = height.reader(row, kh) else { continue };
                            for kw in part.columns(kh, width.window) {
                                if let Some(other) = first_reader(width, column, kw) {
                                    self.meet(kh * width.window + kw, of, other, width.output);
                                }
                            }
                        }
                        self.visit(&mut visit);
                        parts = part.next(shape);
                    }
                }
            }
        }
    }

    fn begin(&mut self, first: usize, left: usize, part: &Part) {
        self.begun = part.taps.start > 0;
        self.first = first;
        self.there = std::array::from_fn(|i| i < left);
        self.len = 0;
    }

    #[inline(always)]
    fn visit(&self, visit: &mut impl FnMut(&Self)) {
        // The first part comes even if it meets nothing: a bias is to be written.
        if !self.begun || self.len > 0 {
            visit(self);
        }
    }

    /// Adds a tap: the first pixel meets this column of a row of the other image, which has
    /// `columns`.
    fn meet(&mut self, tap: usize, row: usize, column: isize, columns: usize) {
        let at = |i: usize| column.wrapping_add_unsigned(i * self.step).cast_unsigned();
        let met = std::array::from_fn(|i| self.there[i] && at(i) < columns);
        if met != [false; TILE] {
            let other = (row * columns).wrapping_add_signed(column);
            self.meetings[self.len] = Meeting { tap, other, met };
            self.len += 1;
        }
    }

    /// Whether these pixels were visited before, with an earlier part of the window.
    #[inline(always)]
    pub(super) fn begun(&self) -> bool {
        self.begun
    }

    /// The taps, in the filter's order.
    #[inline(always)]
    pub(super) fn meetings(&self) -> &[Meeting] {
        &self.meetings[..self.len]
    }

    /// Pixel `i`, or `None` where the row has no more.
    #[inline(always)]
    pub(super) fn pixel(&self, i: usize) -> Option<usize> {
        self.there[i].then_some(self.first + i * self.stride)
    }

    /// What pixel `i` meets, if it is [`Meeting::met`]: a pixel inside the other image.
    #[inline(always)]
    pub(super) fn other(&self, meeting: &Meeting, i: usize) -> usize {
        meeting.other.wrapping_add(i * self.step)
    }
}

/// The output, be it there or not, whose tap `t` reads input `i`.
fn first_reader(axis: &Axis, i: usize, t: usize) -> Option<isize> {
    let start = (i + axis.pad_before).cast_signed() - (t * axis.dilation).cast_signed();
    let stride = axis.stride.cast_signed();
    (start % stride == 0).then_some(start / stride)
}
