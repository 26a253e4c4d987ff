//! Group normalisation (Wu and He 2018) out of what is done channel by channel: for one image of
//! `pixels x channels`, with groups of neighbouring channels.

use crate::{Kernels, Real};

/// Elements of working memory for each channel.
pub(crate) const SCRATCH: usize = 7;

/// One number a channel of each.
struct Parts<'a, R> {
    /// The group's.
    mean: &'a mut [R],
    /// One over the group's deviation.
    inverse: &'a mut [R],
    rest: [&'a mut [R]; 5],
}

impl<'a, R: Real> Parts<'a, R> {
    /// The moments of the groups, from those of the channels.
    fn new<K: Kernels<Real = R>>(
        kernels: &K,
        [channels, groups]: [usize; 2],
        epsilon: f64,
        x: &[R],
        scratch: &'a mut [R],
    ) -> Self {
        let mut parts = scratch[..SCRATCH * channels].chunks_exact_mut(channels);
        let mut next = || parts.next().expect("as many as there are parts");
        let (mean, inverse) = (next(), next());
        kernels.channel_moments(x, mean, inverse);
        let (size, pixels) = (channels / groups, R::from_f64((x.len() / channels) as f64));
        let count = R::from_f64(size as f64);
        for (means, squares) in mean.chunks_exact_mut(size).zip(inverse.chunks_exact_mut(size)) {
            let middle = means.iter().copied().sum::<R>() / count;
            let apart = means.iter().map(|&m| (m - middle) * (m - middle)).sum::<R>() * pixels;
            let variance = (squares.iter().copied().sum::<R>() + apart) / (count * pixels);
            means.fill(middle);
            squares.fill(R::ONE / (variance + R::from_f64(epsilon)).sqrt());
        }
        Self { mean, inverse, rest: [(); 5].map(|()| next()) }
    }
}

pub(crate) fn forward<K: Kernels>(
    kernels: &K,
    shape: [usize; 2],
    epsilon: f64,
    [gamma, beta]: [&[K::Real]; 2],
    x: &[K::Real],
    y: &mut [K::Real],
    scratch: &mut [K::Real],
) {
    let Parts { mean, inverse, rest: [scale, shift, ..] } =
        Parts::new(kernels, shape, epsilon, x, scratch);
    for c in 0..shape[0] {
        scale[c] = gamma.get(c).map_or(inverse[c], |&gamma| gamma * inverse[c]);
        shift[c] = beta.get(c).copied().unwrap_or_default() - mean[c] * scale[c];
    }
    kernels.scale_shift(scale, shift, x, y);
}

/// With `n = (x - mean) * inverse` and `g = gamma * dy`:
/// `dx = inverse * (g - mean(g) - n * mean(g * n))`, the means over a group.
#[expect(clippy::too_many_arguments, reason = "the interface's")]
pub(crate) fn backward<K: Kernels>(
    kernels: &K,
    shape: [usize; 2],
    epsilon: f64,
    gamma: &[K::Real],
    [x, dy]: [&[K::Real]; 2],
    dx: &mut [K::Real],
    [dgamma, dbeta]: [&mut [K::Real]; 2],
    scratch: &mut [K::Real],
) {
    let Parts { mean, inverse, rest: [sum, sum_x, a, b, c] } =
        Parts::new(kernels, shape, epsilon, x, scratch);
    kernels.channel_sums(mean, x, dy, sum, sum_x);
    for (k, d) in dgamma.iter_mut().enumerate() {
        *d += sum_x[k] * inverse[k];
    }
    dbeta.iter_mut().zip(&*sum).for_each(|(d, &sum)| *d += sum);
    let [channels, groups] = shape;
    let size = channels / groups;
    let count = K::Real::from_f64((x.len() / groups) as f64);
    for first in (0..channels).step_by(size) {
        let own = first..first + size;
        let slope = |k: usize| gamma.get(k).copied().unwrap_or(K::Real::ONE);
        let total: K::Real = own.clone().map(|k| slope(k) * sum[k]).sum();
        let with_x: K::Real = own.clone().map(|k| slope(k) * sum_x[k]).sum();
        for k in own {
            let inverse = inverse[k];
            a[k] = slope(k) * inverse;
            b[k] = -(inverse * inverse * inverse * with_x / count);
            c[k] = -(inverse * total / count);
        }
    }
    kernels.normalize_backward(mean, [a, b, c], x, dy, dx);
}
