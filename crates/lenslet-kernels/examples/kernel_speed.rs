//! How fast the kernels other than convolution are: GFLOP/s of the dense layers, nanoseconds for
//! an element of the others.
//!
//! `cargo run --release -p lenslet-kernels --example kernel_speed [-- THREADS [ISA]]`

use std::env;
use std::hint::black_box;
use std::time::Instant;

use lenslet_kernels::{
    Activation, AdamStep, Axis, DepthwiseShape, Fast, InputGradient, Isa, Kernels, Pool2dShape,
    Rows, RowsMut, Rule, Stream, Team, Update, peak_flops,
};

/// Seconds of one call: the best of many.
fn time(mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    let mut calls = 0;
    while calls < 5 || start.elapsed().as_secs_f64() < 0.2 {
        let start = Instant::now();
        call();
        best = best.min(start.elapsed().as_secs_f64());
        calls += 1;
    }
    best
}

fn numbers(n: usize) -> Vec<f32> {
    let stream = Stream::new(0, 0, n as u64);
    (0..n as u64).map(|i| stream.uniform(i) as f32 - 0.5).collect()
}

fn dense(fast: Fast, team: &Team, n: usize, inputs: usize, out: usize) {
    // Rows a power of two apart would share few lines of the cache.
    let (x_stride, y_stride) = (inputs + 16, out + 16);
    let (x, w, bias) = (numbers(n * x_stride), numbers(inputs * out), numbers(out));
    let (dy, mut y, mut dx) = (numbers(n * y_stride), numbers(n * y_stride), x.clone());
    let mut dw = w.clone();
    let x_rows = Rows::new(&x, n, x_stride, 0..inputs);
    let dy_rows = Rows::new(&dy, n, y_stride, 0..out);
    let forward = time(|| {
        let y = RowsMut::new(black_box(&mut y), n, y_stride, 0..out);
        fast.dense_forward(team, x_rows, &w, &bias, true, y);
    });
    let input = time(|| {
        let dx = RowsMut::new(black_box(&mut dx), n, x_stride, 0..inputs);
        fast.dense_grad_input(team, dy_rows, &w, dx);
    });
    let weights = time(|| {
        fast.dense_grad_weights(team, x_rows, dy_rows, black_box(&mut dw));
    });
    let (back, skip, learned) = backward_update(fast, team, n, inputs, out);
    print!("dense {n} x {inputs} -> {out}:");
    for (name, seconds) in [
        ("y", forward),
        ("dx", input),
        ("dw", weights),
        ("all back", back),
        ("y, half zero", skip),
        ("back", learned),
    ] {
        let rate = (2 * n * inputs * out) as f64 / seconds / 1e9;
        print!("  {name} {:.1} us = {rate:.1} GFLOP/s", seconds * 1e6);
    }
    println!();
}

/// Seconds of going back and learning by Adam at once, of going forward where four inputs of seven
/// are zero, and of going back there.
fn backward_update(
    fast: Fast,
    team: &Team,
    n: usize,
    inputs: usize,
    out: usize,
) -> (f64, f64, f64) {
    let (x_stride, y_stride) = (inputs + 16, out + 16);
    let (mut x, mut w, dy) = (numbers(n * x_stride), numbers(inputs * out), numbers(n * y_stride));
    let (mut dx, mut m, mut v) = (x.clone(), vec![0.0; w.len()], vec![0.0; w.len()]);
    let mut y = dy.clone();
    let adam = AdamStep { alpha: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false };
    let update = Update::from(Rule::Adam(adam));
    let mut back = |x: &[f32], rectified: bool| {
        let x = Rows::new(x, n, x_stride, 0..inputs);
        let dy = Rows::new(&dy, n, y_stride, 0..out);
        time(|| {
            let rows = RowsMut::new(black_box(&mut dx), n, x_stride, 0..inputs);
            let dx = Some(InputGradient { rows, rectified });
            let moments = [&mut m[..], &mut v, &mut [], &mut []];
            fast.dense_backward_update(team, x, dy, dx, update, &mut w, moments);
        })
    };
    let all = back(&x, false);
    let stream = Stream::new(0, 1, 0);
    for (i, x) in x.iter_mut().enumerate() {
        *x *= f32::from(u8::from(stream.uniform(i as u64) < 3.0 / 7.0));
    }
    let learned = back(&x, true);
    let x = Rows::new(&x, n, x_stride, 0..inputs);
    let forward = time(|| {
        let y = RowsMut::new(black_box(&mut y), n, y_stride, 0..out);
        fast.dense_forward(team, x, &w, &[], true, y);
    });
    (all, forward, learned)
}

fn per_element(name: &str, n: usize, call: impl FnMut()) {
    let seconds = time(call);
    println!("{name}: {:.2} us, {:.3} ns an element", seconds * 1e6, seconds * 1e9 / n as f64);
}

