//! Both gradients of a convolution whose output's gradient is mostly zero.
//!
//! Behind max-pooling, a rectifier and dropout three to eleven numbers of a hundred are not. Each
//! of these is listed, by channel, with the place of its window in a strip of the padded input. A
//! row of a window is one run of numbers there, so
//!
//! * the gradient of a row of a filter is the sum of the listed numbers times such runs: it stays
//!   in registers while its list passes;
//! * the gradient of the input is each listed number times the filter's row, added to such a run:
//!   now the filter stays in registers.

use std::ops::Range;

use super::line::Line;
use super::strips::Strips;
use crate::simd::{Simd, dispatch};
use crate::{Chunks, Conv2dShape, Isa, OutputGradient, Pooled, Team};

/// Output channels that are listed at a time.
const CHANNELS: usize = 64;
/// Elements of a strip of the input: two of them, one with the gradient, about fill the first
/// cache.
const STRIP: usize = 7000;
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
    /// Listed numbers of one channel at most, and a vector: lists grow by whole vectors.
    capacity: usize,
}

/// Numbers that are not zero, by channel.
struct Lists<'a> {
    /// Of each channel, where in the strip, as an integer's bits...
    places: &'a mut [f32],
    /// ...and the number.
    numbers: &'a mut [f32],
    lens: [u32; CHANNELS],
    /// From one channel to the next.
    stride: usize,
}

/// The numbers of one channel.
#[derive(Clone, Copy)]
struct List<'a> {
    places: &'a [f32],
    numbers: &'a [f32],
}

impl<'a> List<'a> {
    #[inline(always)]
    fn each(self) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.places.iter().zip(self.numbers).map(
            #[inline(always)]
            |(place, &number)| (place.to_bits() as usize, number),
        )
    }
}

impl Lists<'_> {
    /// Appends to the lists of the channels from `first` on what is not zero of up to a vector of
    /// pixels, of which each comes with a number and a place for every channel.
    #[inline(always)]
    fn push<S: Simd>(&mut self, s: S, channels: Range<usize>, pixels: &Pixels<S>) {
        // Now each vector has one channel's pixels.
        let numbers = s.transpose(pixels.numbers);
        let places = s.transpose(pixels.places);
        for (lane, channel) in channels.enumerate() {
            let alive = s.lt(s.splat(0.0), absolute(s, numbers[lane]));
            let len = self.lens[channel] as usize;
            let at = channel * self.stride + len;
            let [number, place] = [numbers[lane], places[lane]];
            s.store(&mut self.numbers[at..], compress(s, alive, number));
            s.store(&mut self.places[at..], compress(s, alive, place));
            self.lens[channel] += s.bits(alive).count_ones();
        }
    }

    #[inline(always)]
    fn of(&self, channel: usize) -> List<'_> {
        let (start, len) = (channel * self.stride, self.lens[channel] as usize);
        List { places: &self.places[start..][..len], numbers: &self.numbers[start..][..len] }
    }
}

/// Up to a vector of pixels, each with a vector of channels.
struct Pixels<S: Simd> {
    numbers: [S::F32; 16],
    /// As integers' bits.
    places: [S::F32; 16],
}

#[inline(always)]
fn compress<S: Simd>(s: S, mask: S::Mask, x: S::F32) -> S::F32 {
    s.from_bits(s.compress(mask, s.to_bits(x)))
}

#[inline(always)]
fn absolute<S: Simd>(s: S, x: S::F32) -> S::F32 {
    s.from_bits(s.and(s.to_bits(x), s.splat_u32(0x7FFF_FFFF)))
}

/// Division of vectors by a constant as a multiplication: exact while `n * divisor < 2^32`.
#[derive(Clone, Copy)]
struct Divisor(u32);

impl Divisor {
    fn new(divisor: usize) -> Self {
        // For 1 the multiplier would be 2^32: the largest one stands for that.
        Self(u32::try_from((1u64 << 32).div_ceil(divisor as u64)).unwrap_or(u32::MAX))
    }

