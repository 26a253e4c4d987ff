//! The gradient of the input where windows of 3 x 3 move by one pixel.
//!
//! To add a number times its filter to memory takes a store for each vector, and of all it does a core
//! can store whole lines of the cache least often. Here the window that a pixel of the output
//! reaches stays in registers while that pixel's numbers pass, each with its filter from a near
//! cache. Then the window moves on by a pixel, and what it leaves is complete but for the rows below:
//! two rows of such sums wait in a ring.

use super::alive::{Alive, Pixel};
use crate::conv2d::filters::View;
use crate::simd::{LINE, Simd, dispatch};
use crate::{Axis, Chunks, Conv2dShape, Isa, Team};

/// Rows and columns of a window.
const SIDE: usize = 3;
const TAPS: usize = SIDE * SIDE;
/// Vectors of channels that pass together.
const VECTORS: usize = 2;
/// Rows that wait for those below, and as many columns behind the last pixel.
const RING: usize = SIDE - 1;
/// Rows of pixels that are gone through at once: fewer sums wait, and are written, than one by one.
const PAIR: usize = 2;
/// Rows that their windows reach.
const REACH: usize = PAIR + SIDE - 1;
/// The most weights for a vector of input channels: beyond that they stay in no near cache.
const NEAR: usize = 1 << 14;

/// What is prepared for one shape.
#[derive(Clone, Debug)]
pub(super) struct Sliding {
    shape: Conv2dShape,
    lanes: usize,
}

impl Sliding {
    /// `None` where windows are others, filters would not stay near, or vectors are narrower than a
    /// line of the cache or too few: then it takes no less time than to scatter.
    pub(super) fn new(shape: &Conv2dShape, lanes: usize) -> Option<Self> {
        let fits = |axis: &Axis| (axis.window, axis.stride, axis.dilation) == (SIDE, 1, 1);
        let fits = fits(&shape.height) && fits(&shape.width);
        let pays = lanes == LINE
            && shape.in_channels >= VECTORS * lanes
            && shape.out_channels * TAPS * lanes <= NEAR;
        (fits && pays).then_some(Self { shape: *shape, lanes })
    }

    /// The filters, one vector of input channels after the other.
    pub(super) fn packed_len(&self) -> usize {
        self.shape.in_channels.div_ceil(self.lanes) * self.block()
    }

    /// Weights for a vector of input channels.
    fn block(&self) -> usize {
        self.shape.out_channels * TAPS * self.lanes
    }

    pub(super) fn scratch_len(&self) -> usize {
        RING * places(&self.shape.width) * VECTORS * self.lanes
    }

    /// Lays out filters (HWIO) for [`Self::run`].
    pub(super) fn pack(&self, team: &Team, isa: Isa, w: &[f32], packed: &mut [f32]) {
        let view = View::backward(w, &self.shape);
        team.share(Chunks::new(packed, self.block()), |block, packed| {
            dispatch!(isa, |s| pack_block(s, view, block, packed));
        });
    }

    /// Writes the gradient of the input for what is `alive`, of an output of this shape: zero where the
    /// input is `rectified`, and not above zero.
    #[inline(always)]
    pub(super) fn run<S: Simd>(
        &self,
        s: S,
        alive: &Alive<'_>,
        packed: &[f32],
        rectified: Option<&[f32]>,
        dx: &mut [f32],
        ring: &mut [f32],
    ) {
        assert!(rectified.is_none_or(|x| x.len() == dx.len()));
        assert_eq!((dx.len(), self.lanes), (self.shape.input_len(), S::LANES));
        assert_eq!(packed.len(), self.packed_len());
        let vectors = self.shape.in_channels.div_ceil(S::LANES);
        for first in (0..vectors).step_by(VECTORS) {
            let weights = &packed[first * self.block()..];
            let first_channel = first * S::LANES;
            let pass = Pass { own: self, alive, weights, rectified, first: first_channel };
            // SAFETY: lengths were compared above, and there are these vectors.
            unsafe {
                match vectors - first {
                    VECTORS.. => pass.run::<S, VECTORS>(s, dx, ring),
                    _ => pass.run::<S, 1>(s, dx, ring),
                }
            }
        }
    }
}

