//! The fast convolution against the specification in `f64`, for every instruction set here.

mod common;

use common::{Random, isas, narrow};
use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Isa, Kernels, OutputGradient, Pool2dShape,
    Pooled, Real, Reference, ReferenceConv2d, Team,
};

/// All that a convolution computes.
struct Results<R> {
    y: Vec<R>,
    dx: Vec<R>,
    dw: Vec<R>,
    db: Vec<R>,
}

/// What goes in.
struct Case<R> {
    x: Vec<R>,
    dy: Vec<R>,
    w: Vec<R>,
    bias: Vec<R>,
}

impl Case<f64> {
    fn random(random: &Random, shape: &Conv2dShape) -> Self {
        Self {
            x: random.normal(shape.input_len()),
            dy: random.normal(shape.output_len()),
            w: random.normal(shape.weights_len()),
            bias: random.normal(if random.size(0, 3) == 0 { 0 } else { shape.out_channels }),
        }
    }

    fn narrow(&self) -> Case<f32> {
        let Self { x, dy, w, bias } = self;
        Case { x: narrow(x), dy: narrow(dy), w: narrow(w), bias: narrow(bias) }
    }
}

/// Runs every kernel, with buffers of exactly the promised lengths and NaN wherever nothing is
/// promised. The gradients of filters and bias start from 1.
fn run<R: Real>(kernel: &impl Conv2dKernel<R>, case: &Case<R>) -> Results<R> {
    let nan = R::from_f64(f64::NAN);
    let shape = *kernel.shape();
    let filled = |len: usize| vec![nan; len];
    let (mut packed, mut scratch) = (filled(kernel.packed_len()), filled(kernel.scratch_len()));
    let mut results = Results {
        y: filled(shape.output_len()),
        dx: filled(shape.input_len()),
        dw: vec![R::ONE; shape.weights_len()],
        db: vec![R::ONE; case.bias.len()],
    };
    kernel.pack(&Team::new(2), &case.w, &mut packed, true);
    kernel.forward(&case.x, &packed, &case.bias, &mut results.y, &mut scratch);
    scratch.fill(nan);
    kernel.grad_input(&case.dy, &packed, &mut results.dx, &mut scratch);
    scratch.fill(nan);
    kernel.grad_weights(&case.x, &case.dy, &mut results.dw, &mut results.db, &mut scratch);
    results
}

/// `got` is `expected` but for the rounding of sums of `terms` products of standard normal
/// numbers: a sum is about `sqrt(terms)`, and as many roundings of about that size remain, each
/// `rounding` times its size.
#[track_caller]
fn assert_close(what: &str, got: &[f32], expected: &[f64], terms: usize, rounding: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let bound = 1e-6 + rounding * (8.0 + terms as f64);
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        assert!(error <= bound * expected.abs().max(1.0), "{what}[{i}]: {got}, not {expected}");
    }
}

/// The algorithms, and what a rounding is to them: half a unit in the last place and a bit, or
/// what the transforms of Winograd's algorithm make of it.
const ALGORITHMS: [(Algorithm, f64); 2] =
    [(Algorithm::Direct, 1.5e-7), (Algorithm::Winograd, 4e-6)];

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

fn same(input: usize, window: usize, stride: usize, dilation: usize) -> Axis {
    Axis::same(input, window, stride, dilation).unwrap()
}

