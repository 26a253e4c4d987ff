//! Strips of an image with the zeros that a convolution sees around it, so that the loops over
//! taps have no edge cases.

use std::ops::Range;

use super::line::Line;
use super::moderate::{Copier, Plain, Watch};
use crate::simd::{LINE, Simd};

/// How an image is cut into strips: some rows of units, with all that these read.
#[derive(Clone, Debug)]
pub(super) struct Strips {
    rows: Line,
    columns: Line,
    channels: usize,
    /// Rows of units in a strip.
    height: usize,
    /// Elements from one row of a strip to the next.
    pitch: usize,
    /// Whether nothing reads outside the image: it is then used where it lies.
    inside: bool,
}

impl Strips {
    /// Strips of `height` rows of units; 0 is one strip of them all.
    pub(super) fn new(rows: &Line, columns: &Line, channels: usize, height: usize) -> Self {
        let inside = rows.stays_inside() && columns.stays_inside();
        let width = if inside { columns.source } else { columns.reach(columns.units) };
        let height = if height == 0 { rows.units } else { height.min(rows.units) };
        Self {
            rows: rows.clone(),
            columns: columns.clone(),
            channels,
            height: height.max(1),
            pitch: width * channels,
            inside,
        }
    }

    /// Elements from one row of a strip to the next.
    pub(super) fn pitch(&self) -> usize {
        self.pitch
    }

    /// Whether some unit reads outside the image, zeros.
    pub(super) fn pads(&self) -> bool {
        !self.inside
    }

    /// Rows of units in a strip.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Elements of working memory that [`Self::view`] needs.
    pub(super) fn scratch_len(&self) -> usize {
        if self.inside { 0 } else { self.rows.reach(self.height) * self.pitch }
    }

    /// The rows of units of every strip.
    pub(super) fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        let units = self.rows.units;
        (0..units).step_by(self.height).map(move |start| start..units.min(start + self.height))
    }

    /// What the units of a strip read: its first element is at offset 0 of the first unit.
    pub(super) fn view<'a>(
        &self,
        units: &Range<usize>,
        source: &'a [f32],
        scratch: &'a mut [f32],
    ) -> &'a [f32] {
        let start = units.start * self.rows.step;
        if self.inside {
            return &source[start * self.pitch..];
        }
        self.padded(units, source, scratch, &mut Plain)
    }

    /// The same, and whether all of it is [moderate](super::moderate).
    #[inline(always)]
    pub(super) fn watched_view<'a, S: Simd>(
        &self,
        s: S,
        units: &Range<usize>,
        source: &'a [f32],
        scratch: &'a mut [f32],
    ) -> (&'a [f32], bool) {
        let mut watch = Watch::new(s);
        let view = if self.inside {
            let view = self.view(units, source, scratch);
            watch.look(&view[..self.rows.reach(units.len()) * self.pitch]);
            view
        } else {
            self.padded(units, source, scratch, &mut watch)
        };
        (view, watch.all_moderate())
    }

    /// Asks for what the next strip reads of the source, and this one does not.
    #[inline(always)]
    pub(super) fn ask_for_next<S: Simd>(&self, s: S, units: &Range<usize>, source: &[f32]) {
        let width = self.columns.source * self.channels;
        let row = units.start * self.rows.step + self.rows.reach(units.len());
        let row = (self.rows.first + row.cast_signed()).max(0).cast_unsigned();
        let end = (row + units.len() * self.rows.step) * width;
        for at in (row * width..end.min(source.len())).step_by(LINE) {
            s.prefetch_early(source.as_ptr().wrapping_add(at));
        }
    }

    /// The rows that the units of a strip read, with zeros around what is inside the source.
    #[inline(always)]
    fn padded<'a>(
        &self,
        units: &Range<usize>,
        source: &[f32],
        scratch: &'a mut [f32],
        copier: &mut impl Copier,
    ) -> &'a [f32] {
        let start = units.start * self.rows.step;
        let strip = &mut scratch[..self.rows.reach(units.len()) * self.pitch];
        let width = self.columns.source * self.channels;
        let left = self.columns.first * self.channels.cast_signed();
        for (row, to) in strip.chunks_exact_mut(self.pitch).enumerate() {
            let at = self.rows.first + (start + row).cast_signed();
            match usize::try_from(at) {
                Ok(at) if at < self.rows.source => {
                    copy_shifted(&source[at * width..][..width], left, to, copier);
                }
                _ => to.fill(0.0),
            }
        }
        strip
    }

    /// The way back: writes those rows of `strip` that no later strip reads to `image`, moves the
    /// others to the front, for the next strip, and zeros behind them. `strip` has at least
    /// [`Line::reach`] rows of this strip, and as many as lie between the starts of two.
    pub(super) fn take_back(&self, units: &Range<usize>, strip: &mut [f32], image: &mut [f32]) {
        let rows = strip.len() / self.pitch;
        let start = units.start * self.rows.step;
        let last = units.end == self.rows.units;
        let done = if last { rows } else { units.len() * self.rows.step };
        let width = self.columns.source * self.channels;
        let left = self.columns.first * self.channels.cast_signed();
        for (row, from) in strip.chunks_exact(self.pitch).take(done).enumerate() {
            let at = self.rows.first + (start + row).cast_signed();
            if let Some(at) = usize::try_from(at).ok().filter(|&at| at < self.rows.source) {
                let to = &mut image[at * width..][..width];
                copy_shifted(from, -left, to, &mut Plain);
            }
        }
        if last {
            // Rows that no window reads.
            let end = (self.rows.first + (start + rows).cast_signed()).max(0).cast_unsigned();
            image[end.min(self.rows.source) * width..].fill(0.0);
        } else {
            strip.copy_within(done * self.pitch.., 0);
            strip[(rows - done) * self.pitch..].fill(0.0);
        }
    }
}

/// `to[i] = from[i + shift]`, by way of `copier`, and zero where there is no such element.
#[inline(always)]
fn copy_shifted(from: &[f32], shift: isize, to: &mut [f32], copier: &mut impl Copier) {
    let before = (-shift).max(0).cast_unsigned().min(to.len());
    let (zeros, to) = to.split_at_mut(before);
    zeros.fill(0.0);
    let from = &from[shift.max(0).cast_unsigned().min(from.len())..];
    let len = from.len().min(to.len());
    let (copied, zeros) = to.split_at_mut(len);
    copier.copy(&from[..len], copied);
    zeros.fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::{Plain, copy_shifted};

    #[test]
    fn zeros_stand_for_what_is_outside() {
        let cases: [(isize, [f32; 4]); 7] = [
            (0, [1.0, 2.0, 3.0, 0.0]),
            (1, [2.0, 3.0, 0.0, 0.0]),
            (5, [0.0, 0.0, 0.0, 0.0]),
            (-1, [0.0, 1.0, 2.0, 3.0]),
            (-2, [0.0, 0.0, 1.0, 2.0]),
            (-4, [0.0; 4]),
            (-9, [0.0; 4]),
        ];
        for (shift, expected) in cases {
            let mut to = [f32::NAN; 4];
            copy_shifted(&[1.0, 2.0, 3.0], shift, &mut to, &mut Plain);
            assert_eq!(to, expected, "shift {shift}");
        }
    }
}