/// The places on an axis that a window leaves one after the other, from the first padding on: all
/// that windows reach, and what of the image none does.
fn places(axis: &Axis) -> usize {
    (axis.output + RING).max(axis.pad_before + axis.input)
}

/// One way over the image, for some channels of the input.
struct Pass<'a> {
    own: &'a Sliding,
    alive: &'a Alive<'a>,
    weights: &'a [f32],
    rectified: Option<&'a [f32]>,
    /// Channel of the input.
    first: usize,
}

/// The sums of the pixels that two windows, one below the other, reach: by column, row and vector.
type Window<S, const V: usize> = [[[<S as Simd>::F32; V]; REACH]; SIDE];

/// The pixels that the windows leave next, one below the other.
struct Left {
    /// Whether the image has such a row.
    rows: [bool; PAIR],
    /// Of the image; perhaps it has no such column.
    column: usize,
    /// The first pixel's gradient and its rectified input, if there is such a pixel and it is, and from there
    /// to the second one's.
    to: *mut f32,
    x: *const f32,
    below: usize,
    /// The sums so far of these pixels, which are then those of the next two rows.
    ring: [*mut f32; RING],
}

impl Pass<'_> {
    /// `V` vectors of channels.
    ///
    /// # Safety
    /// `dx` and the weights have as many numbers as the shape says, and these channels are there.
    #[inline(always)]
    unsafe fn run<S: Simd, const V: usize>(&self, s: S, dx: &mut [f32], ring: &mut [f32]) {
        let Conv2dShape { height, width, in_channels, .. } = self.own.shape;
        let (columns, pitch) = (places(&width), V * S::LANES);
        let ring = &mut ring[..RING * columns * pitch];
        ring.fill(0.0);
        let (ring, dx) = (ring.as_mut_ptr(), dx.as_mut_ptr());
        let x = self.rectified.map_or(std::ptr::null(), <[f32]>::as_ptr);
        let below = width.input * in_channels;
        for row in (0..places(&height)).step_by(PAIR) {
            let image = row.wrapping_sub(height.pad_before);
            let column = 0usize.wrapping_sub(width.pad_before);
            let at = image.wrapping_mul(width.input).wrapping_add(column);
            let at = at.wrapping_mul(in_channels).wrapping_add(self.first);
            let mut left = Left {
                rows: [image, image.wrapping_add(1)].map(|row| row < height.input),
                column,
                to: dx.wrapping_add(at),
                x: x.wrapping_add(at),
                below,
                ring: [ring, ring.wrapping_add(columns * pitch)],
            };
            let mut window = [[[s.splat(0.0); V]; REACH]; SIDE];
            let mut pixels = [row, row + 1].map(|row| self.alive.row(row, height.output));
            let count = if row < height.output { width.output } else { 0 };
            macro_rules! pixel {
                ($left:literal) => {{
                    let [upper, lower] = pixels.each_mut().map(Iterator::next);
                    let Some(upper) = upper else { break };
                    // SAFETY: the caller's promise; there are as many columns.
                    unsafe {
                        self.add::<S, V, $left, 0>(s, upper, &mut window);
                        if let Some(lower) = lower {
                            self.add::<S, V, $left, 1>(s, lower, &mut window);
                        }
                        self.leave::<S, V, $left>(s, &mut left, &mut window);
                    }
                }};
            }
            // By threes, after which the columns of the window are again where they were: no
            // sum moves from one register to another.
            loop {
                pixel!(0);
                pixel!(1);
                pixel!(2);
            }
            for column in count..columns {
                // SAFETY: as before.
                unsafe {
                    match column % SIDE {
                        0 => self.leave::<S, V, 0>(s, &mut left, &mut window),
                        1 => self.leave::<S, V, 1>(s, &mut left, &mut window),
                        _ => self.leave::<S, V, 2>(s, &mut left, &mut window),
                    }
                }
            }
        }
    }

    /// Adds what a pixel's numbers give to the windows, of which it is the upper one's or the lower
    /// one's, and whose first column is in place `LEFT`.
    ///
    /// # Safety
    /// There are weights for `V` vectors.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "an iterator takes sums that are arrays apart")]
    unsafe fn add<S: Simd, const V: usize, const LEFT: usize, const LOWER: usize>(
        &self,
        s: S,
        pixel: Pixel<'_>,
        window: &mut Window<S, V>,
    ) {
        let block = self.own.block();
        pixel.each(
            #[inline(always)]
            |channel, number| {
                let number = s.splat(number);
                for v in 0..V {
                    for tap in 0..TAPS {
                        let at = v * block + (channel * TAPS + tap) * S::LANES;
                        // SAFETY: the caller's promise; only channels that there are are alive.
                        let w = unsafe { s.load_ptr(self.weights.as_ptr().add(at)) };
                        let sum = &mut window[(LEFT + tap % SIDE) % SIDE][LOWER + tap / SIDE][v];
                        *sum = s.mul_add(number, w, *sum);
                    }
                }
            },
        );
    }

    /// The windows leave their first column, in place `LEFT`, which is then the last one.
    ///
    /// # Safety
    /// There is such a column in the ring, and in the image if what [`Left`] says is inside.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "an iterator takes sums that are arrays apart")]
    unsafe fn leave<S: Simd, const V: usize, const LEFT: usize>(
        &self,
        s: S,
        left: &mut Left,
        window: &mut Window<S, V>,
    ) {
        let Conv2dShape { width, in_channels, .. } = self.own.shape;
        let scale = s.splat(self.alive.scale);
        for v in 0..V {
            let channels = in_channels - self.first - v * S::LANES;
            for row in 0..PAIR {
                let inside = left.rows[row] && left.column < width.input;
                let ring = left.ring[row].wrapping_add(v * S::LANES);
                let at = row * left.below + v * S::LANES;
                let (to, x) = (left.to.wrapping_add(at), left.x.wrapping_add(at));
                // SAFETY: the caller's promise.
                unsafe {
                    let done = s.mul(scale, s.add(s.load_ptr(ring), window[LEFT][row][v]));
                    s.store_ptr(ring, window[LEFT][PAIR + row][v]);
                    if inside {
                        let whole = channels >= S::LANES;
                        let done = match (self.rectified, whole) {
                            (None, _) => done,
                            (Some(_), true) => above_zero(s, s.load_ptr(x), done),
                            (Some(_), false) => above_zero(s, s.load_tail_ptr(x, channels), done),
                        };
                        match whole {
                            true => s.store_ptr(to, done),
                            false => s.store_tail_ptr(to, channels, done),
                        }
                    }
                }
            }
        }
        window[LEFT] = [[s.splat(0.0); V]; REACH];
        left.column = left.column.wrapping_add(1);
        left.to = left.to.wrapping_add(in_channels);
        left.x = left.x.wrapping_add(in_channels);
        left.ring = left.ring.map(|ring| ring.wrapping_add(V * S::LANES));
    }
}

/// `dx` where `x` is above zero, else zero.
#[inline(always)]
fn above_zero<S: Simd>(s: S, x: S::F32, dx: S::F32) -> S::F32 {
    let zero = s.splat(0.0);
    s.select(s.lt(zero, x), dx, zero)
}

/// The filters for one vector of input channels.
#[inline(always)]
fn pack_block<S: Simd>(s: S, view: View<'_>, block: usize, packed: &mut [f32]) {
    let each = TAPS * S::LANES;
    for (first, some) in packed.chunks_mut(S::LANES * each).enumerate() {
        for tap in 0..TAPS {
            let rows = view.block(s, tap, first * S::LANES, block * S::LANES);
            for (row, to) in rows.into_iter().zip(some.chunks_exact_mut(each)) {
                s.store(&mut to[tap * S::LANES..], row);
            }
        }
    }
}