fn valid(input: usize, window: usize, stride: usize, dilation: usize) -> Axis {
    Axis::valid(input, window, stride, dilation).unwrap()
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

/// The error of Winograd's algorithm, as a share of the results' size.
#[test]
fn winograd_is_within_1e_5_of_the_direct_sum() {
    let random = Random::new(9);
    for channels in [16, 32, 128] {
        let (height, width) = (same(16, 3, 1, 1), same(16, 3, 1, 1));
        let shape = Conv2dShape { height, width, in_channels: channels, out_channels: channels };
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
                println!("{isa}, {channels} channels, {what}: {error:.1e}");
                assert!(error < 1e-5, "{isa}, {channels} channels, {what}: {error:e}");
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

/// Which of the operands are not finite, and what stands there instead.
#[derive(Clone, Copy, Debug)]
enum Odd {
    X,
    W,
    Dy,
    Everywhere,
}

impl Odd {
    const ALL: [Self; 4] = [Self::X, Self::W, Self::Dy, Self::Everywhere];

    /// Puts a few NaN and infinities among the numbers.
    fn spoil(self, random: &Random, case: &mut Case<f64>) {
        let Case { x, w, dy, .. } = case;
        let operands: &mut [&mut Vec<f64>] = match self {
            Self::X => &mut [x],
            Self::W => &mut [w],
            Self::Dy => &mut [dy],
            Self::Everywhere => &mut [x, w, dy],
        };
        for operand in operands {
            for _ in 0..random.size(1, 3) {
                let at = random.size(0, operand.len() - 1);
                operand[at] = random.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
            }
        }
    }
}

/// NaN where NaN is expected, and each infinity with its sign; no others.
#[track_caller]
fn assert_as_odd(what: &str, got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let same = if expected.is_finite() {
            got.is_finite()
        } else {
            f64::from(got) == expected || got.is_nan() && expected.is_nan()
        };
        assert!(same, "{what}[{i}]: {got}, not {expected}");
    }
}

/// What is not finite reaches the same results as in the specification, and no others, for every
/// algorithm.
fn check_odd(random: &Random, shape: Conv2dShape) {
    for odd in Odd::ALL {
        let mut case = Case::random(random, &shape);
        odd.spoil(random, &mut case);
        let kernel = ReferenceConv2d::new(shape);
        let expected = run(&kernel, &case);
        let both = backward(&kernel, &case, OutputGradient::Dense(&case.dy));
        let case = case.narrow();
        for isa in isas() {
            for algorithm in [Algorithm::Auto, Algorithm::Direct, Algorithm::Winograd] {
                let kernel = Conv2d::with(isa, shape, algorithm);
                let what =
                    |result: &str| format!("{isa}, {algorithm:?}, {odd:?}, {shape:?}: {result}");
                let got = run(&kernel, &case);
                assert_as_odd(&what("y"), &got.y, &expected.y);
                assert_as_odd(&what("dx"), &got.dx, &expected.dx);
                assert_as_odd(&what("dw"), &got.dw, &expected.dw);
                assert_as_odd(&what("db"), &got.db, &expected.db);
            }
        }
        compare_odd(&shape, &case, &both, OutputGradient::Dense(&case.dy));
    }
}

/// Both gradients at once, whatever way they are computed.
fn compare_odd(
    shape: &Conv2dShape,
    case: &Case<f32>,
    expected: &Results<f64>,
    gradient: OutputGradient<'_, f32>,
) {
    for isa in isas() {
        for algorithm in [Algorithm::Auto, Algorithm::Direct, Algorithm::Winograd] {
            let got = backward(&Conv2d::with(isa, *shape, algorithm), case, gradient);
            let what = |result: &str| format!("{isa}, {algorithm:?}, {shape:?}: both, {result}");
            assert_as_odd(&what("dx"), &got.dx, &expected.dx);
            assert_as_odd(&what("dw"), &got.dw, &expected.dw);
            assert_as_odd(&what("dw alone"), &got.y, &expected.dw);
            assert_as_odd(&what("db"), &got.db, &expected.db);
        }
    }
}

#[test]
fn nan_and_infinity_go_where_they_do_in_the_specification() {
    let random = Random::new(6);
    for _ in 0..60 {
        check_odd(&random, random.conv(9, 18));
    }
}

#[test]
fn nan_and_infinity_do_not_mix_in_winograds_tiles() {
    let random = Random::new(12);
    for _ in 0..40 {
        let axis = || {
            let make = random.pick(&[Axis::valid, Axis::same]);
            make(random.size(3, 14), 3, 1, 1).unwrap()
        };
        let (height, width) = (axis(), axis());
        let (in_channels, out_channels) = (random.size(1, 40), random.size(1, 40));
        check_odd(&random, Conv2dShape { height, width, in_channels, out_channels });
    }
}

/// One row, one column, one channel, one pixel, windows larger than the map.
#[test]
fn nan_and_infinity_at_borders() {
    let random = Random::new(13);
    let axes = [same(1, 1, 1, 1), same(1, 3, 1, 1), same(2, 7, 1, 1), same(9, 3, 1, 1)];
    for (height, width) in axes.into_iter().flat_map(|a| axes.map(|b| (a, b))) {
        for (in_channels, out_channels) in [(1, 1), (1, 20), (20, 1)] {
            check_odd(&random, Conv2dShape { height, width, in_channels, out_channels });
        }
    }
}

/// The direct sum of numbers near the end of the range is finite, though its transform is not.
#[test]
fn winograds_transforms_do_not_overflow() {
    let axis = same(16, 3, 1, 1);
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 16, out_channels: 16 };
    let random = Random::new(14);
    let mut case = Case::random(&random, &shape);
    let huge = 2f64.powi(125);
    case.x.iter_mut().step_by(1000).for_each(|x| *x = huge);
    case.w.iter_mut().for_each(|w| *w *= 0.01);
    case.dy.iter_mut().for_each(|dy| *dy *= 0.001);
    let expected = run(&ReferenceConv2d::new(shape), &case);
    for isa in isas() {
        let got = run(&Conv2d::with(isa, shape, Algorithm::Winograd), &case.narrow());
        for (what, got, expected) in [("y", &got.y, &expected.y), ("dw", &got.dw, &expected.dw)] {
            assert!(expected.iter().any(|&x| x.abs() > 1e35), "{what} is large");
            assert_as_odd(&format!("{isa}: {what}"), got, expected);
        }
    }
}

/// A gradient of nothing but zeros, and one without any, where filters or inputs are not finite.
#[test]
fn zeros_meet_infinity() {
    let random = Random::new(15);
    let axis = same(16, 3, 1, 1);
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 16, out_channels: 16 };
    for odd in [Odd::X, Odd::W] {
        for zeros in [false, true] {
            let mut case = Case::random(&random, &shape);
            odd.spoil(&random, &mut case);
            if zeros {
                case.dy.fill(0.0);
            }
            let kernel = ReferenceConv2d::new(shape);
            let expected = backward(&kernel, &case, OutputGradient::Dense(&case.dy));
            let case = case.narrow();
            compare_odd(&shape, &case, &expected, OutputGradient::Dense(&case.dy));
        }
    }
}

