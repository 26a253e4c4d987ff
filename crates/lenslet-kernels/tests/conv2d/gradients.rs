//! Both gradients at once, by way of what is not zero, and behind a pool.

use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dShape, Kernels, OutputGradient, Pool2dShape, Pooled, Reference,
    ReferenceConv2d,
};

use crate::common::{Random, isas, narrow};
use crate::odd::{Odd, assert_as_odd, compare_odd};
use crate::{Case, Results, assert_close, backward, same, valid};

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

/// Both gradients at once, from an output's gradient of any density: with few numbers that are not
/// zero by way of these alone.
#[test]
fn any_density() {
    let random = Random::new(10);
    for _ in 0..400 {
        check_density(&random, random.conv(12, 40));
    }
}

fn check_density(random: &Random, shape: Conv2dShape) {
    let mut case = Case::random(random, &shape);
    let share = random.pick(&[0, 1, 3, 10, 30, 100]);
    case.dy.iter_mut().filter(|_| random.size(1, 100) > share).for_each(|dy| *dy = 0.0);
    let kernel = ReferenceConv2d::new(shape);
    let expected = backward(&kernel, &case, OutputGradient::Dense(&case.dy));
    let case = case.narrow();
    compare_backward(&shape, &case, &expected, OutputGradient::Dense(&case.dy));
}

/// What compares a backward pass with the specification's.
type Compare = fn(&Conv2dShape, &Case<f32>, &Results<f64>, OutputGradient<'_, f32>);

/// Windows that do and do not overlap and that are larger than the map, as window, stride and dilation.
const POOLS: [[usize; 3]; 8] =
    [[2, 2, 1], [3, 3, 1], [2, 3, 1], [3, 2, 1], [1, 2, 1], [2, 1, 1], [13, 13, 1], [2, 3, 2]];

/// Both gradients by way of a pool of rectified outputs and dropout.
fn check_behind_a_pool(random: &Random, shape: Conv2dShape, odd: Option<Odd>, compare: Compare) {
    let axis = |input| {
        let make = random.pick(&[Axis::valid, Axis::same]);
        let [window, stride, dilation] = random.pick(&POOLS);
        make(input, window, stride, dilation)
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
fn behind_a_pool() {
    let random = Random::new(11);
    for _ in 0..400 {
        check_behind_a_pool(&random, random.conv(12, 40), None, compare_backward);
    }
}

/// Windows of 3 x 3 that move by one, with any padding, over channels that fill vectors and do not:
/// where few numbers are not zero these have a way of their own.
#[test]
fn windows_of_three_and_many_channels() {
    let random = Random::new(18);
    let axis = || {
        let (input, pad_before) = (random.size(1, 12), random.size(0, 3));
        let output = random.size(3, input + 5).max(1 + pad_before) - 2;
        Axis { input, output, window: 3, stride: 1, dilation: 1, pad_before }
    };
    for _ in 0..300 {
        let (height, width) = (axis(), axis());
        let (in_channels, out_channels) = (random.size(32, 70), random.size(1, 80));
        let shape = Conv2dShape { height, width, in_channels, out_channels };
        check_behind_a_pool(&random, shape, None, compare_backward);
        check_density(&random, shape);
    }
}

#[test]
fn nan_and_infinity_behind_a_pool() {
    let random = Random::new(16);
    for _ in 0..60 {
        for odd in Odd::ALL {
            check_behind_a_pool(&random, random.conv(12, 40), Some(odd), compare_odd);
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