    #[inline(always)]
    fn of<S: Simd>(self, s: S, n: S::U32) -> S::U32 {
        if self.0 == u32::MAX { n } else { s.mul_wide(n, s.splat_u32(self.0)).1 }
    }
}

impl Sparse {
    /// `None` where a window's row is not one run of the input.
    pub(super) fn new(shape: &Conv2dShape) -> Option<Self> {
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
            capacity: units * width.output + LANES,
            strips,
        })
    }

    /// The filters, each row of taps a run.
    pub(super) fn packed_len(&self) -> usize {
        self.shape.weights_len()
    }

    pub(super) fn scratch_len(&self) -> usize {
        let lists = 2 * CHANNELS.min(self.shape.out_channels) * self.capacity;
        self.shape.weights_len() + lists + self.strip_len + self.strips.scratch_len()
    }

    /// Lays out filters (HWIO) for [`Self::run`].
    pub(super) fn pack(&self, team: &Team, w: &[f32], packed: &mut [f32]) {
        let channels = self.shape.out_channels;
        let len = packed.len() / channels;
        team.share(Chunks::new(packed, len), |o, packed| {
            for (to, w) in packed.iter_mut().zip(w[o..].iter().step_by(channels)) {
                *to = *w;
            }
        });
    }

    /// How many numbers are not zero; `None` where one is not finite, or an input: then zeros must
    /// not be skipped.
    pub(super) fn count(&self, isa: Isa, x: &[f32], dy: &OutputGradient<'_, f32>) -> Option<usize> {
        if let OutputGradient::Pooled(Pooled { pool, .. }) = dy {
            // Windows that overlap may pass more numbers than fit the lists.
            let apart = |axis: &crate::Axis| (axis.window - 1) * axis.dilation < axis.stride;
            if !apart(&pool.height) || !apart(&pool.width) {
                return None;
            }
        }
        dispatch!(isa, |s| count(s, x, dy))
    }

    /// Whether `count` numbers take less time one by one than all of them in the dense way, which
    /// takes `dense` of the direct sum's time. In units of about a cycle of the CPU.
    pub(super) fn pays(
        &self,
        lanes: usize,
        count: usize,
        dy: &OutputGradient<'_, f32>,
        both: bool,
        dense: f64,
    ) -> bool {
        let Conv2dShape { height, out_channels, .. } = self.shape;
        let examined = match dy {
            OutputGradient::Dense(dy) => dy.len(),
            OutputGradient::Pooled(pooled) => pooled.dy.len(),
        };
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
    /// empty. [`Self::count`] was not `None`.
    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    pub(super) fn run(
        &self,
        isa: Isa,
        x: &[f32],
        dy: &OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        dispatch!(isa, |s| self.run_with(s, x, dy, packed, dw, db, dx, scratch));
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    fn run_with<S: Simd>(
        &self,
        s: S,
        x: &[f32],
        dy: &OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (filters, scratch) = scratch.split_at_mut(self.shape.weights_len());
        let channels = self.shape.out_channels;
        let listed = CHANNELS.min(channels) * self.capacity;
        let (places, scratch) = scratch.split_at_mut(listed);
        let (numbers, scratch) = scratch.split_at_mut(listed);
        let (back, scratch) = scratch.split_at_mut(self.strip_len);
        let stride = match dy {
            OutputGradient::Dense(_) => self.capacity,
            OutputGradient::Pooled(Pooled { pool, .. }) => self.capacity.min(
                pool.width.output * (self.strips.height().div_ceil(pool.height.stride) + 1) + LANES,
            ),
        };
        let mut lists = Lists { places, numbers, lens: [0; CHANNELS], stride };
        filters.fill(0.0);
        back.fill(0.0);
        let rows = self.shape.height.window;
        for units in self.strips.iter() {
            let strip = self.strips.view(&units, x, scratch);
            for first in (0..channels).step_by(CHANNELS) {
                let some = first..channels.min(first + CHANNELS);
                lists.lens = [0; CHANNELS];
                self.list(s, dy, &units, some.clone(), db, &mut lists);
                for o in some.clone() {
                    let list = lists.of(o - first);
                    for row in (0..rows).filter(|_| !list.places.is_empty()) {
                        let to = &mut filters[(o * rows + row) * self.run..][..self.run];
                        gather(s, list, &strip[row * self.tap_step..], to);
                    }
                }
                for o in some.filter(|_| !dx.is_empty()) {
                    let list = lists.of(o - first);
                    for row in (0..rows).filter(|_| !list.places.is_empty()) {
                        let w = &packed[(o * rows + row) * self.run..][..self.run];
                        scatter(s, list, w, &mut back[row * self.tap_step..]);
                    }
                }
            }
            if !dx.is_empty() {
                self.strips.take_back(&units, back, dx);
            }
        }
        add_transposed(s, filters, channels, dw);
    }

    /// Lists what is not zero in some rows and channels; adds it to the gradient of the bias.
    #[inline(always)]
    fn list<S: Simd>(
        &self,
        s: S,
        dy: &OutputGradient<'_, f32>,
        strip: &Range<usize>,
        channels: Range<usize>,
        db: &mut [f32],
        lists: &mut Lists<'_>,
    ) {
        let db = if db.is_empty() { &mut [] } else { &mut db[channels.clone()] };
        let (rows, width) = match dy {
            OutputGradient::Dense(_) => (strip.clone(), self.shape.width.output),
            OutputGradient::Pooled(pooled) => {
                (windows(pooled.pool, strip), pooled.pool.width.output)
            }
        };
        let places = Places::new(self, strip, width);
        for first in (0..channels.len()).step_by(S::LANES) {
            let some = first..channels.len().min(first + S::LANES);
            let of = channels.start + first..channels.start + some.end;
            let mut sum = s.splat(0.0);
            for pixel in (rows.start * width..rows.end * width).step_by(S::LANES) {
                let end = (rows.end * width).min(pixel + S::LANES);
                let zero = s.splat(0.0);
                let mut pixels = Pixels { numbers: [zero; 16], places: [zero; 16] };
                for (i, pixel) in (pixel..end).enumerate() {
                    let (number, place) = match dy {
                        OutputGradient::Dense(dy) => places.of(s, pixel, &of, dy),
                        OutputGradient::Pooled(pooled) => places.pooled(s, pixel, &of, pooled),
                    };
                    pixels.numbers[i] = number;
                    pixels.places[i] = s.from_bits(place);
                    sum = s.add(sum, number);
                }
                lists.push(s, some.clone(), &pixels);
            }
            add(s, sum, db, first);
        }
    }
}

/// Where the window of a pixel lies in a strip of the padded input.
struct Places<'a> {
    sparse: &'a Sparse,
    /// The strip's rows of the output.
    rows: Range<usize>,
    /// Of the gradient at hand.
    width: usize,
    /// Elements of a row of the output, and of a pixel.
    row: Divisor,
    pixel: Divisor,
}