/// Both gradients at once, from an output's gradient of any density: with few numbers that are not
/// zero by way of these alone.
#[test]
fn both_gradients_at_any_density() {
    let random = Random::new(10);
    for _ in 0..400 {
        let shape = random.conv(12, 40);
        let mut case = Case::random(&random, &shape);
        let share = random.pick(&[0, 1, 3, 10, 30, 100]);
        case.dy.iter_mut().filter(|_| random.size(1, 100) > share).for_each(|dy| *dy = 0.0);
        let kernel = ReferenceConv2d::new(shape);
        let expected = backward(&kernel, &case, OutputGradient::Dense(&case.dy));
        let case = case.narrow();
        compare_backward(&shape, &case, &expected, OutputGradient::Dense(&case.dy));
    }
}

/// What compares a backward pass with the specification's.
type Compare = fn(&Conv2dShape, &Case<f32>, &Results<f64>, OutputGradient<'_, f32>);

/// Both gradients by way of a pool of rectified outputs and dropout, with windows that do and do
/// not overlap and that are larger than the map.
fn check_behind_a_pool(random: &Random, odd: Option<Odd>, compare: Compare) {
    let shape = random.conv(12, 40);
    let axis = |input| {
        let make = random.pick(&[Axis::valid, Axis::same]);
        let windows = [(2, 2), (3, 3), (2, 3), (3, 2), (1, 2), (2, 1), (13, 13)];
        let (window, stride) = random.pick(&windows);
        make(input, window, stride, 1)
    };
    let (Some(height), Some(width)) = (axis(shape.height.output), axis(shape.width.output)) else {
        return;
    };
    let pool = Pool2dShape { height, width, channels: shape.out_channels };
    let mut outputs = random.normal(shape.output_len());
    outputs.iter_mut().for_each(|y| *y = y.max(0.0));
    let mut pooled = (vec![0.0; pool.output_len()], vec![0u32; pool.output_len()]);
    Reference::<f64>::new().max_pool_forward(&pool, &outputs, &mut pooled.0, &mut pooled.1);
    // Dropout.
    pooled.0.iter_mut().filter(|_| random.size(1, 2) == 1).for_each(|y| *y = 0.0);
    let mut case = Case::random(random, &shape);
    case.dy = random.normal(pool.output_len());
    if let Some(odd) = odd {
        odd.spoil(random, &mut case);
    }
    let narrow = narrow(&pooled.0);
    let scale = random.pick(&[1.0, 2.0]);
    let (pool, argmax) = (&pool, &pooled.1[..]);
    let gradient = Pooled { pool, y: &pooled.0, dy: &case.dy, argmax, scale };
    let kernel = ReferenceConv2d::new(shape);
    let expected = backward(&kernel, &case, OutputGradient::Pooled(gradient));
    let case = case.narrow();
    let gradient = Pooled { pool, y: &narrow, dy: &case.dy, argmax, scale: scale as f32 };
    compare(&shape, &case, &expected, OutputGradient::Pooled(gradient));
}

#[test]
fn both_gradients_behind_a_pool() {
    let random = Random::new(11);
    for _ in 0..400 {
        check_behind_a_pool(&random, None, compare_backward);
    }
}

#[test]
fn nan_and_infinity_behind_a_pool() {
    let random = Random::new(16);
    for _ in 0..60 {
        for odd in Odd::ALL {
            check_behind_a_pool(&random, Some(odd), compare_odd);
        }
    }
}

/// Dropout's factor makes a gradient infinite, which must not meet the zeros of the padding.
#[test]
fn a_pooled_gradient_that_overflows() {
    let random = Random::new(17);
    let axis = same(16, 3, 1, 1);
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 16, out_channels: 16 };
    let half = valid(16, 2, 2, 1);
    let pool = &Pool2dShape { height: half, width: half, channels: 16 };
    let (mut y, mut argmax) = (vec![0.0; pool.output_len()], vec![0; pool.output_len()]);
    let mut outputs = vec![0.0; shape.output_len()];
    // Of the first pixel, the first channel.
    outputs[0] = 1.0;
    Reference::<f64>::new().max_pool_forward(pool, &outputs, &mut y, &mut argmax);
    let mut case = Case::random(&random, &shape);
    case.dy = y.iter().map(|y| y * f64::from(f32::MAX)).collect();
    let (narrow, case) = (narrow(&y), case.narrow());
    let gradient = Pooled { pool, y: &narrow, dy: &case.dy, argmax: &argmax, scale: 2.0 };
    let gradient = OutputGradient::Pooled(gradient);
    let expected = backward(&ReferenceConv2d::new(shape), &case, gradient);
    for isa in isas() {
        let got = backward(&Conv2d::new(isa, shape), &case, gradient);
        let wide = |x: &[f32]| x.iter().copied().map(f64::from).collect::<Vec<_>>();
        assert_as_odd("dw", &got.dw, &wide(&expected.dw));
        assert_as_odd("dx", &got.dx, &wide(&expected.dx));
    }
}

