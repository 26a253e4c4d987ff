//! Random numbers by counting: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
//! easy as 1, 2, 3").
//!
//! A draw is a pure function of (seed, purpose, step, index), so any thread can make any part of
//! a sequence, and nothing but the seed and two counters is ever stored.

/// One sequence of random numbers: the key and the upper half of Philox's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    high: [u32; 2],
}

impl Stream {
    /// The sequence for `purpose` (below 2^24: what the numbers are for) at `step` (below 2^40) of
    /// everything that grows from `seed`.
    pub fn new(seed: u64, purpose: u32, step: u64) -> Self {
        assert!(purpose < 1 << 24 && step < 1 << 40, "stream out of range");
        let high = (u64::from(purpose) << 40) | step;
        Self { key: [seed as u32, (seed >> 32) as u32], high: [high as u32, (high >> 32) as u32] }
    }

    /// Draws `4 * block .. 4 * block + 4`.
    #[inline]
    pub fn block(&self, block: u64) -> [u32; 4] {
        philox([block as u32, (block >> 32) as u32, self.high[0], self.high[1]], self.key)
    }

    /// Key and upper counter words, for the vector kernels.
    pub(crate) fn words(&self) -> ([u32; 2], [u32; 2]) {
        (self.key, self.high)
    }

    /// Draw `index`.
    #[inline]
    pub fn u32(&self, index: u64) -> u32 {
        self.block(index / 4)[(index % 4) as usize]
    }

    /// Draw `index` as a number in `[0, 1)`, a multiple of 2^-32.
    #[inline]
    pub fn uniform(&self, index: u64) -> f64 {
        f64::from(self.u32(index)) / 4_294_967_296.0
    }

    /// A standard normal number from the two draws of `2 * index` (Box and Muller 1958).
    pub fn normal(&self, index: u64) -> f64 {
        let block = self.block(index / 2);
        let pair = (index % 2) as usize * 2;
        let u = (f64::from(block[pair]) + 0.5) / 4_294_967_296.0;
        let v = f64::from(block[pair + 1]) / 4_294_967_296.0;
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// A number in `0..n`, each equally likely up to a bias of `n / 2^32` (Lemire 2019 without
    /// the rejection); `0 < n <= 2^32`.
    #[inline]
    pub fn below(&self, index: u64, n: u64) -> u64 {
        (u64::from(self.u32(index)) * n) >> 32
    }

    /// A permutation of `0..n` (Fisher and Yates).
    pub fn permutation(&self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i as u64, i as u64 + 1) as usize);
        }
        order
    }
}

pub(crate) const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
pub(crate) const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

#[inline]
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that come with the authors' Random123 library.
    #[test]
    fn known_answers() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, answer) in cases {
            assert_eq!(philox(counter, key), answer);
        }
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = Stream::new(7, 1, 2).permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.iter().enumerate().all(|(i, &v)| i == v as usize));
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let stream = Stream::new(3, 0, 0);
        let n = 20_000;
        let (sum, squares) = (0..n).fold((0.0, 0.0), |(s, q), i| {
            let x = stream.normal(i);
            (s + x, q + x * x)
        });
        assert!((sum / n as f64).abs() < 0.02);
        assert!((squares / n as f64 - 1.0).abs() < 0.03);
    }
}