impl<'a> Places<'a> {
    #[inline(always)]
    fn new(sparse: &'a Sparse, rows: &Range<usize>, width: usize) -> Self {
        let channels = sparse.shape.out_channels;
        let row = Divisor::new(sparse.shape.width.output * channels);
        Self { sparse, rows: rows.clone(), width, row, pixel: Divisor::new(channels) }
    }

    /// Up to a vector of numbers of one pixel of the output.
    #[inline(always)]
    fn of<S: Simd>(
        &self,
        s: S,
        pixel: usize,
        channels: &Range<usize>,
        dy: &[f32],
    ) -> (S::F32, S::U32) {
        let at = pixel * self.sparse.shape.out_channels;
        let (row, column) = (pixel / self.width - self.rows.start, pixel % self.width);
        let place = row * self.sparse.row_step + column * self.sparse.pixel_step;
        let number = load(s, &dy[at + channels.start..at + channels.end]);
        (number, s.splat_u32(place as u32))
    }

    /// Up to a vector of numbers that come back from one pixel of a pool; zero where they do not, or
    /// go to another strip.
    #[inline(always)]
    fn pooled<S: Simd>(
        &self,
        s: S,
        pixel: usize,
        channels: &Range<usize>,
        from: &Pooled<'_, f32>,
    ) -> (S::F32, S::U32) {
        let all = self.sparse.shape.out_channels;
        let row_len = self.sparse.shape.width.output * all;
        let at = pixel * all + channels.start..pixel * all + channels.end;
        let (y, dy) = (load(s, &from.y[at.clone()]), load(s, &from.dy[at.clone()]));
        let argmax = &from.argmax[at];
        let argmax = if argmax.len() == S::LANES {
            s.load_u32(argmax)
        } else {
            let mut tail = [0; 16];
            tail[..argmax.len()].copy_from_slice(argmax);
            s.load_u32(&tail)
        };
        // Of the first channel of the pixel, from the first row on; what lies before that is huge.
        let channel = s.add_u32(s.splat_u32(channels.start as u32), s.lane_numbers());
        let start = s.splat_u32((self.rows.start * row_len) as u32);
        let element = s.sub_u32(s.sub_u32(argmax, channel), start);
        let end = s.splat_u32((self.rows.len() * row_len) as u32);
        let row = self.row.of(s, element);
        let column = self.pixel.of(s, s.sub_u32(element, times(s, row, row_len)));
        let (row_step, pixel_step) = (self.sparse.row_step, self.sparse.pixel_step);
        let place = s.add_u32(times(s, row, row_step), times(s, column, pixel_step));
        let zero = s.splat(0.0);
        let number = s.mul(s.splat(from.scale), dy);
        let number = s.select(s.lt(zero, y), number, zero);
        (s.select(s.lt_u32(element, end), number, zero), place)
    }
}

