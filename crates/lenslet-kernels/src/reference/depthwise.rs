//! Depthwise convolution.

use crate::{DepthwiseShape, Real};

/// Calls `visit(input, output, weight)` for every multiplication of the definition, with the
/// indices into the three.
fn each(shape: &DepthwiseShape, mut visit: impl FnMut(usize, usize, usize)) {
    let (height, width) = (shape.window.height, shape.window.width);
    let (channels, out) = (shape.window.channels, shape.out_channels());
    for oh in 0..height.output {
        for ow in 0..width.output {
            for (kh, kw) in height.taps(oh).flat_map(|kh| width.taps(ow).map(move |kw| (kh, kw))) {
                let (Some(ih), Some(iw)) = (height.at(oh, kh), width.at(ow, kw)) else { continue };
                for o in 0..out {
                    let input = (ih * width.input + iw) * channels + o / shape.multiplier;
                    let output = (oh * width.output + ow) * out + o;
                    visit(input, output, (kh * width.window + kw) * out + o);
                }
            }
        }
    }
}

/// `y = conv(x, w) + bias`.
pub(crate) fn forward<R: Real>(shape: &DepthwiseShape, x: &[R], w: &[R], bias: &[R], y: &mut [R]) {
    for (i, y) in y.iter_mut().enumerate() {
        *y = if bias.is_empty() { R::ZERO } else { bias[i % bias.len()] };
    }
    each(shape, |i, o, k| y[o] += x[i] * w[k]);
}

/// `dx` is overwritten.
pub(crate) fn grad_input<R: Real>(shape: &DepthwiseShape, dy: &[R], w: &[R], dx: &mut [R]) {
    dx.fill(R::ZERO);
    each(shape, |i, o, k| dx[i] += dy[o] * w[k]);
}

/// Adds to `dw` and `db`.
pub(crate) fn grad_weights<R: Real>(
    shape: &DepthwiseShape,
    x: &[R],
    dy: &[R],
    dw: &mut [R],
    db: &mut [R],
) {
    each(shape, |i, o, k| dw[k] += x[i] * dy[o]);
    if !db.is_empty() {
        let channels = db.len();
        dy.iter().enumerate().for_each(|(i, &dy)| db[i % channels] += dy);
    }
}
