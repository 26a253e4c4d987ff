//! Numbers that are not zero, listed by channel.

/// Numbers that are not zero, by channel.
pub(super) struct Lists<'a> {
    /// One channel behind the other: pairs of a place in the strip, as an integer's bits, and the
    /// number.
    pairs: &'a mut [f32],
    /// How many each channel has, as integers' bits.
    lens: &'a mut [f32],
    sums: &'a mut [f32],
    /// From one channel to the next.
    stride: usize,
}

/// The numbers of one channel.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pairs: &'a [f32],
    pub(super) sum: f32,
}

impl<'a> List<'a> {
    #[inline(always)]
    pub(super) fn is_empty(self) -> bool {
        self.pairs.is_empty()
    }

    #[inline(always)]
    pub(super) fn each(self) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.pairs.chunks_exact(2).map(
            #[inline(always)]
            |pair| (pair[0].to_bits() as usize, pair[1]),
        )
    }
}

impl<'a> Lists<'a> {
    /// Numbers of room that so many channels need, each with as many numbers.
    pub(super) fn room(channels: usize, capacity: usize) -> usize {
        channels * (2 * capacity + 2)
    }

    /// Empty lists of so many channels; `room` is for as many numbers as fit.
    pub(super) fn new(channels: usize, room: &'a mut [f32]) -> Self {
        let (lens, room) = room.split_at_mut(channels);
        let (sums, pairs) = room.split_at_mut(channels);
        let stride = pairs.len() / channels;
        let mut lists = Self { pairs, lens, sums, stride };
        lists.clear();
        lists
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.lens.fill(0.0);
        self.sums.fill(0.0);
    }

    #[inline(always)]
    pub(super) fn push(&mut self, channel: usize, place: u32, number: f32) {
        let len = self.lens[channel].to_bits();
        let at = channel * self.stride + 2 * len as usize;
        self.pairs[at..at + 2].copy_from_slice(&[f32::from_bits(place), number]);
        self.lens[channel] = f32::from_bits(len + 1);
        self.sums[channel] += number;
    }

    #[inline(always)]
    pub(super) fn of(&self, channel: usize) -> List<'_> {
        let len = 2 * self.lens[channel].to_bits() as usize;
        List { pairs: &self.pairs[channel * self.stride..][..len], sum: self.sums[channel] }
    }
}
