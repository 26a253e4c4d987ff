//! Every result by itself, for shapes of all kinds.

use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Isa, ReferenceConv2d, Team,
};

use crate::common::{Random, isas, narrow};
use crate::{ALGORITHMS, Case, Results, assert_close, run, same, valid};

fn check(shape: Conv2dShape, case: &Case<f64>, expected: &Results<f64>) {
    let taps = shape.height.window * shape.width.window;
    let pixels = shape.height.output * shape.width.output;
    for isa in isas() {
        for (algorithm, rounding) in ALGORITHMS {
            let got = run(&Conv2d::with(isa, shape, algorithm), &case.narrow());
            let what = |result: &str| format!("{isa}, {algorithm:?}, {shape:?}: {result}");
            let channels = (shape.in_channels, shape.out_channels);
            assert_close(&what("y"), &got.y, &expected.y, taps * channels.0, rounding);
            assert_close(&what("dx"), &got.dx, &expected.dx, taps * channels.1, rounding);
            assert_close(&what("dw"), &got.dw, &expected.dw, pixels, rounding);
            assert_close(&what("db"), &got.db, &expected.db, pixels, 1.5e-7);
        }
    }
}

fn check_random(random: &Random, shape: Conv2dShape) {
    let case = Case::random(random, &shape);
    let expected = run(&ReferenceConv2d::new(shape), &case);
    check(shape, &case, &expected);
}

#[test]
fn random_shapes() {
    let random = Random::new(1);
    for _ in 0..300 {
        check_random(&random, random.conv(11, 24));
    }
}

/// Any window up to 7, any stride and dilation up to 3, together.
#[test]
fn random_windows() {
    let random = Random::new(2);
    let axis = || loop {
        let make = random.pick(&[Axis::valid, Axis::same]);
        let (stride, dilation) = (random.size(1, 3), random.size(1, 3));
        if let Some(axis) = make(random.size(1, 16), random.size(1, 7), stride, dilation) {
            break axis;
        }
    };
    for _ in 0..300 {
        let (height, width) = (axis(), axis());
        let (in_channels, out_channels) = (random.size(1, 9), random.size(1, 9));
        check_random(&random, Conv2dShape { height, width, in_channels, out_channels });
    }
}

/// What Winograd's algorithm applies to: maps that are and are not whole tiles.
#[test]
fn windows_of_three() {
    let random = Random::new(8);
    for _ in 0..150 {
        let axis = || {
            let make = random.pick(&[Axis::valid, Axis::same]);
            make(random.size(3, 21), 3, 1, 1).unwrap()
        };
        let (height, width) = (axis(), axis());
        let (in_channels, out_channels) = (random.size(1, 40), random.size(1, 40));
        check_random(&random, Conv2dShape { height, width, in_channels, out_channels });
    }
}

/// Sources of few channels, for which Winograd's tiles are made along the rows: of one stretch of tiles,
/// and of several.
#[test]
fn few_channels() {
    let random = Random::new(10);
    for turn in 0..100 {
        let axis = |longest| {
            let make = random.pick(&[Axis::valid, Axis::same]);
            make(random.size(3, longest), 3, 1, 1).unwrap()
        };
        let (height, width) = (axis(14), axis(80));
        let (in_channels, out_channels) = (turn % 4 + 1, random.size(1, 50));
        check_random(&random, Conv2dShape { height, width, in_channels, out_channels });
    }
}

/// The error of Winograd's algorithm, as a share of the results' size.
#[test]
fn winograd_is_within_1e_5_of_the_direct_sum() {
    let random = Random::new(9);
    for (in_channels, channels) in [(3, 32), (16, 16), (32, 32), (128, 128)] {
        let (height, width) = (same(16, 3, 1, 1), same(16, 3, 1, 1));
        let shape = Conv2dShape { height, width, in_channels, out_channels: channels };
        let case = Case::random(&random, &shape);
        let expected = run(&ReferenceConv2d::new(shape), &case);
        for isa in isas() {
            let got = run(&Conv2d::with(isa, shape, Algorithm::Winograd), &case.narrow());
            for (what, got, expected) in [
                ("y", &got.y, &expected.y),
                ("dx", &got.dx, &expected.dx),
                ("dw", &got.dw, &expected.dw),
            ] {
                let square = |sum: f64, x: f64| sum + x * x;
                let errors = got.iter().zip(expected).map(|(&got, &want)| f64::from(got) - want);
                let error = errors.fold(0.0, square).sqrt();
                let error = error / expected.iter().copied().fold(0.0, square).sqrt();
                println!("{isa}, {in_channels} to {channels} channels, {what}: {error:.1e}");
                assert!(error < 1e-5, "{isa}, {in_channels} to {channels}, {what}: {error:e}");
            }
        }
    }
}

