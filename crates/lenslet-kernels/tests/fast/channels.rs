//! Kernels that go over channels: normalisations, slopes, pieces, filters of a channel's own.

use lenslet_kernels::{Axis, DepthwiseShape, Kernels, Pool2dShape};

use crate::common::compare::assert_close;
use crate::common::{Random, narrow};
use crate::{EXACT, each_case, wild};

#[test]
fn channels_are_normalised() {
    each_case(200, |fast, random| {
        let (channels, pixels) = (random.size(1, 50), random.size(1, 40));
        let n = channels * pixels;
        let mut x = random.normal(n);
        // Far from zero, where a sum of squares would lose everything.
        x.iter_mut().for_each(|x| *x = f64::from((*x + 100.0) as f32));
        let (dy, narrow_x) = (random.normal(n), narrow(&x));
        let rows = || vec![7.0; channels];
        let (mut mean, mut m2, mut got_mean, mut got_m2) =
            (vec![7.0; channels], rows(), vec![7.0; channels], vec![7.0; channels]);
        EXACT.channel_moments(&x, &mut mean, &mut m2);
        fast.channel_moments(&narrow_x, &mut got_mean, &mut got_m2);
        assert_close("mean", &got_mean, &mean, 1e-6);
        assert_close("squares", &got_m2, &m2, 1e-4);
        mean.iter_mut().for_each(|mean| *mean = f64::from(*mean as f32));

        let (mut sum, mut sum_x, mut got, mut got_x) =
            (rows(), rows(), vec![7.0; channels], vec![7.0; channels]);
        EXACT.channel_sums(&mean, &x, &dy, &mut sum, &mut sum_x);
        fast.channel_sums(&narrow(&mean), &narrow_x, &narrow(&dy), &mut got, &mut got_x);
        assert_close("sum", &got, &sum, 1e-5);
        assert_close("sum with x", &got_x, &sum_x, 1e-4);

        let [a, b, c] = [(); 3].map(|()| random.normal(channels));
        let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
        EXACT.scale_shift(&a, &b, &x, &mut y);
        fast.scale_shift(&narrow(&a), &narrow(&b), &narrow_x, &mut got);
        assert_close("scaled", &got, &y, 1e-6);
        let mut in_place = narrow_x.clone();
        fast.scale_shift(&narrow(&a), &narrow(&b), &[], &mut in_place);
        assert_eq!(in_place, got);

        EXACT.normalize_backward(&mean, [&a, &b, &c], &x, &dy, &mut y);
        let [a, b, c] = [a, b, c].map(|v| narrow(&v));
        fast.normalize_backward(&narrow(&mean), [&a, &b, &c], &narrow_x, &narrow(&dy), &mut got);
        assert_close("gradient", &got, &y, 1e-5);
    });
}

#[test]
fn layers_are_normalised() {
    each_case(200, |fast, random| {
        let (channels, rows) = (random.size(1, 50), random.size(1, 8));
        let (x, dy) = (random.normal(channels * rows), random.normal(channels * rows));
        let [gamma, beta] = [(); 2].map(|()| random.normal(random.size(0, 1) * channels));
        let n = x.len();
        let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
        EXACT.layer_norm(channels, 0.1, [&gamma, &beta], &x, &mut y);
        let scales = [&narrow(&gamma)[..], &narrow(&beta)];
        fast.layer_norm(channels, 0.1, scales, &narrow(&x), &mut got);
        assert_close("layer norm", &got, &y, 1e-5);

        let (mut dx, mut got) = (vec![7.0; n], vec![7.0; n]);
        let mut d = [&gamma, &beta].map(|of| random.normal(of.len()));
        let mut got_d = [narrow(&d[0]), narrow(&d[1])];
        let [a, b] = &mut d;
        EXACT.layer_norm_backward(channels, 0.1, &gamma, &x, (&dy, &mut dx), [a, b]);
        let [a, b] = &mut got_d;
        let (narrow_x, narrow_dy) = (narrow(&x), narrow(&dy));
        let gradients = (&narrow_dy[..], &mut got[..]);
        fast.layer_norm_backward(channels, 0.1, &narrow(&gamma), &narrow_x, gradients, [a, b]);
        assert_close("layer norm's dx", &got, &dx, 1e-5);
        assert_close("dgamma", &got_d[0], &d[0], 1e-5);
        assert_close("dbeta", &got_d[1], &d[1], 1e-5);
    });
}

