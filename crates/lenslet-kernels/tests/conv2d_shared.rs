//! One image by all threads of a team: the bits of one thread, on every instruction set here.

mod common;

use common::{Random, isas, narrow};
use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Finish, Isa, OutputGradient, Team,
};

const THREADS: [usize; 7] = [1, 2, 3, 4, 8, 16, 64];

fn shape(size: usize, window: usize, stride: usize, [from, to]: [usize; 2]) -> Conv2dShape {
    let axis = Axis::same(size, window, stride, 1).unwrap();
    Conv2dShape { height: axis, width: axis, in_channels: from, out_channels: to }
}

/// Many rows, many channels, both, neither, and none that fill vectors.
fn shapes() -> [Conv2dShape; 6] {
    [
        shape(96, 3, 1, [16, 32]),
        shape(8, 3, 1, [256, 200]),
        shape(31, 3, 1, [33, 70]),
        shape(40, 5, 2, [24, 50]),
        shape(28, 1, 1, [128, 128]),
        shape(6, 3, 1, [8, 8]),
    ]
}

/// All that goes into a convolution.
struct Case {
    x: Vec<f32>,
    dy: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn random(random: &Random, shape: &Conv2dShape) -> Self {
        Self {
            x: narrow(&random.normal(shape.input_len())),
            dy: narrow(&random.normal(shape.output_len())),
            w: narrow(&random.normal(shape.weights_len())),
            bias: narrow(&random.normal(shape.out_channels)),
        }
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Working memory for each thread, full of what nobody may read.
fn locals(kernel: &Conv2d, threads: usize) -> Vec<Vec<f32>> {
    vec![vec![f32::NAN; kernel.scratch_len()]; threads]
}

#[track_caller]
fn check_forward(isa: Isa, shape: Conv2dShape, algorithm: Algorithm, case: &Case) {
    let kernel = Conv2d::with(isa, shape, algorithm);
    let mut packed = vec![0.0; kernel.packed_len()];
    kernel.pack(&Team::new(1), &case.w, &mut packed, true);
    let mut expected = vec![f32::NAN; shape.output_len()];
    // No more memory than is promised to be enough.
    let locals = |threads| vec![vec![f32::NAN; kernel.forward_scratch_len()]; threads];
    kernel.forward(&case.x, &packed, &case.bias, &mut expected, &mut locals(1)[0]);
    for threads in THREADS {
        let team = Team::new(threads);
        let mut y = vec![f32::NAN; shape.output_len()];
        let finish = Finish { bias: &case.bias, rectify: false };
        kernel.forward_shared(&team, &case.x, &packed, finish, &mut y, &mut locals(threads));
        assert!(bits(&y) == bits(&expected), "{isa}, {algorithm:?}, {threads} threads, {shape:?}");
    }
}

#[track_caller]
fn check_backward(isa: Isa, shape: Conv2dShape, algorithm: Algorithm, case: &Case) {
    let kernel = Conv2d::with(isa, shape, algorithm);
    let mut packed = vec![0.0; kernel.packed_len()];
    kernel.pack(&Team::new(1), &case.w, &mut packed, true);
    // The filters' gradients are added to what is there, the input's is not always wanted.
    let gradients = |both: bool| {
        let input = if both { shape.input_len() } else { 0 };
        [vec![1.0; shape.weights_len()], vec![1.0; shape.out_channels], vec![f32::NAN; input]]
    };
    for both in [true, false] {
        let [mut dw, mut db, mut dx] = gradients(both);
        let (dy, scratch) = (OutputGradient::Dense(&case.dy), &mut locals(&kernel, 1)[0]);
        let made = kernel.backward(&case.x, dy, &packed, &mut dw, &mut db, &mut dx, scratch);
        let expected = (made, [dw, db, dx].map(|x| bits(&x)));
        for threads in THREADS {
            let team = Team::new(threads);
            let [mut dw, mut db, mut dx] = gradients(both);
            let (scratch, mut locals) = (&mut *scratch, locals(&kernel, threads));
            let (x, locals) = (&case.x, &mut locals);
            let made = kernel
                .backward_shared(&team, x, dy, &packed, &mut dw, &mut db, &mut dx, scratch, locals);
            let got = (made, [dw, db, dx].map(|x| bits(&x)));
            assert!(got == expected, "{isa}, {algorithm:?}, {threads} threads, {shape:?}");
        }
    }
}

fn each(check: impl Fn(Isa, Conv2dShape, Algorithm, &Random)) {
    let random = Random::new(53);
    for isa in isas() {
        for shape in shapes() {
            for algorithm in [Algorithm::Auto, Algorithm::Direct] {
                check(isa, shape, algorithm, &random);
            }
        }
    }
}

#[test]
fn any_team_finds_the_same_outputs() {
    each(|isa, shape, algorithm, random| {
        check_forward(isa, shape, algorithm, &Case::random(random, &shape));
    });
}

#[test]
fn any_team_finds_the_same_gradients() {
    each(|isa, shape, algorithm, random| {
        check_backward(isa, shape, algorithm, &Case::random(random, &shape));
    });
}

#[test]
fn any_team_skips_the_same_zeros() {
    each(|isa, shape, algorithm, random| {
        let mut case = Case::random(random, &shape);
        (0..case.dy.len()).filter(|i| i % 16 > 0).for_each(|i| case.dy[i] = 0.0);
        check_backward(isa, shape, algorithm, &case);
    });
}

#[test]
fn what_is_not_finite_changes_nothing_of_that() {
    each(|isa, shape, algorithm, random| {
        let mut case = Case::random(random, &shape);
        case.x[shape.input_len() / 3] = f32::INFINITY;
        check_forward(isa, shape, algorithm, &case);
        check_backward(isa, shape, algorithm, &case);
        case.dy[shape.output_len() / 4] = f32::NAN;
        check_backward(isa, shape, algorithm, &case);
        case.w[shape.weights_len() / 2] = f32::INFINITY;
        check_forward(isa, shape, algorithm, &case);
    });
}

#[test]
fn more_threads_make_more_pieces_where_there_is_work() {
    let pieces = |shape| {
        let kernel = Conv2d::new(Isa::detect(), shape);
        [1, 2, 64].map(|threads| kernel.pieces(threads))
    };
    let [one, two, many] = pieces(shape(96, 3, 1, [64, 64]));
    assert!(one == 1 && two > 1 && many > two, "{one}, {two}, {many}");
    assert_eq!(pieces(shape(6, 3, 1, [8, 8])), [1; 3]);
}
