//! Convolutions, direct and by Winograd's algorithm.

use std::ops::Range;

use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Fast, GroupedConv2d, Isa, OutputGradient,
    Pool2dShape, Pooled,
};

use crate::{Bench, at_both_guards};

/// (in, out).
const CHANNELS: [(usize, usize); 10] =
    [(1, 1), (1, 3), (3, 5), (5, 17), (17, 33), (33, 3), (16, 16), (3, 32), (4, 8), (65, 1)];

/// Every kernel of a convolution, with every slice guarded.
fn run(isa: Isa, bench: &mut Bench, shape: Conv2dShape, algorithm: Algorithm) {
    run_kernel(bench, &Conv2d::with(isa, shape, algorithm), shape.weights_len());
    both_gradients(isa, bench, shape);
}

/// The same for any kernel with filters of so many weights.
fn run_kernel(bench: &mut Bench, kernel: &impl Conv2dKernel<f32>, weights: usize) {
    let shape = *kernel.shape();
    let (x, dy) = (bench.numbers(shape.input_len()), bench.numbers(shape.output_len()));
    let (w, bias) = (bench.numbers(weights), bench.numbers(shape.out_channels));
    let mut packed = bench.nothing(kernel.packed_len());
    let mut scratch = bench.nothing(kernel.forward_scratch_len());
    let (mut y, mut dx) = (bench.nothing(dy.len()), bench.nothing(x.len()));
    let (mut dw, mut db) = (bench.numbers(w.len()), bench.numbers(bias.len()));
    kernel.pack(&bench.team, &w, &mut packed, true);
    kernel.forward(&x, &packed, &bias, &mut y, &mut scratch);
    bench.keep(&y);
    let row = shape.width.output * shape.out_channels;
    let then = &mut |rows: Range<usize>, y: &mut [f32]| {
        y[rows.start * row..rows.end * row].iter_mut().for_each(|y| *y = y.max(0.0));
    };
    kernel.forward_rows(&x, &packed, &[], &mut y, &mut scratch, then);
    let mut scratch = bench.nothing(kernel.scratch_len());
    kernel.grad_input(&dy, &packed, &mut dx, &mut scratch);
    kernel.grad_weights(&x, &dy, &mut dw, &mut db, &mut scratch);
    kernel.grad_weights(&x, &dy, &mut dw, &mut [], &mut scratch);
    for results in [&y, &dx, &dw, &db] {
        bench.keep(results);
    }
}

/// Both gradients from what is not zero, with and without a pool of 1x1 behind the convolution.
fn both_gradients(isa: Isa, bench: &mut Bench, shape: Conv2dShape) {
    let kernel = Conv2d::new(isa, shape);
    let (x, mut dy) = (bench.numbers(shape.input_len()), bench.numbers(shape.output_len()));
    let w = bench.numbers(shape.weights_len());
    let mut packed = bench.nothing(kernel.packed_len());
    let mut scratch = bench.nothing(kernel.scratch_len());
    let mut dx = bench.nothing(x.len());
    let (mut dw, mut db) = (bench.numbers(w.len()), bench.numbers(shape.out_channels));
    kernel.pack(&bench.team, &w, &mut packed, true);
    // The last one stays: its window is at the end of everything.
    let last = dy.len() - 1;
    dy.iter_mut()
        .enumerate()
        .filter(|(i, _)| *i != last && i % 37 > 0)
        .for_each(|(_, dy)| *dy = 0.0);
    let dense = OutputGradient::Dense(&dy);
    kernel.backward(&x, dense, &packed, &mut dw, &mut db, &mut dx, &mut scratch);
    let one = |n| Axis::valid(n, 1, 1, 1).expect("one tap fits");
    let (height, width) = (one(shape.height.output), one(shape.width.output));
    let pool = &Pool2dShape { height, width, channels: shape.out_channels };
    let argmax: Vec<u32> = (0..dy.len() as u32).collect();
    let pooled = Pooled { pool, y: &dy, dy: &dy, argmax: &argmax, scale: 2.0 };
    let pooled = OutputGradient::Pooled(pooled);
    kernel.backward(&x, pooled, &packed, &mut dw, &mut [], &mut [], &mut scratch);
    for results in [&dx, &dw, &db] {
        bench.keep(results);
    }
}

