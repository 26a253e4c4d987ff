//! Kernels that go over channels: normalisations, slopes, pieces, filters of a channel's own.

use lenslet_kernels::{Axis, DepthwiseShape, Kernels, Pool2dShape};

use crate::{Bench, each_kernel};

const CHANNELS: [usize; 9] = [1, 3, 4, 8, 15, 16, 17, 33, 65];

/// Every number of channels with every number of rows.
fn sizes() -> impl Iterator<Item = (usize, usize)> {
    CHANNELS.into_iter().flat_map(|channels| [1, 2, 5].map(|rows| (channels, rows)))
}

#[test]
fn moments_and_their_gradients() {
    each_kernel(|fast, bench| {
        for (channels, pixels) in sizes() {
            let n = channels * pixels;
            let (x, dy) = (bench.numbers(n), bench.numbers(n));
            let [mut mean, mut m2, mut sum, mut sum_x] = [(); 4].map(|()| bench.nothing(channels));
            fast.channel_moments(&x, &mut mean, &mut m2);
            fast.channel_sums(&mean, &x, &dy, &mut sum, &mut sum_x);
            let (mut y, mut dx) = (bench.nothing(n), bench.nothing(n));
            fast.scale_shift(&m2, &mean, &x, &mut y);
            bench.keep(&y);
            fast.scale_shift(&sum, &sum_x, &[], &mut y);
            fast.normalize_backward(&mean, [&m2, &sum, &sum_x], &x, &dy, &mut dx);
            [&mean, &m2, &sum, &sum_x, &y, &dx].iter().for_each(|results| bench.keep(results));
        }
    });
}

#[test]
fn layer_normalisation() {
    each_kernel(|fast, bench| {
        for (channels, rows) in sizes() {
            let (x, dy) = (bench.numbers(channels * rows), bench.numbers(channels * rows));
            let [gamma, beta, mut dgamma, mut dbeta] = [(); 4].map(|()| bench.numbers(channels));
            let (mut y, mut dx) = (bench.nothing(x.len()), bench.nothing(x.len()));
            fast.layer_norm(channels, 0.1, [&[], &[]], &x, &mut y);
            bench.keep(&y);
            fast.layer_norm(channels, 0.1, [&gamma, &beta], &x, &mut y);
            let scales = [&mut dgamma[..], &mut dbeta];
            fast.layer_norm_backward(channels, 0.1, &gamma, &x, (&dy, &mut dx), scales);
            [&y, &dx, &dgamma, &dbeta].iter().for_each(|results| bench.keep(results));
            let none = [(); 2].map(|()| &mut [][..]);
            fast.layer_norm_backward(channels, 0.1, &[], &x, (&dy, &mut dx), none);
            bench.keep(&dx);
        }
    });
}

#[test]
fn group_normalisation() {
    each_kernel(|fast, bench| {
        for ((size, pixels), groups) in sizes().flat_map(|sizes| [(sizes, 1), (sizes, 3)]) {
            let (channels, shape) = (size * groups, [size * groups, groups]);
            let (x, dy) = (bench.numbers(channels * pixels), bench.numbers(channels * pixels));
            let [gamma, beta, mut dgamma, mut dbeta] = [(); 4].map(|()| bench.numbers(channels));
            let (mut y, mut dx) = (bench.nothing(x.len()), bench.nothing(x.len()));
            let mut scratch = bench.nothing(fast.group_norm_scratch(channels));
            fast.group_norm(shape, 0.1, [&gamma, &beta], &x, &mut y, &mut scratch);
            let (scales, gradients) = ([&mut dgamma[..], &mut dbeta], (&dy[..], &mut dx[..]));
            fast.group_norm_backward(shape, 0.1, &gamma, &x, gradients, scales, &mut scratch);
            [&y, &dx, &dgamma, &dbeta].iter().for_each(|results| bench.keep(results));
        }
    });
}

#[test]
fn slopes() {
    each_kernel(|fast, bench| {
        for (channels, rows) in sizes() {
            let (x, dy) = (bench.numbers(channels * rows), bench.numbers(channels * rows));
            let (alpha, mut dalpha) = (bench.numbers(channels), bench.numbers(channels));
            let (mut y, mut dx) = (bench.nothing(x.len()), bench.nothing(x.len()));
            fast.p_re_lu(&alpha, &x, &mut y);
            fast.p_re_lu_backward(&alpha, &x, &dy, &mut dx, &mut dalpha);
            [&y, &dx, &dalpha].iter().for_each(|results| bench.keep(results));
        }
    });
}

#[test]
fn maxout() {
    each_kernel(|fast, bench| {
        for units in Bench::LENGTHS.into_iter().filter(|&units| units > 0) {
            for (rows, pieces) in [(1, 1), (2, 3), (3, 2)] {
                let (z, n) = (bench.numbers(rows * pieces * units), rows * units);
                let (mut y, mut argmax) = (bench.nothing(n), bench.indices(n));
                fast.max_pieces_forward(pieces, units, &z, &mut y, &mut argmax);
                let (dy, mut dz) = (bench.numbers(n), bench.nothing(z.len()));
                fast.max_pieces_backward(pieces, units, &dy, &argmax, &mut dz);
                bench.keep(&y);
                bench.keep(&dz);
            }
        }
    });
}

#[test]
fn depthwise_convolution() {
    let (valid, same) = (Axis::valid, Axis::same);
    let axes = [
        valid(1, 1, 1, 1),
        same(1, 3, 1, 1),
        same(5, 3, 1, 1),
        same(6, 3, 2, 1),
        valid(9, 3, 1, 2),
        same(2, 2, 1, 5),
        same(3, 13, 1, 1),
    ];
    let axes = axes.map(|axis| axis.expect("the window fits"));
    each_kernel(|fast, bench| {
        let windows = axes.into_iter().flat_map(|height| axes.map(|width| (height, width)));
        for (turn, (height, width)) in windows.enumerate() {
            // Each window with five of the channels, every time others.
            for case in turn * 5..(turn + 1) * 5 {
                let channels = CHANNELS[case % CHANNELS.len()];
                let window = Pool2dShape { height, width, channels };
                depthwise(&fast, bench, &DepthwiseShape { window, multiplier: 1 + case % 3 });
            }
        }
    });
}

fn depthwise(fast: &impl Kernels<Real = f32>, bench: &mut Bench, shape: &DepthwiseShape) {
    let (x, dy) = (bench.numbers(shape.window.input_len()), bench.numbers(shape.output_len()));
    let (w, bias) = (bench.numbers(shape.weights_len()), bench.numbers(shape.out_channels()));
    let (mut y, mut dx) = (bench.nothing(dy.len()), bench.nothing(x.len()));
    let (mut dw, mut db) = (bench.numbers(w.len()), bench.numbers(bias.len()));
    fast.depthwise_forward(shape, &x, &w, &[], &mut y);
    bench.keep(&y);
    fast.depthwise_forward(shape, &x, &w, &bias, &mut y);
    fast.depthwise_grad_input(shape, &dy, &w, &mut dx);
    fast.depthwise_grad_weights(shape, &x, &dy, &mut dw, &mut db);
    [&y, &dx, &dw, &db].iter().for_each(|results| bench.keep(results));
}