#[inline(always)]
fn times<S: Simd>(s: S, a: S::U32, b: usize) -> S::U32 {
    s.mul_wide(a, s.splat_u32(b as u32)).0
}

/// Adds a vector to the numbers from `first` on, as far as there are any.
#[inline(always)]
fn add<S: Simd>(s: S, x: S::F32, to: &mut [f32], first: usize) {
    let (_, to) = to.split_at_mut(first.min(to.len()));
    if to.len() >= S::LANES {
        s.store(to, s.add(s.load(to), x));
    } else if !to.is_empty() {
        s.store_tail(to, s.add(s.load_tail(to), x));
    }
}

/// The rows of a pool whose windows touch some rows of its input.
fn windows(pool: &crate::Pool2dShape, rows: &Range<usize>) -> Range<usize> {
    let axis = &pool.height;
    let span = (axis.window - 1) * axis.dilation + 1;
    // Window `o` reads from `o * stride - pad` on, `span` rows.
    let first = (rows.start + axis.pad_before + 1).saturating_sub(span).div_ceil(axis.stride);
    let end = (rows.end + axis.pad_before).div_ceil(axis.stride);
    first..end.min(axis.output).max(first)
}

/// The first vector of the numbers; zeros where there are fewer.
#[inline(always)]
fn load<S: Simd>(s: S, x: &[f32]) -> S::F32 {
    if x.len() >= S::LANES { s.load(x) } else { s.load_tail(x) }
}

/// Bit `i` is set where lane `i` is not zero.
#[inline(always)]
fn nonzero<S: Simd>(s: S, x: S::F32) -> u32 {
    !s.bits(s.eq(x, s.splat(0.0))) & (u32::MAX >> (32 - S::LANES))
}

/// Bit `i` is set where lane `i` is above zero.
#[inline(always)]
fn positive<S: Simd>(s: S, x: S::F32) -> u32 {
    s.bits(s.lt(s.splat(0.0), x))
}