fn compare_backward(
    shape: &Conv2dShape,
    case: &Case<f32>,
    expected: &Results<f64>,
    gradient: OutputGradient<'_, f32>,
) {
    let (taps, pixels) =
        (shape.height.window * shape.width.window, shape.height.output * shape.width.output);
    for isa in isas() {
        for algorithm in [Algorithm::Auto, Algorithm::Direct] {
            let got = backward(&Conv2d::with(isa, *shape, algorithm), case, gradient);
            let what = |result: &str| format!("{isa}, {algorithm:?}, {shape:?}: {result}");
            assert_close(&what("dx"), &got.dx, &expected.dx, taps * shape.out_channels, 4e-6);
            assert_close(&what("dw"), &got.dw, &expected.dw, pixels, 4e-6);
            assert_close(&what("dw alone"), &got.y, &expected.dw, pixels, 4e-6);
            assert_close(&what("db"), &got.db, &expected.db, pixels, 1.5e-7);
        }
    }
}

fn backward<R: Real>(
    kernel: &impl Conv2dKernel<R>,
    case: &Case<R>,
    gradient: OutputGradient<'_, R>,
) -> Results<R> {
    let nan = R::from_f64(f64::NAN);
    let shape = *kernel.shape();
    let (mut packed, mut scratch) =
        (vec![nan; kernel.packed_len()], vec![nan; kernel.scratch_len()]);
    kernel.pack(&Team::new(1), &case.w, &mut packed, true);
    let mut results = Results {
        y: Vec::new(),
        dx: vec![nan; shape.input_len()],
        dw: vec![R::ONE; shape.weights_len()],
        db: vec![R::ONE; case.bias.len()],
    };
    let Results { dw, db, dx, .. } = &mut results;
    kernel.backward(&case.x, gradient, &packed, dw, db, dx, &mut scratch);
    scratch.fill(nan);
    // Once more, without the gradient of the input: that may go another way.
    results.y = vec![R::ONE; dw.len()];
    let again = &mut results.y;
    kernel.backward(&case.x, gradient, &packed, again, &mut [], &mut [], &mut scratch);
    results
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
