//! NaN and infinity go where they do in the specification.

use lenslet_kernels::{Algorithm, Axis, Conv2d, Conv2dShape, OutputGradient, ReferenceConv2d};

use crate::common::{Random, isas};
use crate::{Case, Results, backward, run, same};

/// Which of the operands are not finite, and what stands there instead.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Odd {
    X,
    W,
    Dy,
    Everywhere,
}

impl Odd {
    pub(crate) const ALL: [Self; 4] = [Self::X, Self::W, Self::Dy, Self::Everywhere];

    /// Puts a few NaN and infinities among the numbers.
    pub(crate) fn spoil(self, random: &Random, case: &mut Case<f64>) {
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
pub(crate) fn assert_as_odd(what: &str, got: &[f32], expected: &[f64]) {
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
pub(crate) fn compare_odd(
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
fn any_shape() {
    let random = Random::new(6);
    for _ in 0..60 {
        check_odd(&random, random.conv(9, 18));
    }
}

#[test]
fn they_do_not_mix_in_winograds_tiles() {
    let random = Random::new(12);
    for turn in 0..60 {
        let axis = |longest| {
            let make = random.pick(&[Axis::valid, Axis::same]);
            make(random.size(3, longest), 3, 1, 1).unwrap()
        };
        let few = turn % 3 == 0;
        let (height, width) = (axis(14), axis(if few { 45 } else { 14 }));
        let in_channels = random.size(1, if few { 4 } else { 40 });
        let out_channels = random.size(1, 40);
        check_odd(&random, Conv2dShape { height, width, in_channels, out_channels });
    }
}

/// One row, one column, one channel, one pixel, windows larger than the map.
#[test]
fn borders() {
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
