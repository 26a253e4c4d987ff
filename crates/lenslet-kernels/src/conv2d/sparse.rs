//! Both gradients of a convolution whose output's gradient is mostly zero.
//!
//! Behind max-pooling, a rectifier and dropout three to eleven numbers of a hundred are not. Each
//! of these is listed, by channel, with the place of its window in a strip of the padded input. A
//! row of a window is one run of numbers there, so
//!
//! * the gradient of a row of a filter is the sum of the listed numbers times such runs: it stays
//!   in registers while its list passes;
//! * the gradient of the input is each listed number times the filter's row, added to such a run:
//!   now the filter stays in registers. Where windows of 3 x 3 move by one and vectors are wide,
//!   [`sliding`] keeps the sums there instead.

mod alive;
mod count;
mod found;
mod lists;
mod places;
mod sliding;
mod taps;
mod transposed;

use super::filters::block;
use super::line::Line;
use super::strips::Strips;
use crate::fast::activation;
use crate::simd::{Simd, dispatch};
use crate::{Activation, Axis, Chunks, Conv2dShape, Isa, OutputGradient, Pooled, Team};
use alive::Alive;
use count::count;
use found::Found;
use lists::Lists;
use places::{Place, Places};
use sliding::Sliding;
use taps::Taps;
use transposed::add_transposed;

/// Elements of a strip of the input. Lower strips would stay in the first cache, but a list of each
/// strip and channel has registers to fill and to empty, and would be half as long.
const STRIP: usize = 11000;
/// The most lanes of an instruction set.
const LANES: usize = 16;
/// The most weights that stay near: in the second cache, beside what else an image needs.
const NEAR: usize = 1 << 18;
/// Cycles for a vector of weights, read and written, that does not.
const FAR: usize = 32;
/// Pixels of a strip at least: shorter lists are not worth the registers that they fill.
const PIXELS: usize = 128;

/// What is prepared for one shape.
#[derive(Clone, Debug)]
pub(super) struct Sparse {
    shape: Conv2dShape,
    strips: Strips,
    /// Elements of a strip from one output pixel to the next, one output row to the next, one row
    /// of taps to the next.
    pixel_step: usize,
    row_step: usize,
    tap_step: usize,
    /// Elements of a filter's row.
    run: usize,
    /// Elements of the strip with the input's gradient.
    strip_len: usize,
    /// The way to the input's gradient without strips, where it takes less time.
    sliding: Option<Sliding>,
}

impl Sparse {
    /// `None` where a window's row is not one run of the input.
    pub(super) fn new(shape: &Conv2dShape, lanes: usize) -> Option<Self> {
        let Conv2dShape { height, width, in_channels, out_channels } = *shape;
        let row_len = width.output * out_channels;
        if width.dilation > 1 && width.window > 1 {
            return None;
        }
        let (rows, columns) = (Line::forward(&height), Line::forward(&width));
        let padded_row = columns.reach(columns.units) * in_channels;
        let fitting = (STRIP / padded_row.max(1)).saturating_sub(rows.span) / rows.step + 1;
        let units = fitting.max(PIXELS.div_ceil(width.output.max(1)));
        let strips = Strips::new(&rows, &columns, in_channels, units);
        let (units, pitch) = (strips.height(), strips.pitch());
        let strip_len = rows.reach(units).max(units * rows.step) * pitch;
        let exact = |n: usize, divisor: usize| n.checked_mul(divisor).is_some_and(|n| n < 1 << 32);
        if !exact(units * row_len, row_len) || !exact(strip_len, 1) {
            return None;
        }
        Some(Self {
            shape: *shape,
            pixel_step: width.stride * in_channels,
            row_step: height.stride * pitch,
            tap_step: height.dilation * pitch,
            run: width.window * in_channels,
            strip_len,
            strips,
            sliding: Sliding::new(shape, lanes),
        })
    }

    /// The filters, each row of taps a run, or as [`Sliding`] wants them.
    pub(super) fn packed_len(&self) -> usize {
        self.sliding.as_ref().map_or(self.shape.weights_len(), Sliding::packed_len)
    }

    pub(super) fn scratch_len(&self) -> usize {
        let [lists, found, bits] = self.lens();
        let bias = self.shape.out_channels.next_multiple_of(LANES);
        let own = self.shape.weights_len() + bias + lists + found + bits;
        own + self.back_len() + self.strips.scratch_len()
    }

