//! The fast convolution against the specification in `f64`, for every instruction set here.

#[path = "../common/mod.rs"]
mod common;

mod batch;
mod finish;
mod gradients;
mod grouped;
mod odd;
mod shapes;
mod zeros;

use common::{Random, narrow};
use lenslet_kernels::{Algorithm, Axis, Conv2dKernel, Conv2dShape, OutputGradient, Real, Team};

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
    scratch.fill(nan);
    check_rectified(kernel, case, gradient, (&packed, &mut scratch), &results);
    results
}

/// With the gradient of a rectifier in front nothing is different but where that lets nothing through.
fn check_rectified<R: Real>(
    kernel: &impl Conv2dKernel<R>,
    case: &Case<R>,
    gradient: OutputGradient<'_, R>,
    (packed, scratch): (&[R], &mut [R]),
    expected: &Results<R>,
) {
    let mut dx = vec![R::from_f64(f64::NAN); case.x.len()];
    let (mut dw, mut db) = (vec![R::ONE; case.w.len()], vec![R::ONE; case.bias.len()]);
    kernel.backward_rectified(&case.x, gradient, packed, &mut dw, &mut db, &mut dx, scratch);
    let masked =
        expected.dx.iter().zip(&case.x).map(|(&dx, &x)| if x > R::ZERO { dx } else { R::ZERO });
    let pairs =
        dx.iter().copied().zip(masked).chain(dw.into_iter().zip(expected.dw.iter().copied()));
    for (i, (got, expected)) in
        pairs.chain(db.into_iter().zip(expected.db.iter().copied())).enumerate()
    {
        let same = got == expected || (got.is_nan() && expected.is_nan());
        assert!(same, "{:?}, rectified, number {i}: {got}, not {expected}", kernel.shape());
    }
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

fn same(input: usize, window: usize, stride: usize, dilation: usize) -> Axis {
    Axis::same(input, window, stride, dilation).unwrap()
}

fn valid(input: usize, window: usize, stride: usize, dilation: usize) -> Axis {
    Axis::valid(input, window, stride, dilation).unwrap()
}
