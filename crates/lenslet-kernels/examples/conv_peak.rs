//! How fast the convolutions are: GFLOP/s of the three kernels on one core, and their share of
//! the fused multiply-adds that the core can do (of separate multiplications and additions, for
//! `portable`), measured in the same run. Multiplications are counted as the definition makes
//! them, so Winograd's algorithm can come out above the peak. Where channels are not whole vectors
//! the share of the work with channels rounded up to these stands behind it: `14 / 75 %`.
//!
//! `cargo run --release -p lenslet-kernels --example conv_peak [-- ISA [direct | winograd]]`

use std::hint::black_box;
use std::time::Instant;

use aligned_vec::{AVec, CACHELINE_ALIGN};
use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Isa, Stream, Team, peak_flops,
};

const SHAPES: [(&str, usize, usize, usize, usize, usize); 16] = [
    // name, size, window, stride, in, out
    ("first layer", 32, 3, 1, 3, 32),
    ("grey first layer", 28, 3, 1, 1, 32),
    ("tutorial", 32, 3, 1, 32, 32),
    ("", 16, 3, 1, 64, 64),
    ("", 8, 3, 1, 128, 128),
    ("", 8, 3, 1, 256, 256),
    ("5x5", 16, 5, 1, 32, 64),
    ("1x1", 16, 1, 1, 64, 256),
    ("1x1", 16, 1, 1, 256, 64),
    ("stride 2", 32, 3, 2, 32, 64),
    ("7x7 stem", 64, 7, 2, 3, 64),
    ("odd", 16, 3, 1, 20, 20),
    ("odd", 16, 3, 1, 20, 50),
    ("odd", 16, 3, 1, 50, 100),
    ("small map", 4, 3, 1, 128, 128),
    ("big map", 112, 3, 1, 64, 64),
];

/// Seconds of one call: the best of many.
fn time(mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    let mut calls = 0;
    while calls < 5 || start.elapsed().as_secs_f64() < 0.15 {
        let start = Instant::now();
        call();
        best = best.min(start.elapsed().as_secs_f64());
        calls += 1;
    }
    best
}

/// Aligned as the engine's buffers are: vectors that lie in two lines of the cache take longer.
fn numbers(n: usize) -> AVec<f32> {
    let stream = Stream::new(0, 0, n as u64);
    let numbers = (0..n as u64).map(|i| stream.uniform(i) as f32 - 0.5);
    AVec::from_iter(CACHELINE_ALIGN, numbers)
}

fn measure(isa: Isa, algorithm: Algorithm, team: &Team) {
    println!("{isa}, {algorithm:?}");
    println!("{:40} {:>12} {:>23} {:>23} {:>23}", "GFLOP/s (share)", "peak", "y", "dx", "dw");
    for (name, size, window, stride, in_channels, out_channels) in SHAPES {
        let axis = Axis::same(size, window, stride, 1).unwrap();
        let shape = Conv2dShape { height: axis, width: axis, in_channels, out_channels };
        let kernel = Conv2d::with(isa, shape, algorithm);
        let (x, dy) = (numbers(shape.input_len()), numbers(shape.output_len()));
        let (mut y, mut dx) = (dy.clone(), x.clone());
        let w = numbers(shape.weights_len());
        let (mut dw, bias, mut db) = (w.clone(), numbers(out_channels), numbers(out_channels));
        let mut packed = numbers(kernel.packed_len());
        let mut scratch = numbers(kernel.scratch_len());
        kernel.pack(team, &w, &mut packed, true);
        let flops = 2.0 * (shape.weights_len() * axis.output * axis.output) as f64;
        let peak = peak_flops(isa) / 1e9;
        let forward = time(|| kernel.forward(&x, &packed, &bias, black_box(&mut y), &mut scratch));
        let input = time(|| kernel.grad_input(&dy, &packed, black_box(&mut dx), &mut scratch));
        let weights = time(|| {
            kernel.grad_weights(&x, &dy, black_box(&mut dw), black_box(&mut db), &mut scratch);
        });
        let shape =
            format!("{size}x{size} {window}x{window}/{stride} {in_channels}->{out_channels}");
        print!("{shape:24} {name:16} {peak:11.1}");
        for (seconds, channels) in
            [(forward, out_channels), (input, in_channels), (weights, out_channels)]
        {
            let rate = flops / seconds / 1e9;
            let padding = channels.next_multiple_of(isa.lanes()) as f64 / channels as f64;
            let share = 100.0 * rate / peak;
            let shares = if padding == 1.0 {
                format!("{share:.0} %")
            } else {
                format!("{share:.0} / {:.0} %", share * padding)
            };
            print!(" {rate:11.1} {:>11}", format!("({shares})"));
        }
        println!();
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let isas: Vec<Isa> = match arguments.next() {
        Some(name) => vec![name.parse().unwrap_or_else(|error| panic!("{error}"))],
        None => Isa::available().collect(),
    };
    let algorithms = match arguments.next().as_deref() {
        Some("direct") => vec![Algorithm::Direct],
        Some("winograd") => vec![Algorithm::Winograd],
        Some(other) => panic!("expected direct or winograd, not {other}"),
        None => vec![Algorithm::Direct, Algorithm::Winograd],
    };
    let team = Team::new(1);
    for isa in isas {
        algorithms.iter().for_each(|&algorithm| measure(isa, algorithm, &team));
    }
}