    /// Elements of working memory for what is not zero.
    fn lens(&self) -> [usize; 3] {
        let (units, channels) = (self.strips.height(), self.shape.out_channels);
        let lists = Lists::room(channels, units * self.shape.width.output);
        let bits = self.sliding.as_ref().map_or(0, |_| Alive::room(&self.shape));
        [lists, Found::room(&self.shape, units), bits].map(|len| len.next_multiple_of(LANES))
    }

    /// Elements of working memory for the input's gradient.
    fn back_len(&self) -> usize {
        self.sliding.as_ref().map_or(self.strip_len, Sliding::scratch_len)
    }

    /// Lays out filters (HWIO) for [`Self::run`].
    pub(super) fn pack(&self, team: &Team, isa: Isa, w: &[f32], packed: &mut [f32]) {
        if let Some(sliding) = &self.sliding {
            return sliding.pack(team, isa, w, packed);
        }
        let channels = self.shape.out_channels;
        let len = packed.len() / channels;
        team.share(Chunks::new(packed, isa.lanes() * len), |block, packed| {
            dispatch!(isa, |s| pack_block(s, w, channels, block * isa.lanes(), packed));
        });
    }

    /// How many numbers are not zero; `None` where one is not finite: then zeros must not be skipped.
    pub(super) fn count(&self, isa: Isa, dy: &OutputGradient<'_, f32>) -> Option<usize> {
        if let OutputGradient::Pooled(Pooled { pool, .. }) = dy {
            // Windows that overlap may pass more numbers than fit the lists.
            let apart = |axis: &Axis| (axis.window - 1) * axis.dilation < axis.stride;
            if !apart(&pool.height) || !apart(&pool.width) {
                return None;
            }
        }
        dispatch!(isa, |s| count(s, dy))
    }

    /// Whether there may be gradients for which [`Self::pays`] holds; `dense` is for the filters' alone
    /// and for both.
    pub(super) fn can_pay(&self, lanes: usize, dense: [f64; 2]) -> bool {
        let cheaper = |both, dense| self.cheaper(lanes, [0, 0], both, dense);
        cheaper(false, dense[0]) || cheaper(true, dense[1])
    }

    /// Whether `count` numbers take less time one by one than all of them in the dense way, which
    /// takes `dense` of the direct sum's time.
    pub(super) fn pays(
        &self,
        lanes: usize,
        count: usize,
        dy: &OutputGradient<'_, f32>,
        both: bool,
        dense: f64,
    ) -> bool {
        let examined = match dy {
            OutputGradient::Dense(dy) => dy.len(),
            OutputGradient::Pooled(pooled) => pooled.dy.len(),
        };
        self.cheaper(lanes, [count, examined], both, dense)
    }

    /// The same for a number of elements that are looked at, in units of about a cycle of the CPU.
    fn cheaper(&self, lanes: usize, [count, examined]: [usize; 2], both: bool, dense: f64) -> bool {
        let Conv2dShape { height, out_channels, .. } = self.shape;
        // Vectors that a number is multiplied by; a tail takes longer.
        let vectors =
            height.window * (self.run / lanes + 3 * usize::from(!self.run.is_multiple_of(lanes)));
        let lists = out_channels * self.strips.iter().count();
        let passes = if both { 2 } else { 1 };
        // A list goes through a channel's filters once, however short it is.
        let through = if self.shape.weights_len() > NEAR { FAR } else { 2 };
        let own = 4 * examined + passes * (count + through * lists) * vectors;
        let all = self.shape.output_len() * height.window * self.run / (2 * lanes) * passes;
        (own as f64) < dense * all as f64
    }

    /// Multiply-adds for so many numbers, see [`Conv2dKernel::forward_made`](crate::Conv2dKernel).
    pub(super) fn made(&self, lanes: usize, count: usize, both: bool) -> u64 {
        let each = self.shape.height.window * self.run.next_multiple_of(lanes);
        (count * each) as u64 * (1 + u64::from(both))
    }

