//! What normalisation does channel by channel: `x` is `pixels x channels`.

use crate::Real;

/// Mean, and sum of the squared distances from it.
pub(super) fn moments<R: Real>(x: &[R], mean: &mut [R], m2: &mut [R]) {
    let channels = mean.len();
    let pixels = R::from_f64((x.len() / channels) as f64);
    for c in 0..channels {
        let own = || x[c..].iter().step_by(channels).copied();
        mean[c] = own().sum::<R>() / pixels;
        m2[c] = own().map(|x| (x - mean[c]) * (x - mean[c])).sum();
    }
}

/// `y = x * scale + shift`; an empty `x` is `y` itself.
pub(super) fn scale_shift<R: Real>(scale: &[R], shift: &[R], x: &[R], y: &mut [R]) {
    let channels = scale.len();
    for (i, y) in y.iter_mut().enumerate() {
        let x = if x.is_empty() { *y } else { x[i] };
        *y = x * scale[i % channels] + shift[i % channels];
    }
}

/// Sums of `dy` and of `dy * (x - mean)`.
pub(super) fn sums<R: Real>(mean: &[R], x: &[R], dy: &[R], sum: &mut [R], sum_x: &mut [R]) {
    let channels = mean.len();
    for c in 0..channels {
        let own = || (c..x.len()).step_by(channels);
        sum[c] = own().map(|i| dy[i]).sum();
        sum_x[c] = own().map(|i| dy[i] * (x[i] - mean[c])).sum();
    }
}

/// `dx = a * dy + b * (x - mean) + c`.
pub(super) fn normalize_backward<R: Real>(
    mean: &[R],
    [a, b, c]: [&[R]; 3],
    x: &[R],
    dy: &[R],
    dx: &mut [R],
) {
    let channels = mean.len();
    for (i, dx) in dx.iter_mut().enumerate() {
        let k = i % channels;
        *dx = a[k] * dy[i] + b[k] * (x[i] - mean[k]) + c[k];
    }
}
