//! Layer normalisation: each row of channels by its own mean and variance (Ba et al. 2016).

use crate::Real;

/// Mean of a row, and one over its deviation.
fn statistics<R: Real>(x: &[R], epsilon: f64) -> (R, R) {
    let count = R::from_f64(x.len() as f64);
    let mean = x.iter().copied().sum::<R>() / count;
    let variance = x.iter().map(|&x| (x - mean) * (x - mean)).sum::<R>() / count;
    (mean, R::ONE / (variance + R::from_f64(epsilon)).sqrt())
}

/// `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`; an empty `gamma` is one, an empty
/// `beta` zero.
pub(super) fn forward<R: Real>(
    channels: usize,
    epsilon: f64,
    [gamma, beta]: [&[R]; 2],
    x: &[R],
    y: &mut [R],
) {
    for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        let (mean, inverse) = statistics(x, epsilon);
        for c in 0..channels {
            let scaled = (x[c] - mean) * inverse * gamma.get(c).copied().unwrap_or(R::ONE);
            y[c] = scaled + beta.get(c).copied().unwrap_or(R::ZERO);
        }
    }
}

/// With `n = (x - mean) * inverse` and `g = gamma * dy`:
/// `dx = inverse * (g - mean(g) - n * mean(g * n))`. Adds `dy * n` to `dgamma` and `dy` to `dbeta`,
/// either of which may be empty.
pub(super) fn backward<R: Real>(
    channels: usize,
    epsilon: f64,
    gamma: &[R],
    x: &[R],
    (dy, dx): (&[R], &mut [R]),
    [dgamma, dbeta]: [&mut [R]; 2],
) {
    let count = R::from_f64(channels as f64);
    let rows = x.chunks_exact(channels).zip(dy.chunks_exact(channels));
    for ((x, dy), dx) in rows.zip(dx.chunks_exact_mut(channels)) {
        let (mean, inverse) = statistics(x, epsilon);
        let normal = |c: usize| (x[c] - mean) * inverse;
        let g = |c: usize| gamma.get(c).map_or(dy[c], |&gamma| gamma * dy[c]);
        let mean_g = (0..channels).map(g).sum::<R>() / count;
        let mean_gn = (0..channels).map(|c| g(c) * normal(c)).sum::<R>() / count;
        for (c, dx) in dx.iter_mut().enumerate() {
            *dx = inverse * (g(c) - mean_g - normal(c) * mean_gn);
        }
        dgamma.iter_mut().enumerate().for_each(|(c, d)| *d += dy[c] * normal(c));
        dbeta.iter_mut().zip(dy).for_each(|(d, &dy)| *d += dy);
    }
}
