//! Layer normalisation: each row of channels by its own mean and variance, with vectors along the
//! channels.

use super::map::{load, store};
use crate::Isa;
use crate::simd::{Simd, dispatch};

/// `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`.
pub(super) fn forward(
    isa: Isa,
    channels: usize,
    epsilon: f64,
    scales: [&[f32]; 2],
    x: &[f32],
    y: &mut [f32],
) {
    assert!(x.len() == y.len() && x.len().is_multiple_of(channels));
    scales.into_iter().for_each(|s| assert!(s.is_empty() || s.len() == channels));
    dispatch!(isa, |s| for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        forward_row(s, epsilon, scales, x, y);
    });
}

/// See the reference.
pub(super) fn backward(
    isa: Isa,
    channels: usize,
    epsilon: f64,
    gamma: &[f32],
    x: &[f32],
    (dy, dx): (&[f32], &mut [f32]),
    [dgamma, dbeta]: [&mut [f32]; 2],
) {
    assert_eq!([dy.len(), dx.len()], [x.len(); 2]);
    for len in [gamma.len(), dgamma.len(), dbeta.len()] {
        assert!(len == 0 || len == channels);
    }
    let rows = x.chunks_exact(channels).zip(dy.chunks_exact(channels));
    let rows = rows.zip(dx.chunks_exact_mut(channels));
    dispatch!(isa, |s| for ((x, dy), dx) in rows {
        backward_row(s, epsilon, gamma, x, dy, dx, dgamma, dbeta);
    });
}

/// The sums over a row of `N` things; `at` gives them for `n` channels from `c` on, and zero beyond.
#[inline(always)]
fn sums<S: Simd, const N: usize>(
    s: S,
    channels: usize,
    at: impl Fn(usize, usize) -> [S::F32; N],
) -> [f32; N] {
    let mut sums = [s.splat(0.0); N];
    for c in (0..channels).step_by(S::LANES) {
        let more = at(c, S::LANES.min(channels - c));
        for (sum, more) in sums.iter_mut().zip(more) {
            *sum = s.add(*sum, more);
        }
    }
    sums.map(
        #[inline(always)]
        |sum| s.sum(sum),
    )
}

/// The first `n` lanes, and zeros.
#[inline(always)]
fn only<S: Simd>(s: S, n: usize, x: S::F32) -> S::F32 {
    if n == S::LANES {
        return x;
    }
    let inside = s.lt_u32(s.lane_numbers(), s.splat_u32(n as u32));
    s.select(inside, x, s.splat(0.0))
}

/// Mean of a row, and one over its deviation.
#[inline(always)]
fn statistics<S: Simd>(s: S, epsilon: f64, x: &[f32]) -> (f32, f32) {
    let count = x.len() as f32;
    let [sum] = sums(
        s,
        x.len(),
        #[inline(always)]
        |c, n| [load(s, x, c, n)],
    );
    let mean = sum / count;
    let [squares] = sums(
        s,
        x.len(),
        #[inline(always)]
        |c, n| {
            let off = only(s, n, s.sub(load(s, x, c, n), s.splat(mean)));
            [s.mul(off, off)]
        },
    );
    (mean, 1.0 / (squares / count + epsilon as f32).sqrt())
}

#[inline(always)]
fn forward_row<S: Simd>(s: S, epsilon: f64, [gamma, beta]: [&[f32]; 2], x: &[f32], y: &mut [f32]) {
    let (mean, inverse) = statistics(s, epsilon, x);
    for c in (0..x.len()).step_by(S::LANES) {
        let n = S::LANES.min(x.len() - c);
        let off = s.sub(load(s, x, c, n), s.splat(mean));
        let mut value = s.mul(off, s.splat(inverse));
        if !gamma.is_empty() {
            value = s.mul(value, load(s, gamma, c, n));
        }
        if !beta.is_empty() {
            value = s.add(value, load(s, beta, c, n));
        }
        store(s, y, c, n, value);
    }
}

/// What goes into the gradient of a row.
struct Row<'a, S: Simd> {
    s: S,
    gamma: &'a [f32],
    x: &'a [f32],
    dy: &'a [f32],
    mean: S::F32,
    inverse: S::F32,
}

impl<S: Simd> Row<'_, S> {
    /// `dy`, `gamma * dy` and the normalised input, of `n` channels from `c` on.
    #[inline(always)]
    fn parts(&self, c: usize, n: usize) -> (S::F32, S::F32, S::F32) {
        let s = self.s;
        let dy = load(s, self.dy, c, n);
        let g = if self.gamma.is_empty() { dy } else { s.mul(dy, load(s, self.gamma, c, n)) };
        (dy, g, s.mul(s.sub(load(s, self.x, c, n), self.mean), self.inverse))
    }
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "two passes in one")]
fn backward_row<S: Simd>(
    s: S,
    epsilon: f64,
    gamma: &[f32],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    let channels = x.len();
    let (mean, inverse) = statistics(s, epsilon, x);
    let row = Row { s, gamma, x, dy, mean: s.splat(mean), inverse: s.splat(inverse) };
    let [sum, with_x] = sums(
        s,
        channels,
        #[inline(always)]
        |c, n| {
            let (_, g, normal) = row.parts(c, n);
            [g, s.mul(g, normal)]
        },
    );
    let (mean_g, mean_gn) = (s.splat(sum / channels as f32), s.splat(with_x / channels as f32));
    for c in (0..channels).step_by(S::LANES) {
        let n = S::LANES.min(channels - c);
        let (dy, g, normal) = row.parts(c, n);
        let rest = s.sub(s.sub(g, mean_g), s.mul(normal, mean_gn));
        store(s, dx, c, n, s.mul(rest, s.splat(inverse)));
        if !dgamma.is_empty() {
            let sum = s.mul_add(dy, normal, load(s, dgamma, c, n));
            store(s, dgamma, c, n, sum);
        }
        if !dbeta.is_empty() {
            let sum = s.add(dy, load(s, dbeta, c, n));
            store(s, dbeta, c, n, sum);
        }
    }
}