fn elements(fast: Fast, team: &Team) {
    let n = 1 << 20;
    let (mut p, g, mut m, mut v) = (numbers(n), numbers(n), numbers(n), vec![0.1; n]);
    let adam = AdamStep { alpha: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false };
    let plain = Update::from(Rule::Adam(adam));
    let around = Update { clip: 1.0, decay: 1e-5, ..plain };
    for (name, update) in [("adam", plain), ("adam, clipped, with decay", around)] {
        per_element(name, n, || {
            fast.update(team, update, &mut p, &g, [&mut m, &mut v, &mut [], &mut []]);
        });
    }

    let parts = numbers(10 * 9248);
    let (mut work, mut out) = (parts.clone(), numbers(9248));
    per_element("sum of 10 parts", parts.len(), || fast.sum_parts(team, &mut work, &mut out));

    let mut y = numbers(8192);
    let stream = Stream::new(1, 2, 3);
    per_element("dropout", y.len(), || fast.dropout(stream, 0, 0.5, black_box(&mut y)));
    let mut y = numbers(8192);
    for f in [
        Activation::Relu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Elu { alpha: 1.0 },
        Activation::Gelu,
        Activation::GeluTanh,
    ] {
        per_element(&format!("{f:?}"), y.len(), || fast.activate(f, black_box(&mut y)));
    }
    let mut y = numbers(1280);
    per_element("softmax 128 x 10", y.len(), || fast.softmax(10, black_box(&mut y)));

    let axis = Axis::valid(32, 2, 2, 1).expect("a window fits");
    let shape = Pool2dShape { height: axis, width: axis, channels: 32 };
    let (x, mut dx) = (numbers(shape.input_len()), numbers(shape.input_len()));
    let mut y = numbers(shape.output_len());
    let mut argmax = vec![0; y.len()];
    per_element("max-pool 2x2", x.len(), || {
        fast.max_pool_forward(&shape, &x, black_box(&mut y), &mut argmax);
    });
    per_element("max-pool 2x2 backward", x.len(), || {
        fast.max_pool_backward(&y, &argmax, black_box(&mut dx));
    });
    per_element("average-pool 2x2", x.len(), || {
        fast.average_pool_forward(&shape, &x, black_box(&mut y));
    });
    per_element("average-pool 2x2 backward", x.len(), || {
        fast.average_pool_backward(&shape, &y, black_box(&mut dx));
    });
    depthwise(fast);
    per_element("an empty job", 1, || {
        team.run(16, &|_, task| {
            black_box(task);
        })
    });
}

/// GFLOP/s of depthwise convolutions as in MobileNetV2, then of several filters a channel and of a
/// large window.
fn depthwise(fast: Fast) {
    for (size, channels, stride, multiplier, kernel) in [
        (32, 32, 1, 1, 3),
        (32, 144, 1, 1, 3),
        (32, 144, 2, 1, 3),
        (16, 192, 1, 1, 3),
        (8, 384, 1, 1, 3),
        (8, 576, 2, 1, 3),
        (4, 960, 1, 1, 3),
        (32, 3, 1, 8, 3),
        (32, 32, 1, 2, 3),
        (16, 64, 1, 3, 3),
        (16, 32, 1, 16, 3),
        (32, 32, 1, 1, 13),
    ] {
        let axis = Axis::same(size, kernel, stride, 1).expect("a window fits");
        let window = Pool2dShape { height: axis, width: axis, channels };
        let shape = DepthwiseShape { window, multiplier };
        let (x, w) = (numbers(window.input_len()), numbers(shape.weights_len()));
        let (mut y, mut dx) = (numbers(shape.output_len()), x.clone());
        let dy = y.clone();
        let mut dw = w.clone();
        // At the border taps meet nothing.
        let meetings: usize = (0..axis.output)
            .map(|o| (0..kernel).filter(|&t| axis.at(o, t).is_some()).count())
            .sum();
        let flops = (2 * meetings * meetings * shape.out_channels()) as f64;
        print!("depthwise {size}x{size}x{channels}x{multiplier}, {kernel}x{kernel}/{stride}:");
        let forward = time(|| fast.depthwise_forward(&shape, &x, &w, &[], black_box(&mut y)));
        let input = time(|| fast.depthwise_grad_input(&shape, &dy, &w, black_box(&mut dx)));
        let weights =
            time(|| fast.depthwise_grad_weights(&shape, &x, &dy, black_box(&mut dw), &mut []));
        for (name, seconds) in [("y", forward), ("dx", input), ("dw", weights)] {
            print!("  {name} {:.1} us = {:.1} GFLOP/s", seconds * 1e6, flops / seconds / 1e9);
        }
        println!();
    }
}

fn main() {
    let mut arguments = env::args().skip(1);
    let threads = arguments.next().map_or(1, |n| n.parse().expect("a number of threads"));
    let isa = arguments.next().map_or(Isa::detect(), |name| name.parse().expect("an ISA"));
    let (fast, team) = (Fast::new(isa), Team::new(threads));
    println!("{isa}, {threads} threads, peak {:.1} GFLOP/s a core", peak_flops(isa) / 1e9);
    for n in [1, 10, 32, 128] {
        dense(fast, &team, n, 8192, 128);
    }
    for (n, inputs) in [(10, 512), (128, 512)] {
        dense(fast, &team, n, inputs, 128);
    }
    for n in [10, 128] {
        dense(fast, &team, n, 128, 10);
    }
    elements(fast, &team);
}
