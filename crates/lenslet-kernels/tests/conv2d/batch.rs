//! The convolution of a whole batch against the specification in `f64`, image by image, for every
//! instruction set here.

use crate::assert_close;
use crate::common::{Random, isas, narrow};
use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Isa, Real, ReferenceConv2d, Rows, RowsMut,
    Team,
};

/// All that goes in, image behind image.
struct Case<R> {
    images: usize,
    x: Vec<R>,
    dy: Vec<R>,
    w: Vec<R>,
    bias: Vec<R>,
}

/// All that a convolution of a batch computes.
struct Results<R> {
    y: Vec<R>,
    dx: Vec<R>,
    dw: Vec<R>,
    db: Vec<R>,
}

impl Case<f64> {
    fn random(random: &Random, shape: &Conv2dShape, images: usize) -> Self {
        Self {
            images,
            x: random.normal(images * shape.input_len()),
            dy: random.normal(images * shape.output_len()),
            w: random.normal(shape.weights_len()),
            bias: random.normal(if random.size(0, 3) == 0 { 0 } else { shape.out_channels }),
        }
    }

    fn narrow(&self) -> Case<f32> {
        let Self { images, x, dy, w, bias } = self;
        Case { images: *images, x: narrow(x), dy: narrow(dy), w: narrow(w), bias: narrow(bias) }
    }

    fn expected(&self, shape: Conv2dShape) -> Results<f64> {
        let kernel = ReferenceConv2d::new(shape);
        let mut to = Results::filled(&shape, self, 0.0);
        for i in 0..self.images {
            let x = &self.x[i * shape.input_len()..][..shape.input_len()];
            let dy = &self.dy[i * shape.output_len()..][..shape.output_len()];
            let y = &mut to.y[i * shape.output_len()..][..shape.output_len()];
            let dx = &mut to.dx[i * shape.input_len()..][..shape.input_len()];
            kernel.forward(x, &self.w, &self.bias, y, &mut []);
            kernel.grad_input(dy, &self.w, dx, &mut []);
            kernel.grad_weights(x, dy, &mut to.dw, &mut to.db, &mut []);
        }
        to
    }
}

impl<R: Real> Results<R> {
    fn filled(shape: &Conv2dShape, case: &Case<R>, with: f64) -> Self {
        let filled = |len| vec![R::from_f64(with); len];
        Self {
            y: filled(case.images * shape.output_len()),
            dx: filled(case.images * shape.input_len()),
            dw: filled(shape.weights_len()),
            db: filled(case.bias.len()),
        }
    }
}

/// Runs both ways, with NaN wherever nothing is promised.
fn run(isa: Isa, shape: Conv2dShape, case: &Case<f32>, threads: usize) -> Results<f32> {
    let kernel = Conv2d::with(isa, shape, Algorithm::Winograd);
    let batch = kernel.batch().expect("3x3 windows, one by one");
    let (team, images) = (Team::new(threads), case.images);
    let mut packed = vec![f32::NAN; kernel.packed_len()];
    kernel.pack(&team, &case.w, &mut packed, true);
    let mut scratch = vec![f32::NAN; batch.batch_scratch_len(images, threads, true)];
    let forward = batch.batch_scratch_len(images, threads, false);
    let mut to = Results::filled(&shape, case, f64::NAN);
    let (input, output) = (shape.input_len(), shape.output_len());
    let x = Rows::new(&case.x, images, input, 0..input);
    let dy = Rows::new(&case.dy, images, output, 0..output);
    let y = RowsMut::new(&mut to.y, images, output, 0..output);
    batch.forward_batch(&team, x, &packed, &case.bias, y, &mut scratch[..forward]);
    scratch.fill(f32::NAN);
    let dx = Some(RowsMut::new(&mut to.dx, images, input, 0..input));
    batch.backward_batch(&team, x, dy, &packed, &mut to.dw, &mut to.db, dx, &mut scratch);
    to
}

fn check(shape: Conv2dShape, case: &Case<f64>) {
    let expected = case.expected(shape);
    let pixels = case.images * shape.height.output * shape.width.output;
    for isa in isas() {
        let got = run(isa, shape, &case.narrow(), 3);
        let what = |result: &str| format!("{isa}, {} x {shape:?}: {result}", case.images);
        assert_close(&what("y"), &got.y, &expected.y, 9 * shape.in_channels, 4e-6);
        assert_close(&what("dx"), &got.dx, &expected.dx, 9 * shape.out_channels, 4e-6);
        assert_close(&what("dw"), &got.dw, &expected.dw, pixels, 4e-6);
        assert_close(&what("db"), &got.db, &expected.db, pixels, 1.5e-7);
    }
}