/// Output and gradients of one image by two threads.
fn shared(isa: Isa, bench: &mut Bench, shape: Conv2dShape, algorithm: Algorithm) {
    let kernel = Conv2d::with(isa, shape, algorithm);
    let (x, dy) = (bench.numbers(shape.input_len()), bench.numbers(shape.output_len()));
    let (w, bias) = (bench.numbers(shape.weights_len()), bench.numbers(shape.out_channels));
    let mut packed = bench.nothing(kernel.packed_len());
    let mut scratch = bench.nothing(kernel.scratch_len());
    let mut locals = [(); 2].map(|()| bench.nothing(kernel.scratch_len()));
    let (mut y, mut dx) = (bench.nothing(dy.len()), bench.nothing(x.len()));
    let (mut dw, mut db) = (bench.numbers(w.len()), bench.numbers(bias.len()));
    kernel.pack(&bench.team, &w, &mut packed, true);
    kernel.forward_shared(&bench.team, &x, &packed, &bias, &mut y, &mut locals);
    let (team, dy) = (&bench.team, OutputGradient::Dense(&dy));
    let (dw_to, db_to, dx_to) = (&mut dw, &mut db, &mut dx);
    kernel.backward_shared(team, &x, dy, &packed, dw_to, db_to, dx_to, &mut scratch, &mut locals);
    for results in [&y, &dx, &dw, &db] {
        bench.keep(results);
    }
}

fn each_pair(axes: &[Option<Axis>], mut visit: impl FnMut(Axis, Axis)) {
    let axes = axes.iter().map(|axis| axis.expect("the window fits"));
    for height in axes.clone() {
        axes.clone().for_each(|width| visit(height, width));
    }
}

#[test]
fn any_window() {
    let (valid, same) = (Axis::valid, Axis::same);
    let axes = [
        valid(1, 1, 1, 1),
        same(1, 3, 1, 1),
        same(2, 5, 1, 3),
        valid(3, 3, 1, 1),
        same(6, 2, 2, 1),
        valid(7, 1, 3, 1),
        same(9, 5, 2, 1),
        same(11, 3, 1, 2),
        valid(13, 3, 2, 2),
    ];
    at_both_guards(|isa, bench| {
        let mut turn = 0;
        each_pair(&axes, |height, width| {
            // Each pair of axes with three of the pairs of channels, every time others.
            for _ in 0..3 {
                let (in_channels, out_channels) = CHANNELS[turn % CHANNELS.len()];
                let shape = Conv2dShape { height, width, in_channels, out_channels };
                run(isa, bench, shape, Algorithm::Direct);
                turn += 1;
            }
        });
    });
}

/// What Winograd's algorithm applies to: maps that are and are not whole tiles of 4x4.
#[test]
fn windows_of_three() {
    let (valid, same) = (Axis::valid, Axis::same);
    let axes = [
        same(1, 3, 1, 1),
        valid(3, 3, 1, 1),
        same(4, 3, 1, 1),
        valid(6, 3, 1, 1),
        same(7, 3, 1, 1),
        same(17, 3, 1, 1),
    ];
    at_both_guards(|isa, bench| {
        let mut turn = 0;
        each_pair(&axes, |height, width| {
            for _ in 0..3 {
                let (in_channels, out_channels) = CHANNELS[turn % CHANNELS.len()];
                let shape = Conv2dShape { height, width, in_channels, out_channels };
                run(isa, bench, shape, Algorithm::Winograd);
                run(isa, bench, shape, Algorithm::Direct);
                turn += 1;
            }
        });
    });
}

/// The tutorial's layers, an image that takes several strips, and channels of several blocks.
#[test]
fn large_shapes() {
    let same = |input, window, stride| Axis::same(input, window, stride, 1).expect("it fits");
    let cases = [
        (same(32, 3, 1), same(32, 3, 1), 3, 32),
        (same(32, 3, 1), same(32, 3, 1), 32, 32),
        (same(70, 3, 1), same(90, 3, 1), 24, 2),
        (same(3, 3, 1), same(701, 3, 1), 2, 130),
        (same(64, 7, 2), same(64, 7, 2), 3, 16),
    ];
    at_both_guards(|isa, bench| {
        for (height, width, in_channels, out_channels) in cases {
            let shape = Conv2dShape { height, width, in_channels, out_channels };
            for algorithm in [Algorithm::Auto, Algorithm::Direct, Algorithm::Winograd] {
                run(isa, bench, shape, algorithm);
                shared(isa, bench, shape, algorithm);
            }
        }
    });
}

/// What is copied for a group, and the filters of one.
#[test]
fn groups() {
    let axis = Axis::same(7, 3, 2, 1).expect("it fits");
    at_both_guards(|isa, bench| {
        for (groups, (ins, outs)) in [1, 2, 3].into_iter().flat_map(|n| CHANNELS.map(|c| (n, c))) {
            let (in_channels, out_channels) = (ins * groups, outs * groups);
            let shape = Conv2dShape { height: axis, width: axis, in_channels, out_channels };
            let kernel = GroupedConv2d::new(&Fast::new(isa), shape, groups);
            run_kernel(bench, &kernel, kernel.weights_len());
        }
    });
}