/// How many numbers of the gradient are not zero; `None` where something is not finite.
#[inline(always)]
fn count<S: Simd>(s: S, x: &[f32], dy: &OutputGradient<'_, f32>) -> Option<usize> {
    let zero = s.splat(0.0);
    // Zero times what is not finite is NaN, which stays.
    let mut odd = [zero; 4];
    let mut vectors = x.chunks_exact(4 * S::LANES);
    for x in &mut vectors {
        for (v, odd) in odd.iter_mut().enumerate() {
            *odd = s.mul_add(s.load(&x[v * S::LANES..]), zero, *odd);
        }
    }
    let mut odd = s.add(s.add(odd[0], odd[1]), s.add(odd[2], odd[3]));
    for x in vectors.remainder().chunks(S::LANES) {
        odd = s.mul_add(load(s, x), zero, odd);
    }
    let mut count = 0;
    let (y, dy, scale) = match dy {
        OutputGradient::Dense(dy) => (*dy, *dy, 1.0),
        OutputGradient::Pooled(Pooled { y, dy, scale, .. }) => (*y, *dy, *scale),
    };
    let scale = s.splat(scale);
    let pooled = !std::ptr::eq(y, dy);
    for (y, dy) in y.chunks(S::LANES).zip(dy.chunks(S::LANES)) {
        let dy = load(s, dy);
        odd = s.mul_add(s.mul(dy, scale), zero, odd);
        let alive = if pooled { positive(s, load(s, y)) } else { u32::MAX };
        count += (nonzero(s, dy) & alive).count_ones() as usize;
    }
    s.all_finite(odd).then_some(count)
}

/// The largest number of vectors that stay in registers, of those that are left: with one more for
/// the listed number.
macro_rules! in_registers {
    ($left:expr, $one:ident $arguments:tt) => {
        match $left {
            12.. => in_registers!(@ 12 $one $arguments),
            8.. => in_registers!(@ 8 $one $arguments),
            4.. => in_registers!(@ 4 $one $arguments),
            2.. => in_registers!(@ 2 $one $arguments),
            _ => in_registers!(@ 1 $one $arguments),
        }
    };
    (@ $vectors:literal $one:ident ($($argument:expr),*)) => {{
        $one::<S, $vectors>($($argument),*);
        $vectors
    }};
}

/// `to[i] += sum over the list of number * x[at + i]`.
#[inline(always)]
fn gather<S: Simd>(s: S, list: List<'_>, x: &[f32], to: &mut [f32]) {
    let mut start = 0;
    while to.len() - start >= S::LANES {
        let left = (to.len() - start) / S::LANES;
        let (x, to) = (&x[start..], &mut to[start..]);
        start += S::LANES * in_registers!(left, gather_some(s, list, x, to));
    }
    let to = &mut to[start..];
    if !to.is_empty() {
        let mut sum = s.load_tail(to);
        for (at, number) in list.each() {
            let x = &x[start + at..][..to.len()];
            sum = s.mul_add(s.splat(number), s.load_tail(x), sum);
        }
        s.store_tail(to, sum);
    }
}

#[inline(always)]
fn gather_some<S: Simd, const V: usize>(s: S, list: List<'_>, x: &[f32], to: &mut [f32]) {
    let mut sums = [s.splat(0.0); V];
    for (v, sum) in sums.iter_mut().enumerate() {
        *sum = s.load(&to[v * S::LANES..]);
    }
    for (at, number) in list.each() {
        let number = s.splat(number);
        let x = &x[at..][..V * S::LANES];
        for (v, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `x` has `V` vectors.
            let x = unsafe { s.load_ptr(x.as_ptr().add(v * S::LANES)) };
            *sum = s.mul_add(number, x, *sum);
        }
    }
    for (v, sum) in sums.into_iter().enumerate() {
        s.store(&mut to[v * S::LANES..], sum);
    }
}

/// `to[at + i] += number * w[i]` for all of the list.
#[inline(always)]
fn scatter<S: Simd>(s: S, list: List<'_>, w: &[f32], to: &mut [f32]) {
    let mut start = 0;
    while w.len() - start >= S::LANES {
        let left = (w.len() - start) / S::LANES;
        let (w, to) = (&w[start..], &mut to[start..]);
        start += S::LANES * in_registers!(left, scatter_some(s, list, w, to));
    }
    let w = &w[start..];
    if !w.is_empty() {
        let tail = s.load_tail(w);
        for (at, number) in list.each() {
            let to = &mut to[start + at..][..w.len()];
            let sum = s.mul_add(s.splat(number), tail, s.load_tail(to));
            s.store_tail(to, sum);
        }
    }
}

