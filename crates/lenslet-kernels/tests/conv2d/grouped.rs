//! Convolution in groups against the definition: a convolution whose filters are zero between
//! channels of different groups.

use lenslet_kernels::{
    Conv2dKernel, Conv2dShape, Fast, GroupedConv2d, Isa, Kernels, OutputGradient, Pool2dShape,
    Pooled, Real, Reference, Team,
};

use crate::common::{Random, isas, narrow};

struct Case {
    shape: Conv2dShape,
    groups: usize,
    x: Vec<f64>,
    w: Vec<f64>,
    bias: Vec<f64>,
    dy: Vec<f64>,
}

impl Case {
    fn random(random: &Random) -> Self {
        let groups = random.size(1, 5);
        let one = random.conv(9, 6);
        let shape = Conv2dShape {
            in_channels: one.in_channels * groups,
            out_channels: one.out_channels * groups,
            ..one
        };
        Self {
            shape,
            groups,
            x: random.normal(shape.input_len()),
            w: random.normal(one.weights_len() * groups),
            bias: random.normal(if random.size(0, 3) == 0 { 0 } else { shape.out_channels }),
            dy: random.normal(shape.output_len()),
        }
    }

    /// Where a filter's weight lies among those of a convolution of all channels.
    fn in_all(&self, index: usize) -> usize {
        let Conv2dShape { in_channels, out_channels, .. } = self.shape;
        let (row, out) = (index / out_channels, index % out_channels);
        let ins = in_channels / self.groups;
        let (tap, channel) = (row / ins, row % ins);
        let group = out / (out_channels / self.groups);
        (tap * in_channels + group * ins + channel) * out_channels + out
    }
}

/// Output, and gradients of input, filters and bias; those of filters and bias start from 1.
fn run<R: Real>(kernel: &impl Conv2dKernel<R>, case: &Case, w: &[f64]) -> [Vec<f64>; 4] {
    let of = |x: &[f64]| x.iter().map(|&x| R::from_f64(x)).collect::<Vec<R>>();
    let back = |x: Vec<R>| x.into_iter().map(Real::to_f64).collect::<Vec<f64>>();
    let nan = |len: usize| vec![R::from_f64(f64::NAN); len];
    let (mut packed, mut scratch) = (nan(kernel.packed_len()), nan(kernel.scratch_len()));
    let (mut y, mut dx) = (nan(case.shape.output_len()), nan(case.shape.input_len()));
    let (mut dw, mut db) = (vec![R::ONE; w.len()], vec![R::ONE; case.bias.len()]);
    kernel.pack(&Team::new(2), &of(w), &mut packed, true);
    kernel.forward(&of(&case.x), &packed, &of(&case.bias), &mut y, &mut scratch);
    scratch.fill(R::from_f64(f64::NAN));
    let dy = of(&case.dy);
    let dy = OutputGradient::Dense(&dy);
    let x = of(&case.x);
    kernel.backward(&x, dy, &packed, &mut dw, &mut db, &mut dx, &mut scratch);
    let mut masked = nan(dx.len());
    kernel.backward_rectified(
        &x,
        dy,
        &packed,
        &mut nan(dw.len()),
        &mut [],
        &mut masked,
        &mut scratch,
    );
    for ((&masked, &dx), &x) in masked.iter().zip(&dx).zip(&x) {
        assert_eq!(masked, if x > R::ZERO { dx } else { R::ZERO }, "behind a rectifier");
    }
    [y, dx, dw, db].map(back)
}

/// By the specification's convolution of all channels.
fn expected(case: &Case) -> [Vec<f64>; 4] {
    let mut all = vec![0.0; case.shape.weights_len()];
    for (i, &w) in case.w.iter().enumerate() {
        all[case.in_all(i)] = w;
    }
    let [y, dx, dw, db] = run::<f64>(&Reference::<f64>::new().conv2d(case.shape), case, &all);
    let dw = (0..case.w.len()).map(|i| dw[case.in_all(i)]).collect();
    [y, dx, dw, db]
}

#[track_caller]
fn assert_close(what: &str, got: &[Vec<f64>; 4], expected: &[Vec<f64>; 4], rounding: f64) {
    for (part, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert_eq!(got.len(), expected.len(), "{what}, part {part}");
        for (got, expected) in got.iter().zip(expected) {
            let off = (got - expected).abs();
            let bound = rounding * expected.abs().max(8.0);
            assert!(off <= bound, "{what}, part {part}: {got}, not {expected}");
        }
    }
}

#[test]
fn is_a_convolution_without_what_lies_between_groups() {
    let random = Random::new(60);
    for _ in 0..120 {
        let case = Case::random(&random);
        let expected = expected(&case);
        let what = format!("{:?} in {} groups", case.shape, case.groups);
        let grouped = GroupedConv2d::new(&Reference::<f64>::new(), case.shape, case.groups);
        assert_close(&what, &run::<f64>(&grouped, &case, &case.w), &expected, 1e-13);
        for isa in isas() {
            let grouped = GroupedConv2d::new(&Fast::new(isa), case.shape, case.groups);
            let got = run::<f32>(&grouped, &case, &case.w);
            assert_close(&format!("{isa} {what}"), &got, &expected, 4e-5);
        }
    }
}

/// The gradient of a pool behind it comes in the pool's form.
#[test]
fn takes_the_gradient_of_a_pool() {
    let random = Random::new(61);
    let kernels = Fast::new(Isa::detect());
    for _ in 0..40 {
        let case = Case::random(&random);
        let Conv2dShape { height, width, out_channels: channels, .. } = case.shape;
        let axis = |n| lenslet_kernels::Axis::same(n, 2, 2, 1).unwrap();
        let (height, width) = (axis(height.output), axis(width.output));
        let pool = Pool2dShape { height, width, channels };
        let mut y = vec![0.0; pool.output_len()];
        let mut argmax = vec![0; pool.output_len()];
        kernels.max_pool_forward(&pool, &narrow(&case.dy), &mut y, &mut argmax);
        let dy = narrow(&random.normal(pool.output_len()));
        let pooled = Pooled { pool: &pool, y: &y, dy: &dy, argmax: &argmax, scale: 2.0 };
        let mut spread = vec![0.0; case.shape.output_len()];
        pooled.spread(&mut spread);

        let kernel = GroupedConv2d::new(&kernels, case.shape, case.groups);
        let (mut packed, mut scratch) =
            (vec![0.0; kernel.packed_len()], vec![f32::NAN; kernel.scratch_len()]);
        kernel.pack(&Team::new(1), &narrow(&case.w), &mut packed, true);
        let mut back = |dy| {
            let (mut dw, mut db) = (vec![0.0; case.w.len()], vec![0.0; channels]);
            let mut dx = vec![0.0; case.x.len()];
            let x = narrow(&case.x);
            kernel.backward(&x, dy, &packed, &mut dw, &mut db, &mut dx, &mut scratch);
            [dw, db, dx].map(|x| x.into_iter().map(f64::from).collect::<Vec<_>>())
        };
        let [got, expected] =
            [OutputGradient::Pooled(pooled), OutputGradient::Dense(&spread)].map(&mut back);
        for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
            let off = (got - expected).abs();
            assert!(off <= 1e-5 * expected.abs().max(8.0), "{got}, not {expected}");
        }
    }
}
