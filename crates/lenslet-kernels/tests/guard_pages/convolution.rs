//! Convolutions, direct and by Winograd's algorithm.

use std::ops::Range;

use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Fast, Finish, GroupedConv2d, Isa, MaxPool,
    OutputGradient, Pool2dShape, Pooled, Rows, RowsMut,
};

use crate::guarded::Guarded;
use crate::{Bench, at_both_guards};

/// (in, out).
const CHANNELS: [(usize, usize); 11] = [
    (1, 1),
    (1, 3),
    (3, 5),
    (5, 17),
    (17, 33),
    (33, 3),
    (16, 16),
    (3, 32),
    (4, 8),
    (65, 1),
    (32, 40),
];

/// All that a convolution is handed, every slice guarded.
struct Buffers {
    x: Guarded<f32>,
    w: Guarded<f32>,
    bias: Guarded<f32>,
    dy: Guarded<f32>,
    packed: Guarded<f32>,
    scratch: Guarded<f32>,
    y: Guarded<f32>,
    dx: Guarded<f32>,
    dw: Guarded<f32>,
    db: Guarded<f32>,
}

impl Buffers {
    /// For a kernel with filters of so many weights, which are packed.
    fn new(bench: &Bench, kernel: &impl Conv2dKernel<f32>, weights: usize) -> Self {
        let shape = *kernel.shape();
        let (ins, outs) = (shape.input_len(), shape.output_len());
        let mut buffers = Self {
            x: bench.numbers(ins),
            w: bench.numbers(weights),
            bias: bench.numbers(shape.out_channels),
            dy: bench.numbers(outs),
            packed: bench.nothing(kernel.packed_len()),
            scratch: bench.nothing(kernel.scratch_len()),
            y: bench.nothing(outs),
            dx: bench.nothing(ins),
            dw: bench.numbers(weights),
            db: bench.numbers(shape.out_channels),
        };
        kernel.pack(&bench.team, &buffers.w, &mut buffers.packed, true);
        // The same in two parts.
        kernel.pack_most(&bench.team, &buffers.w, &mut buffers.packed);
        let dy = OutputGradient::Dense(&buffers.dy);
        if kernel.needs_rest(&dy, &buffers.packed, true) {
            kernel.pack_rest(&bench.team, &buffers.w, &mut buffers.packed);
        }
        buffers
    }

    fn keep_gradients(&self, bench: &mut Bench) {
        [&self.dx, &self.dw, &self.db].into_iter().for_each(|results| bench.keep(results));
    }
}

/// Every kernel of a convolution.
fn run(isa: Isa, bench: &mut Bench, shape: Conv2dShape, algorithm: Algorithm) {
    run_kernel(bench, &Conv2d::with(isa, shape, algorithm), shape.weights_len());
    pooled(isa, bench, shape, algorithm);
    both_gradients(isa, bench, shape);
}

/// The output with a max-pool of 2x2, where that goes together.
fn pooled(isa: Isa, bench: &mut Bench, shape: Conv2dShape, algorithm: Algorithm) {
    let half = |axis: Axis| Axis::valid(axis.output, 2, 2, 1);
    let (Some(height), Some(width)) = (half(shape.height), half(shape.width)) else { return };
    let pool = Pool2dShape { height, width, channels: shape.out_channels };
    let kernel = Conv2d::with(isa, shape, algorithm);
    let Buffers { x, bias, packed, y, .. } = &mut Buffers::new(bench, &kernel, shape.weights_len());
    let mut little = bench.nothing(kernel.forward_scratch_len());
    let (mut to, mut argmax) = (bench.nothing(pool.output_len()), bench.indices(pool.output_len()));
    let finish = Finish { bias, rectify: true };
    let pool = MaxPool { shape: &pool, y: &mut to, argmax: &mut argmax };
    if kernel.forward_pooled(x, packed, finish, y, pool, &mut little).is_some() {
        bench.keep(&to);
    }
}

/// The output, and each gradient by itself.
fn run_kernel(bench: &mut Bench, kernel: &impl Conv2dKernel<f32>, weights: usize) {
    let Buffers { x, bias, dy, packed, scratch, y, dx, dw, db, .. } =
        &mut Buffers::new(bench, kernel, weights);
    let mut little = bench.nothing(kernel.forward_scratch_len());
    kernel.forward(x, packed, bias, y, &mut little);
    bench.keep(y);
    let row = kernel.shape().width.output * kernel.shape().out_channels;
    let then = &mut |rows: Range<usize>, y: &mut [f32]| {
        y[rows.start * row..rows.end * row].iter_mut().for_each(|y| *y = y.max(0.0));
    };
    let finish = Finish { bias: &[], rectify: true };
    kernel.forward_rows(x, packed, finish, y, &mut little, then);
    kernel.grad_input(dy, packed, dx, scratch);
    kernel.grad_weights(x, dy, dw, db, scratch);
    kernel.grad_weights(x, dy, dw, &mut [], scratch);
    for results in [y, dx, dw, db] {
        bench.keep(results);
    }
}

