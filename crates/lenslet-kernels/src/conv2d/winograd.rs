//! Convolution of 3x3 windows with a quarter of the multiplications.
//!
//! Winograd's F(4x4, 3x3), as in Lavin and Gray 2016, "Fast algorithms for convolutional neural
//! networks": a tile of 4x4 outputs is `A' ((G g G') * (B' d B)) A` for filters `g` and a tile `d`
//! of 6x6 inputs, where `*` is element by element. Summed over input channels that is, for each of
//! the 36 elements, a matrix product of tiles by filters.
//!
//! The results differ from those of the direct sum by rounding: about 3e-6 of their size.

use std::ops::Range;

mod batch;
pub(super) mod narrow;
mod outputs;
mod pack;
mod pooled;
mod products;
mod transformed;
mod transforms;
mod zeros;

use super::correlation::block_width;
use super::line::Line;
use super::pieces::{Cut, Target, worth};
use super::strips::Strips;
use super::{Operands, Then};
use crate::reference::Region;
use crate::simd::{Simd, dispatch};
use crate::{Finish, Isa, MaxPool};
pub(super) use batch::{BatchOperands, Blocks};
use narrow::Rows;
use transformed::Layout;
pub(super) use transformed::{Tiles, Transformed, element_stride};
pub(super) use transforms::columns;
use zeros::{HIGHEST, Lists, lists_len};

/// Outputs of a tile along one axis.
pub(super) const OUT: usize = 4;
/// Inputs of a tile along one axis.
pub(super) const IN: usize = 6;
/// Elements of a transformed tile.
pub(super) const ELEMENTS: usize = IN * IN;
/// Where, behind the elements of a transformed tile of inputs, there are all bits that any of its inputs
/// has: none for the channels in which they are zero.
pub(super) const BITS: usize = ELEMENTS;
/// Elements of a transformed tile of inputs, and [`BITS`].
pub(super) const INPUTS: usize = ELEMENTS + 1;
/// Numbers of a filter.
pub(super) const TAPS: usize = 9;
/// The largest strip of padded image, in elements.
const STRIP: usize = 1 << 16;
/// Transformed numbers that stay in the first cache.
const NEAR: usize = 10_000;

/// `target[unit, o] = bias[o] + sum over taps, c of source[unit + tap, c] * w[tap, c, o]`.
#[derive(Clone, Debug)]
pub(super) struct Winograd {
    pub(super) strips: Strips,
    /// Tiles in a row.
    pub(super) columns: usize,
    source_len: usize,
    pub(super) source_channels: usize,
    pub(super) target_height: usize,
    pub(super) target_width: usize,
    pub(super) target_channels: usize,
    /// Numbers of the filter's taps, in the order of what they read.
    taps: [[usize; 3]; 3],
    /// Channels in whole vectors.
    pub(super) padded_source: usize,
    pub(super) padded_target: usize,
    /// Tiles that are transformed together.
    chunk: usize,
    /// Whether their products take the place of what was transformed: where there is one block of
    /// channels all of a tile is read before some of it is written.
    in_place: bool,
    /// Whether the source has too few channels for a vector, see [`narrow`].
    pub(super) narrow: bool,
    /// Whether channels that are zero are skipped, see [`zeros`].
    skipping: bool,
    /// 1. A variable, for the compiler would else vectorise along the channels.
    step: usize,
}

/// Working memory for a chunk of tiles.
struct Work<'a> {
    /// `B' d B`, and their products with the filters.
    numbers: &'a mut [f32],
    inputs: Layout,
    outputs: Layout,
    /// Of a narrow source: numbers that are half transformed.
    half: &'a mut [f32],
    /// See [`Lists`].
    lists: &'a mut [f32],
    /// Multiply-adds that were skipped.
    skipped: u64,
    /// In whole vectors.
    bias: &'a [f32],
    /// What is below this becomes this.
    floor: f32,
}

impl Work<'_> {
    /// And room for what is half transformed.
    #[inline(always)]
    fn inputs(&mut self) -> (Transformed<'_>, &mut [f32]) {
        let Layout { start, stride, channels } = self.inputs;
        (Transformed { data: &mut self.numbers[start..], stride, channels }, self.half)
    }

    #[inline(always)]
    fn outputs(&self) -> Tiles<'_> {
        let Layout { start, stride, channels } = self.outputs;
        Tiles { data: &self.numbers[start..], stride, channels }
    }
}