fn random_shape(random: &Random, largest: usize) -> Conv2dShape {
    let axis = || {
        let make = random.pick(&[Axis::valid, Axis::same]);
        make(random.size(3, largest), 3, 1, 1).unwrap()
    };
    let (height, width) = (axis(), axis());
    // Fewer channels go image by image.
    let (in_channels, out_channels) = (random.size(5, 70), random.size(5, 70));
    Conv2dShape { height, width, in_channels, out_channels }
}

fn square(size: usize, [in_channels, out_channels]: [usize; 2]) -> Conv2dShape {
    let axis = Axis::same(size, 3, 1, 1).unwrap();
    Conv2dShape { height: axis, width: axis, in_channels, out_channels }
}

#[test]
fn random_batches() {
    let random = Random::new(61);
    for _ in 0..60 {
        let shape = random_shape(&random, 13);
        check(shape, &Case::random(&random, &shape, random.size(1, 9)));
    }
}

/// More tiles than one pass over the filters takes.
#[test]
fn batches_of_several_groups() {
    let random = Random::new(62);
    let shape = square(62, [5, 7]);
    check(shape, &Case::random(&random, &shape, 17));
}

/// An image with what is not finite, or too large to be transformed, leaves the others alone.
#[test]
fn what_is_not_moderate_goes_where_it_does_in_the_specification() {
    let random = Random::new(63);
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30] {
        for operand in 0..3 {
            let shape = random_shape(&random, 10);
            let mut case = Case::random(&random, &shape, 5);
            let Case { x, dy, w, .. } = &mut case;
            let operand = [x, dy, w].into_iter().nth(operand).expect("one of three");
            let at = random.size(0, operand.len() - 1);
            operand[at] = odd;
            let expected = case.expected(shape);
            for isa in isas() {
                let got = run(isa, shape, &case.narrow(), 2);
                for (what, got, expected) in [
                    ("y", &got.y, &expected.y),
                    ("dx", &got.dx, &expected.dx),
                    ("dw", &got.dw, &expected.dw),
                    ("db", &got.db, &expected.db),
                ] {
                    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
                        let same = if expected.is_finite() {
                            let error = (f64::from(got) - expected).abs();
                            error <= 4e-3 * expected.abs().max(1.0)
                        } else {
                            f64::from(got) == expected || got.is_nan() && expected.is_nan()
                        };
                        assert!(
                            same,
                            "{isa}, {odd}, {shape:?}: {what}[{i}]: {got}, not {expected}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn any_team_finds_the_same_bits() {
    let random = Random::new(64);
    let bits = |results: Results<f32>| {
        let Results { y, dx, dw, db } = results;
        [y, dx, dw, db].concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    for (shape, images) in [(square(8, [40, 72]), 21), (square(62, [8, 9]), 17)] {
        let case = Case::random(&random, &shape, images).narrow();
        for isa in isas() {
            let expected = bits(run(isa, shape, &case, 1));
            for threads in [2, 3, 4, 8, 16] {
                let same = bits(run(isa, shape, &case, threads)) == expected;
                assert!(same, "{isa}, {threads} threads, {shape:?}");
            }
        }
    }
}

/// Working memory for a batch is enough for every smaller one.
#[test]
fn working_memory_grows_with_the_batch() {
    for shape in [square(8, [128, 256]), square(16, [64, 128]), square(3, [96, 96])] {
        let kernel = Conv2d::new(Isa::detect(), shape);
        let batch = kernel.batch().expect("many filters for few tiles");
        for backward in [false, true] {
            let mut last = 0;
            for images in 1..200 {
                let len = batch.batch_scratch_len(images, 2, backward);
                assert!(len >= last, "{images} images, {shape:?}: {len}, not {last}");
                last = len;
            }
        }
    }
}

/// Only where an image has few tiles for as many filters, and never where every multiplication is
/// wanted.
#[test]
fn many_tiles_or_few_filters_go_image_by_image() {
    for (size, channels, algorithm, expected) in [
        (8, [256, 256], Algorithm::Auto, true),
        (8, [256, 256], Algorithm::Direct, false),
        (8, [64, 64], Algorithm::Auto, false),
        (16, [64, 128], Algorithm::Auto, true),
        (16, [64, 64], Algorithm::Auto, false),
        (16, [32, 32], Algorithm::Auto, false),
        (28, [512, 512], Algorithm::Auto, false),
        (4, [512, 512], Algorithm::Auto, true),
        (2, [512, 512], Algorithm::Auto, true),
        (1, [512, 512], Algorithm::Auto, false),
        (4, [64, 64], Algorithm::Auto, false),
    ] {
        let kernel = Conv2d::with(Isa::detect(), square(size, channels), algorithm);
        let takes_batches = kernel.batch().is_some();
        assert_eq!(takes_batches, expected, "{size}x{size}, {channels:?}, {algorithm:?}");
    }
}