/// Channels on both sides of every block of vectors.
#[test]
fn every_number_of_channels() {
    let random = Random::new(3);
    for channels in 1..=70 {
        for (in_channels, out_channels) in [(channels, 5), (3, channels)] {
            let (height, width) = (same(3, 3, 1, 1), same(4, 3, 1, 1));
            check_random(&random, Conv2dShape { height, width, in_channels, out_channels });
        }
    }
}

#[test]
fn special_shapes() {
    let random = Random::new(4);
    let one = same(1, 1, 1, 1);
    let cases = [
        ("a dense layer", one, one, 100, 50),
        ("one row", one, same(40, 3, 1, 1), 3, 20),
        ("one column", same(40, 3, 1, 1), one, 3, 20),
        ("a window larger than the map", same(2, 7, 1, 1), same(3, 7, 1, 1), 5, 6),
        ("a dilated window larger than the map", same(2, 5, 1, 3), same(3, 5, 2, 3), 5, 6),
        ("pixels that no window reads", valid(11, 2, 3, 1), valid(9, 1, 4, 1), 7, 9),
        ("the tutorial's first layer", same(32, 3, 1, 1), same(32, 3, 1, 1), 3, 32),
        ("the tutorial's second layer", same(32, 3, 1, 1), same(32, 3, 1, 1), 32, 32),
        ("a residual network's stem", same(64, 7, 2, 1), same(64, 7, 2, 1), 3, 16),
        ("a bottleneck", one, one, 64, 256),
        ("several strips", same(70, 3, 1, 1), same(90, 3, 1, 1), 24, 2),
        ("several strips with strides", same(150, 3, 2, 1), same(90, 5, 3, 1), 24, 2),
        ("a row longer than a strip", same(3, 3, 1, 1), same(700, 3, 1, 1), 2, 130),
    ];
    for (name, height, width, in_channels, out_channels) in cases {
        println!("{name}");
        check_random(&random, Conv2dShape { height, width, in_channels, out_channels });
    }
}

/// Padding by other than the two rules: every border of its own width.
#[test]
fn any_padding() {
    let random = Random::new(5);
    for pad_before in 0..6 {
        for output in 1..9 {
            let axis = Axis { input: 5, output, window: 3, stride: 2, dilation: 1, pad_before };
            let shape = Conv2dShape { height: axis, width: axis, in_channels: 2, out_channels: 3 };
            check_random(&random, shape);
        }
    }
}

#[test]
fn filters_packed_by_any_team_are_the_same() {
    let random = Random::new(7);
    let axis = same(9, 3, 1, 1);
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 33, out_channels: 70 };
    let w = narrow(&random.normal(shape.weights_len()));
    let kernels =
        isas().into_iter().flat_map(|isa| ALGORITHMS.map(|(algorithm, _)| (isa, algorithm)));
    for (isa, algorithm) in kernels {
        let kernel = Conv2d::with(isa, shape, algorithm);
        let pack = |threads: usize| {
            let mut packed = vec![0.0; kernel.packed_len()];
            kernel.pack(&Team::new(threads), &w, &mut packed, true);
            packed
        };
        assert_eq!(pack(1), pack(3));
    }
}

#[test]
#[should_panic(expected = "left == right")]
fn an_image_of_another_shape_is_refused() {
    let axis = same(4, 3, 1, 1);
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 2, out_channels: 2 };
    let kernel = Conv2d::new(Isa::detect(), shape);
    let packed = vec![0.0; kernel.packed_len()];
    let mut scratch = vec![0.0; kernel.scratch_len()];
    kernel.forward(&[0.0; 31], &packed, &[], &mut [0.0; 32], &mut scratch);
}