#[test]
fn slopes_are_learnt() {
    each_case(200, |fast, random| {
        let alpha = random.normal(random.size(1, 50));
        let n = alpha.len() * random.size(1, 8);
        let (x, dy) = (random.normal(n), random.normal(n));
        let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
        EXACT.p_re_lu(&alpha, &x, &mut y);
        fast.p_re_lu(&narrow(&alpha), &narrow(&x), &mut got);
        assert_close("slopes", &got, &y, 1e-6);
        let mut dalpha = random.normal(alpha.len());
        let mut got_alpha = narrow(&dalpha);
        EXACT.p_re_lu_backward(&alpha, &x, &dy, &mut y, &mut dalpha);
        let (alpha, x, dy) = (narrow(&alpha), narrow(&x), narrow(&dy));
        fast.p_re_lu_backward(&alpha, &x, &dy, &mut got, &mut got_alpha);
        assert_close("slopes' dx", &got, &y, 1e-6);
        assert_close("dalpha", &got_alpha, &dalpha, 1e-5);
    });
}

#[test]
fn maxout() {
    each_case(200, |fast, random| {
        let (rows, pieces, units) = (random.size(1, 5), random.size(1, 6), random.size(1, 70));
        let z = wild(random, rows * pieces * units);
        let n = rows * units;
        let (mut expected, mut index) = (vec![0.0; n], vec![0; n]);
        EXACT.max_pieces_forward(pieces, units, &z, &mut expected, &mut index);
        let (mut y, mut argmax) = (vec![7.0; n], vec![7; n]);
        fast.max_pieces_forward(pieces, units, &narrow(&z), &mut y, &mut argmax);
        assert_close("maxout", &y, &expected, 0.0);
        assert_eq!(argmax, index);

        let dy = random.normal(n);
        let (mut expected, mut dz) = (vec![0.0; z.len()], vec![7.0; z.len()]);
        EXACT.max_pieces_backward(pieces, units, &dy, &index, &mut expected);
        fast.max_pieces_backward(pieces, units, &narrow(&dy), &index, &mut dz);
        assert_close("maxout", &dz, &expected, 0.0);
    });
}

#[test]
fn depthwise_convolution() {
    each_case(200, |fast, random| {
        let window = random.pool(12, 40);
        // Fewer filters than a vector has lanes, as many, more.
        let multiplier = random.pick(&[1, 1, 1, 1, 2, 3, 4, 5, 16, 37]);
        depthwise(&fast, random, &DepthwiseShape { window, multiplier });
    });
}

/// Which are gone through in parts.
#[test]
fn depthwise_convolution_with_large_windows() {
    each_case(40, |fast, random| {
        let [height, width] = random.pick(&[[1, 300], [129, 1], [12, 12], [15, 20]]);
        let axis = |window| {
            let (input, stride) = (random.size(1, 2 * window), random.size(1, 2));
            // Valid padding needs a picture as large as the window; a stride goes without dilation.
            let larger = input.max(window);
            let dilation = random.size(1, 2);
            let valid = Axis::valid(larger, window, stride, 1);
            let same = Axis::same(input, window, stride, if stride > 1 { 1 } else { dilation });
            random.pick(&[valid, same]).expect("the window fits")
        };
        let window =
            Pool2dShape { height: axis(height), width: axis(width), channels: random.size(1, 20) };
        depthwise(&fast, random, &DepthwiseShape { window, multiplier: random.pick(&[1, 1, 2]) });
    });
}

fn depthwise(fast: &impl Kernels<Real = f32>, random: &Random, shape: &DepthwiseShape) {
    let what = format!("{shape:?}");
    let (x, w) = (random.normal(shape.window.input_len()), random.normal(shape.weights_len()));
    let bias = random.normal(if random.size(0, 1) == 0 { 0 } else { shape.out_channels() });
    let n = shape.output_len();
    let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
    EXACT.depthwise_forward(shape, &x, &w, &bias, &mut y);
    fast.depthwise_forward(shape, &narrow(&x), &narrow(&w), &narrow(&bias), &mut got);
    assert_close(&what, &got, &y, 1e-5);

    let dy = random.normal(n);
    let (mut dx, mut got) = (vec![7.0; x.len()], vec![7.0; x.len()]);
    EXACT.depthwise_grad_input(shape, &dy, &w, &mut dx);
    fast.depthwise_grad_input(shape, &narrow(&dy), &narrow(&w), &mut got);
    assert_close(&what, &got, &dx, 1e-5);

    let (mut dw, mut db) = (random.normal(w.len()), random.normal(bias.len()));
    let (mut got_w, mut got_b) = (narrow(&dw), narrow(&db));
    EXACT.depthwise_grad_weights(shape, &x, &dy, &mut dw, &mut db);
    fast.depthwise_grad_weights(shape, &narrow(&x), &narrow(&dy), &mut got_w, &mut got_b);
    assert_close(&what, &got_w, &dw, 1e-5);
    assert_close(&what, &got_b, &db, 1e-5);
}
