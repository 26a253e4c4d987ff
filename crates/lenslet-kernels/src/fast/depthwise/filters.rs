//! How the channels of the input meet those of the output.

use super::super::map::{load, store};
use crate::simd::Simd;

/// The number of filters that each channel of the input has.
pub(super) trait Filters: Copy {
    /// Whether vectors share channels of the input.
    const SHARED: bool;
    /// A vector of the output's channels.
    type Lanes<S: Simd>;

    /// The vector of `n` of the output's channels, from `start` on.
    fn lanes<S: Simd>(self, s: S, start: usize, n: usize) -> Self::Lanes<S>;

    /// Each lane is the channel that it is made of, of the input's pixel whose channels are `x[pixel..]`.
    fn spread<S: Simd>(self, s: S, x: &[f32], pixel: usize, lanes: &Self::Lanes<S>) -> S::F32;

    /// The other way round: puts `sums` into the channels `to[pixel..]`, or `adds` them to those.
    fn gather<S: Simd>(
        self,
        s: S,
        sums: S::F32,
        to: &mut [f32],
        pixel: usize,
        lanes: &Self::Lanes<S>,
        adds: bool,
    );
}

/// One filter: channel for channel.
#[derive(Clone, Copy)]
pub(super) struct One;

impl Filters for One {
    const SHARED: bool = false;
    type Lanes<S: Simd> = (usize, usize);

    #[inline(always)]
    fn lanes<S: Simd>(self, _: S, start: usize, n: usize) -> (usize, usize) {
        (start, n)
    }

    #[inline(always)]
    fn spread<S: Simd>(
        self,
        s: S,
        x: &[f32],
        pixel: usize,
        &(start, n): &(usize, usize),
    ) -> S::F32 {
        load(s, x, pixel + start, n)
    }

    #[inline(always)]
    fn gather<S: Simd>(
        self,
        s: S,
        sums: S::F32,
        to: &mut [f32],
        pixel: usize,
        &(start, n): &(usize, usize),
        adds: bool,
    ) {
        let sums = if adds { s.add(load(s, to, pixel + start, n), sums) } else { sums };
        store(s, to, pixel + start, n, sums);
    }
}

/// So many filters, at least two: the outputs of a channel are side by side.
#[derive(Clone, Copy)]
pub(super) struct Many(pub(super) usize);

/// A vector of the output's channels.
pub(super) struct Spread<S: Simd> {
    /// The input's channel of the first lane, and the channels of all.
    first: usize,
    len: usize,
    /// The channel of each lane, from the first one's on.
    channels: S::U32,
    /// Which lanes lie behind the first channel's, behind the second's, and so on.
    behind: [S::Mask; 16],
    /// Lanes in use, and how many of them belong to the first channel, if it has no more than these.
    n: usize,
    left: usize,
}

impl Filters for Many {
    const SHARED: bool = true;
    type Lanes<S: Simd> = Spread<S>;

    #[inline(always)]
    fn lanes<S: Simd>(self, s: S, start: usize, n: usize) -> Spread<S> {
        let Self(many) = self;
        let (first, of_first) = (start / many, start % many);
        let left = many - of_first;
        let (lanes, zero, one) = (s.lane_numbers(), s.splat_u32(0), s.splat_u32(1));
        let (mut channels, mut behind) = (zero, [s.lt_u32(zero, zero); 16]);
        for (next, behind) in (left..S::LANES).step_by(many).zip(&mut behind) {
            *behind = s.lt_u32(s.splat_u32(next as u32 - 1), lanes);
            channels = s.add_u32(channels, s.select_u32(*behind, one, zero));
        }
        Spread { first, len: (of_first + n).div_ceil(many), channels, behind, n, left }
    }

    #[inline(always)]
    fn spread<S: Simd>(self, s: S, x: &[f32], pixel: usize, lanes: &Spread<S>) -> S::F32 {
        let x = &x[pixel + lanes.first..];
        if !S::PERMUTES {
            let (first, others) = x[..lanes.len].split_first().expect("a channel");
            let mut all = s.splat(*first);
            for (x, behind) in others.iter().zip(lanes.behind) {
                all = s.select(behind, s.splat(*x), all);
            }
            return all;
        }
        // Channels of the next pixel do no harm, and a full vector needs no mask.
        let x = if x.len() >= S::LANES { s.load(x) } else { s.load_tail(&x[..lanes.len]) };
        s.permute(x, lanes.channels)
    }

    #[inline(always)]
    fn gather<S: Simd>(
        self,
        s: S,
        sums: S::F32,
        to: &mut [f32],
        pixel: usize,
        lanes: &Spread<S>,
        adds: bool,
    ) {
        assert!(adds, "other vectors add to the same channels");
        let mut each = [0.0; 16];
        s.store(&mut each, sums);
        let (mut lane, mut end) = (0, lanes.left);
        for to in &mut to[pixel + lanes.first..][..lanes.len] {
            end = end.min(lanes.n);
            *to += each[lane..end].iter().sum::<f32>();
            (lane, end) = (end, end + self.0);
        }
    }
}