#[inline(always)]
fn scatter_some<S: Simd, const V: usize>(s: S, list: List<'_>, w: &[f32], to: &mut [f32]) {
    let mut weights = [s.splat(0.0); V];
    for (v, weights) in weights.iter_mut().enumerate() {
        *weights = s.load(&w[v * S::LANES..]);
    }
    for (at, number) in list.each() {
        let number = s.splat(number);
        let to = &mut to[at..][..V * S::LANES];
        for (v, w) in weights.iter().enumerate() {
            // SAFETY: `to` has `V` vectors.
            unsafe {
                let to = to.as_mut_ptr().add(v * S::LANES);
                s.store_ptr(to, s.mul_add(number, *w, s.load_ptr(to)));
            }
        }
    }
}

/// `to[i, o] += from[o, i]`, of `columns` columns `o`.
#[inline(always)]
fn add_transposed<S: Simd>(s: S, from: &[f32], columns: usize, to: &mut [f32]) {
    let rows = from.len() / columns;
    let (whole_rows, whole_columns) = (rows - rows % S::LANES, columns - columns % 4);
    for o in (0..whole_columns).step_by(4) {
        for i in (0..whole_rows).step_by(S::LANES) {
            let mut block = [s.splat_u32(0); 4];
            for (q, block) in block.iter_mut().enumerate() {
                *block = s.to_bits(s.load(&from[(o + q) * rows + i..]));
            }
            // Now in each vector rows follow one another, four columns of each.
            let mut lanes = [[0.0; 16]; 4];
            for (lanes, block) in lanes.iter_mut().zip(s.interleave(block)) {
                s.store(lanes, s.from_bits(block));
            }
            for r in 0..S::LANES {
                let four = &lanes[r / (S::LANES / 4)][r % (S::LANES / 4) * 4..][..4];
                let to = &mut to[(i + r) * columns + o..][..4];
                to.iter_mut().zip(four).for_each(|(to, sum)| *to += sum);
            }
        }
        for i in whole_rows..rows {
            (o..o + 4).for_each(|o| to[i * columns + o] += from[o * rows + i]);
        }
    }
    for o in whole_columns..columns {
        (0..rows).for_each(|i| to[i * columns + o] += from[o * rows + i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiplication_divides() {
        for divisor in [1, 2, 3, 7, 32, 100, 1024, 8191, 70_000] {
            let most = (1usize << 32).div_ceil(divisor) - 1;
            let cases = [0, 1, divisor - 1, divisor, divisor * 9 - 1, divisor * 9, most - 1, most];
            for n in cases.into_iter().filter(|&n| n <= most) {
                let mut got = [0; 16];
                dispatch!(Isa::detect(), |s| {
                    let by = Divisor::new(divisor).of(s, s.splat_u32(n as u32));
                    s.store_u32(&mut got, by);
                    assert_eq!(got[0], (n / divisor) as u32, "{n} / {divisor}");
                });
            }
        }
    }

    #[test]
    fn windows_of_some_rows() {
        for axis in [
            crate::Axis::valid(9, 2, 2, 1),
            crate::Axis::same(9, 2, 3, 2),
            crate::Axis::same(8, 3, 3, 1),
        ] {
            let axis = axis.unwrap();
            let pool = crate::Pool2dShape { height: axis, width: axis, channels: 1 };
            for start in 0..axis.input {
                for end in start + 1..=axis.input {
                    let touched = |o: &usize| {
                        axis.taps(*o)
                            .any(|t| axis.at(*o, t).is_some_and(|i| (start..end).contains(&i)))
                    };
                    let got = windows(&pool, &(start..end));
                    for o in (0..axis.output).filter(touched) {
                        assert!(got.contains(&o), "{axis:?} {start}..{end}: {o} not in {got:?}");
                    }
                }
            }
        }
    }
}