    /// Adds the gradients of the filters and the bias; writes that of the input, unless `dx` is
    /// empty: zero, if `rectified`, where `x` is not above zero. [`Self::count`] was not `None`, and is what
    /// this returns; or `None` where an input is not finite, or huge: then zeros must not be skipped,
    /// nothing was added, and `dx` holds nothing of use.
    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    pub(super) fn run(
        &self,
        isa: Isa,
        rectified: bool,
        x: &[f32],
        dy: &OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) -> Option<usize> {
        dispatch!(isa, |s| self.run_with(s, rectified, x, dy, packed, dw, db, dx, scratch))
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    fn run_with<S: Simd>(
        &self,
        s: S,
        rectified: bool,
        x: &[f32],
        dy: &OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) -> Option<usize> {
        let (filters, scratch) = scratch.split_at_mut(self.shape.weights_len());
        let channels = self.shape.out_channels;
        let [lists, found, bits] = self.lens();
        let (lists, scratch) = scratch.split_at_mut(lists);
        let (found, scratch) = scratch.split_at_mut(found);
        let (bits, scratch) = scratch.split_at_mut(bits);
        let (bias, scratch) = scratch.split_at_mut(channels.next_multiple_of(LANES));
        let bias = &mut bias[..channels];
        let (back, scratch) = scratch.split_at_mut(self.back_len());
        let mut lists = Lists::new(channels, lists);
        let sliding = self.sliding.as_ref().filter(|_| !dx.is_empty());
        let mut alive = sliding.map(|_| Alive::new(&self.shape, dy, bits));
        let scatters = !dx.is_empty() && sliding.is_none();
        filters.fill(0.0);
        bias.fill(0.0);
        if scatters {
            back.fill(0.0);
        }
        let places = Places::new(self);
        let rows = self.shape.height.window;
        let (taps, weights) = (Taps { rows, run: self.run, step: self.tap_step }, rows * self.run);
        let mut count = 0;
        for units in self.strips.iter() {
            let (strip, moderate) = self.strips.watched_view(s, &units, x, scratch);
            if !moderate {
                return None;
            }
            // It has been a while since the forward pass wrote it.
            self.strips.ask_for_next(s, &units, x);
            let found = Found::new(s, &self.shape, dy, &units, found);
            count += found.len();
            lists.clear();
            let first = units.start * self.shape.width.output;
            places.each(
                s,
                &found,
                #[inline(always)]
                |Place { pixel, channel, start }, number| {
                    lists.push(channel, start, number);
                    if let Some(alive) = &mut alive {
                        alive.set(first + pixel, channel);
                    }
                },
            );
            for (o, bias) in bias.iter_mut().enumerate() {
                let list = lists.of(o);
                taps.gather(s, list, strip, &mut filters[o * weights..][..weights]);
                *bias += list.sum;
            }
            for o in (0..channels).filter(|_| scatters) {
                taps.scatter(s, lists.of(o), &packed[o * weights..][..weights], back);
            }
            if scatters {
                self.strips.take_back(&units, back, dx);
            }
        }
        if let (Some(sliding), Some(alive)) = (sliding, &alive) {
            s.apart(
                #[inline(always)]
                || sliding.run(s, alive, packed, rectified.then_some(x), dx, back),
            );
        }
        if rectified && scatters {
            activation::backward_with(s, Activation::Relu, x, dx);
        }
        add_transposed(s, filters, channels, dw);
        db.iter_mut().zip(bias).for_each(|(db, sum)| *db += *sum);
        Some(count)
    }
}

/// The first vector of the numbers; zeros where there are fewer.
#[inline(always)]
fn load_u32<S: Simd>(s: S, x: &[u32]) -> S::U32 {
    if x.len() >= S::LANES {
        return s.load_u32(x);
    }
    let mut lanes = [0; LANES];
    lanes[..x.len()].copy_from_slice(x);
    s.load_u32(&lanes)
}

/// The filters of a vector's number of output channels from `first` on, one after the other.
#[inline(always)]
fn pack_block<S: Simd>(s: S, w: &[f32], channels: usize, first: usize, packed: &mut [f32]) {
    let len = w.len() / channels;
    for i in (0..len).step_by(S::LANES) {
        let columns = s.transpose(block(s, w, channels, i, first));
        for (packed, x) in packed.chunks_exact_mut(len).zip(columns) {
            let (_, packed) = packed.split_at_mut(i);
            if packed.len() >= S::LANES { s.store(packed, x) } else { s.store_tail(packed, x) }
        }
    }
}

/// The first vector of the numbers; zeros where there are fewer.
#[inline(always)]
fn load<S: Simd>(s: S, x: &[f32]) -> S::F32 {
    if x.len() >= S::LANES { s.load(x) } else { s.load_tail(x) }
}