/// Both gradients from what is not zero, with and without a pool of 1x1 behind the convolution.
fn both_gradients(isa: Isa, bench: &mut Bench, shape: Conv2dShape) {
    let kernel = Conv2d::new(isa, shape);
    let mut buffers = Buffers::new(bench, &kernel, shape.weights_len());
    let Buffers { x, dy, packed, scratch, dx, dw, db, .. } = &mut buffers;
    // The last one stays: its window is at the end of everything.
    let last = dy.len() - 1;
    dy.iter_mut()
        .enumerate()
        .filter(|(i, _)| *i != last && i % 37 > 0)
        .for_each(|(_, dy)| *dy = 0.0);
    kernel.backward(x, OutputGradient::Dense(dy), packed, dw, db, dx, scratch);
    let one = |n| Axis::valid(n, 1, 1, 1).expect("one tap fits");
    let (height, width) = (one(shape.height.output), one(shape.width.output));
    let pool = &Pool2dShape { height, width, channels: shape.out_channels };
    let argmax: Vec<u32> = (0..dy.len() as u32).collect();
    let pooled = Pooled { pool, y: dy, dy, argmax: &argmax, scale: 2.0 };
    let pooled = OutputGradient::Pooled(pooled);
    kernel.backward(x, pooled, packed, dw, &mut [], &mut [], scratch);
    kernel.backward(x, pooled, packed, dw, &mut [], dx, scratch);
    kernel.backward_rectified(x, pooled, packed, dw, &mut [], dx, scratch);
    buffers.keep_gradients(bench);
}

/// Output and gradients of one image by two threads.
fn shared(isa: Isa, bench: &mut Bench, shape: Conv2dShape, algorithm: Algorithm) {
    let kernel = Conv2d::with(isa, shape, algorithm);
    let mut buffers = Buffers::new(bench, &kernel, shape.weights_len());
    let Buffers { x, bias, dy, packed, scratch, y, dx, dw, db, .. } = &mut buffers;
    let locals = &mut [(); 2].map(|()| bench.nothing(kernel.scratch_len()));
    let finish = Finish { bias, rectify: true };
    kernel.forward_shared(&bench.team, x, packed, finish, y, locals);
    bench.keep(y);
    let (team, dy) = (&bench.team, OutputGradient::Dense(dy));
    kernel.backward_shared(team, x, dy, packed, dw, db, dx, scratch, locals);
    buffers.keep_gradients(bench);
}

/// Output and gradients of so many images at once, by two threads.
fn batch(isa: Isa, bench: &mut Bench, shape: Conv2dShape, images: usize) {
    let kernel = Conv2d::with(isa, shape, Algorithm::Winograd);
    if shape.in_channels.min(shape.out_channels) < 5 {
        assert!(kernel.batch().is_none(), "so few channels go image by image");
        return;
    }
    let batch = kernel.batch().expect("3x3 windows, one by one");
    let (input, output) = (shape.input_len(), shape.output_len());
    let (x, dy) = (bench.numbers(images * input), bench.numbers(images * output));
    let (w, bias) = (bench.numbers(shape.weights_len()), bench.numbers(shape.out_channels));
    let mut packed = bench.nothing(kernel.packed_len());
    kernel.pack(&bench.team, &w, &mut packed, true);
    let (mut y, mut dx) = (bench.nothing(dy.len()), bench.nothing(x.len()));
    let (mut dw, mut db) = (bench.nothing(w.len()), bench.nothing(bias.len()));
    let scratch_len = |backward| batch.batch_scratch_len(images, bench.team.threads(), backward);
    let (x, dy) =
        (Rows::new(&x, images, input, 0..input), Rows::new(&dy, images, output, 0..output));
    let mut scratch = bench.nothing(scratch_len(false));
    let y_rows = RowsMut::new(&mut y, images, output, 0..output);
    batch.forward_batch(&bench.team, x, &packed, &bias, y_rows, &mut scratch);
    let mut scratch = bench.nothing(scratch_len(true));
    let dx_rows = Some(RowsMut::new(&mut dx, images, input, 0..input));
    let team = &bench.team;
    batch.backward_batch(team, x, dy, &packed, &mut dw, &mut db, dx_rows, &mut scratch);
    for results in [&y, &dx, &dw, &db] {
        bench.keep(results);
    }
}

/// Each pair of axes with three of the pairs of channels, every time others.
fn each_shape(axes: &[Option<Axis>], mut visit: impl FnMut(Conv2dShape)) {
    let axes = axes.iter().map(|axis| axis.expect("the window fits"));
    let pairs = axes.clone().flat_map(|height| axes.clone().map(move |width| (height, width)));
    for (turn, (height, width)) in pairs.enumerate() {
        for channels in 3 * turn..3 * turn + 3 {
            let (in_channels, out_channels) = CHANNELS[channels % CHANNELS.len()];
            visit(Conv2dShape { height, width, in_channels, out_channels });
        }
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
        each_shape(&axes, |shape| run(isa, bench, shape, Algorithm::Direct));
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
        each_shape(&axes, |shape| {
            run(isa, bench, shape, Algorithm::Winograd);
            run(isa, bench, shape, Algorithm::Direct);
        });
    });
}

/// One and several images of maps that are and are not whole tiles, with channels that are and are
/// not whole vectors.
#[test]
fn batches() {
    let axes = [Axis::same(1, 3, 1, 1), Axis::valid(6, 3, 1, 1), Axis::same(7, 3, 1, 1)];
    at_both_guards(|isa, bench| {
        each_shape(&axes, |shape| {
            [1, 2, 5].into_iter().for_each(|images| batch(isa, bench, shape, images));
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