/// What becomes of an image's outputs.
enum After<'a> {
    /// This is called when some rows of the target are complete.
    Rows(Then<'a>),
    /// They pass through a pool, and the target is left as it is.
    Pool(MaxPool<'a, f32>),
}

/// Where tiles of outputs go.
enum To<'t, 'b, 'p> {
    Target(Target<'t>),
    Pool(&'b mut MaxPool<'p, f32>),
}

/// Tiles of an image of this size.
pub(super) fn tiles((height, width): (usize, usize)) -> usize {
    height.div_ceil(OUT) * width.div_ceil(OUT)
}

/// The bias, with zeros behind it. A sum of products that vanish may be a zero of one sign or the other,
/// depending on what was skipped; with a zero added that is not negative all are the same.
fn pad_bias(bias: &[f32], to: &mut [f32]) {
    to.fill(0.0);
    to.iter_mut().zip(bias).for_each(|(to, bias)| *to += bias);
}

impl Winograd {
    /// `None` where the algorithm does not apply: it needs 3x3 windows without gaps, one by one.
    pub(super) fn new(
        (rows, columns): &(Line, Line),
        source_channels: usize,
        target_channels: usize,
        lanes: usize,
    ) -> Option<Self> {
        let taps = |line: &Line| match &line.phases[..] {
            [phase] if line.step == 1 && phase.contiguous() => {
                <[_; 3]>::try_from(&phase.taps[..]).ok().map(|taps| taps.map(|tap| tap.tap))
            }
            _ => None,
        };
        let (row_taps, column_taps) = (taps(rows)?, taps(columns)?);
        let (source, target) = (rows.source * columns.source, (rows.target, columns.target));
        let (rows, columns) = (rows.tiled(OUT, IN), columns.tiled(OUT, IN));
        let row_len = columns.reach(columns.units) * source_channels;
        let height = (STRIP / row_len.max(1)).saturating_sub(IN) / OUT + 1;
        let [padded_source, padded_target] =
            [source_channels, target_channels].map(|channels| channels.next_multiple_of(lanes));
        let in_place = padded_target <= block_width(lanes);
        // One tile of the matrix product, or two.
        let least = if lanes == 16 { 8 } else { 6 };
        let near = ELEMENTS * element_stride(2 * least, padded_source.max(padded_target)) <= NEAR;
        let narrow = source_channels <= narrow::CHANNELS;
        let chunk = if in_place && !near { least } else { 2 * least };
        let chunk = if narrow { narrow::TILES } else { chunk };
        Some(Self {
            strips: Strips::new(&rows, &columns, source_channels, height),
            columns: columns.units,
            source_len: source * source_channels,
            source_channels,
            target_height: target.0,
            target_width: target.1,
            target_channels,
            taps: row_taps.map(|row| column_taps.map(|column| row * 3 + column)),
            padded_source,
            padded_target,
            chunk,
            in_place: in_place && !narrow,
            narrow,
            skipping: true,
            step: 1,
        })
    }

    /// The same, which skips channels that are zero, or does not.
    pub(super) fn skipping(self, on: bool) -> Self {
        Self { skipping: on, ..self }
    }

    /// Where the transformed inputs of a chunk lie, and their products, and how many numbers there are.
    fn layouts(&self) -> (Layout, Layout, usize) {
        let [source, target] = [self.padded_source, self.padded_target];
        // The last tiles of a chunk are multiplied together with what lies behind them.
        let tiles = self.chunk.next_multiple_of(HIGHEST);
        let layout = |start, channels| {
            let stride = element_stride(tiles, channels);
            (Layout { start, stride, channels }, start + INPUTS * stride)
        };
        if self.in_place {
            let (both, end) = layout(0, source.max(target));
            return (both, both, end);
        }
        if self.narrow {
            let (inputs, end) = layout(0, narrow::pitch(self.source_channels));
            return (inputs, inputs, end);
        }
        let (inputs, end) = layout(0, source);
        let (outputs, end) = layout(end, target);
        (inputs, outputs, end)
    }

    pub(super) fn half_len(&self) -> usize {
        if self.narrow { narrow::HALF } else { 0 }
    }

    pub(super) fn packed_len(&self) -> usize {
        ELEMENTS * self.source_channels * self.padded_target
    }

    pub(super) fn scratch_len(&self) -> usize {
        let (.., chunk) = self.layouts();
        let lists = lists_len(self.chunk, self.padded_source);
        self.strips.scratch_len() + chunk + self.half_len() + lists + self.padded_target
    }

    /// Multiply-adds for one image, see [`Conv2dKernel::forward_made`](crate::Conv2dKernel).
    pub(super) fn made(&self) -> u64 {
        let tiles = self.target_height.div_ceil(OUT) * self.columns;
        (ELEMENTS * tiles * self.source_channels * self.padded_target) as u64
    }

    /// One image. Returns the multiply-adds that were made.
    pub(super) fn run(
        &self,
        isa: Isa,
        operands: Operands<'_>,
        target: &mut [f32],
        scratch: &mut [f32],
        then: Then<'_>,
    ) -> u64 {
        self.run_and(isa, operands, target, scratch, After::Rows(then))
    }

    /// One image, through a pool whose windows are quarters of tiles ([`Self::can_pool`]); `room` is
    /// as long as the outputs.
    pub(super) fn run_pooled(
        &self,
        isa: Isa,
        operands: Operands<'_>,
        room: &mut [f32],
        pool: MaxPool<'_, f32>,
        scratch: &mut [f32],
    ) -> u64 {
        assert!(self.can_pool(pool.shape));
        assert_eq!([pool.y.len(), pool.argmax.len()], [pool.shape.output_len(); 2]);
        self.run_and(isa, operands, room, scratch, After::Pool(pool))
    }

    fn run_and(
        &self,
        isa: Isa,
        operands: Operands<'_>,
        target: &mut [f32],
        scratch: &mut [f32],
        after: After<'_>,
    ) -> u64 {
        let Operands { source, packed, finish: Finish { bias, .. }, .. } = operands;
        let target_len = self.target_height * self.target_width * self.target_channels;
        assert_eq!(source.len(), self.source_len);
        assert_eq!(target.len(), target_len);
        assert_eq!(packed.len(), self.packed_len());
        assert!(bias.is_empty() || bias.len() == self.target_channels);
        let skipped = dispatch!(isa, |s| self.run_with(s, operands, target, scratch, after));
        self.made() - skipped
    }

    /// Returns the multiply-adds that were skipped.
    #[inline(always)]
    fn run_with<S: Simd>(
        &self,
        s: S,
        Operands { source, packed, finish, moderate, define }: Operands<'_>,
        target: &mut [f32],
        scratch: &mut [f32],
        mut after: After<'_>,
    ) -> u64 {
        let blocks = 0..self.blocks(S::LANES);
        let (mut work, scratch) = self.work(finish, scratch);
        let mut complete = 0;
        for strip in self.strips.iter() {
            let (view, moderate_view) = self.strips.watched_view(s, &strip, source, scratch);
            if !(moderate && moderate_view) {
                // A tile would spread what is not finite, or overflow.
                let rows = strip.start * OUT..self.target_height.min(strip.end * OUT);
                complete = rows.end;
                let region = Region { rows, columns: 0..self.target_width };
                define(&region, target);
                match &mut after {
                    After::Rows(then) => then(region.rows, target),
                    After::Pool(pool) => pool.rows(&region, target),
                }
                continue;
            }
            for chunk in self.chunks(&strip) {
                let to = match &mut after {
                    After::Rows(_) => To::Target(Target::new(&mut *target)),
                    After::Pool(pool) => To::Pool(pool),
                };
                // SAFETY: all of the target is this call's alone.
                unsafe { self.tiles(s, &chunk, strip.start, &blocks, view, packed, &mut work, to) };
                let rows = self.target_height.min(chunk.end / self.columns * OUT);
                if let After::Rows(then) = &mut after
                    && rows > complete
                {
                    then(complete..rows, target);
                    complete = rows;
                }
            }
        }
        work.skipped
    }

    /// Blocks of the target's channels.
    fn blocks(&self, lanes: usize) -> usize {
        self.padded_target.div_ceil(block_width(lanes))
    }

    /// How to cut an image for so many threads. Only one whose numbers are all moderate can be cut.
    pub(super) fn cut(&self, lanes: usize, threads: usize) -> Cut {
        let rows = [self.target_height.div_ceil(OUT), self.strips.height()];
        let heavy = self.packed_len() > self.source_len;
        Cut::new(rows, self.blocks(lanes), heavy, worth(self.made(), threads))
    }

    /// Some rows of tiles, at most a strip's, and blocks of the target's channels, of moderate
    /// numbers. Returns the multiply-adds that were skipped.
    ///
    /// # Safety
    /// Nobody else uses these channels of the tiles' targets.
    pub(super) unsafe fn piece(
        &self,
        isa: Isa,
        Operands { source, packed, finish, .. }: Operands<'_>,
        [rows, blocks]: [&Range<usize>; 2],
        target: Target<'_>,
        scratch: &mut [f32],
    ) -> u64 {
        let (mut work, scratch) = self.work(finish, scratch);
        let view = self.strips.view(rows, source, scratch);
        for chunk in self.chunks(rows) {
            let (work, target) = (&mut work, To::Target(target));
            // SAFETY: the caller's promise.
            dispatch!(isa, |s| unsafe {
                self.tiles(s, &chunk, rows.start, blocks, view, packed, work, target);
            });
        }
        work.skipped
    }

    /// The tiles of some rows, some at a time.
    fn chunks(&self, rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (chunk, end) = (self.chunk, rows.end * self.columns);
        (rows.start * self.columns..end)
            .step_by(chunk)
            .map(move |first| first..end.min(first + chunk))
    }

    /// Cuts up the scratch memory; returns what is left for a strip.
    fn work<'a>(
        &self,
        Finish { bias, rectify }: Finish<'_, f32>,
        scratch: &'a mut [f32],
    ) -> (Work<'a>, &'a mut [f32]) {
        let (padded_bias, scratch) = scratch.split_at_mut(self.padded_target);
        pad_bias(bias, padded_bias);
        let (inputs, outputs, len) = self.layouts();
        let (numbers, scratch) = scratch.split_at_mut(len);
        let (half, scratch) = scratch.split_at_mut(self.half_len());
        let (lists, scratch) = scratch.split_at_mut(lists_len(self.chunk, self.padded_source));
        let floor = if rectify { 0.0 } else { f32::NEG_INFINITY };
        (
            Work { numbers, inputs, outputs, half, lists, skipped: 0, bias: padded_bias, floor },
            scratch,
        )
    }

    /// A chunk of tiles, of which `view` holds those from `first_row` on, and some blocks of the
    /// target's channels.
    ///
    /// # Safety
    /// As [`Self::piece`].
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one inlined loop body")]
    unsafe fn tiles<S: Simd>(
        &self,
        s: S,
        chunk: &Range<usize>,
        first_row: usize,
        blocks: &Range<usize>,
        view: &[f32],
        packed: &[f32],
        work: &mut Work<'_>,
        mut to: To<'_, '_, '_>,
    ) {
        if let To::Pool(pool) = &to {
            // Another core may have read what was there before.
            let [first, end] = [self.place(chunk.start)[0], self.place(chunk.end - 1)[0] + 1];
            pool.ask_for(s, if first == 0 { first } else { end }..end + 1);
        }
        let some = &self.channels(S::LANES, blocks);
        if self.narrow {
            s.apart(
                #[inline(always)]
                || self.transform_narrow(s, view, first_row, chunk, work.inputs()),
            );
            for o in some.clone().step_by(S::LANES) {
                s.apart(
                    #[inline(always)]
                    || self.narrow_products(s, chunk.len(), o, packed, work.inputs()),
                );
                let (from, finish) = (Rows(work.half), (work.bias, work.floor));
                // SAFETY: the caller's promise.
                unsafe {
                    let some = &(o..some.end.min(o + S::LANES));
                    self.finish(s, from, finish, chunk, some, &mut to);
                }
            }
            return;
        }
        s.apart(
            #[inline(always)]
            || {
                let (mut inputs, _) = work.inputs();
                for (i, tile) in chunk.clone().enumerate() {
                    let [row, column] = self.place(tile);
                    self.transform_input(s, view, row - first_row, column, i, &mut inputs);
                }
            },
        );
        s.apart(
            #[inline(always)]
            || self.products(s, chunk.len(), blocks, packed, work),
        );
        // SAFETY: the caller's promise.
        unsafe {
            self.finish(s, work.outputs(), (work.bias, work.floor), chunk, some, &mut to);
        }
    }

    /// Where a tile is: in which row, and which column.
    #[inline(always)]
    pub(super) fn place(&self, tile: usize) -> [usize; 2] {
        [tile / self.columns, tile % self.columns]
    }

    /// The target's channels in some blocks.
    fn channels(&self, lanes: usize, blocks: &Range<usize>) -> Range<usize> {
        let width = block_width(lanes);
        blocks.start * width..self.target_channels.min(blocks.end * width)
    }

    /// `B' d B` and [`BITS`] for all channels of one tile.
    #[inline(always)]
    pub(super) fn transform_input<S: Simd>(
        &self,
        s: S,
        view: &[f32],
        row: usize,
        column: usize,
        tile: usize,
        to: &mut Transformed<'_>,
    ) {
        let (pitch, channels) = (self.strips.pitch(), self.source_channels);
        let corner = row * OUT * pitch + column * OUT * channels;
        let mut rows = [view; IN];
        for (y, row) in rows.iter_mut().enumerate() {
            *row = &view[corner + y * pitch..][..IN * channels];
        }
        for c in (0..channels - channels % S::LANES).step_by(S::LANES) {
            to.store_inputs(
                s,
                tile,
                c,
                #[inline(always)]
                |y, x| {
                    // SAFETY: a row holds `channels` numbers for each `x`, of which `c` and the
                    // following `LANES - 1` are some.
                    unsafe { s.load_ptr(rows[y].as_ptr().add(x * channels + c)) }
                },
            );
        }
        let tail = channels % S::LANES;
        if tail > 0 {
            let c = channels - tail;
            to.store_inputs(
                s,
                tile,
                c,
                #[inline(always)]
                |y, x| s.load_tail(&rows[y][x * channels + c..][..tail]),
            );
        }
    }
}
