//! Channels that are zero in several neighbouring tiles of Winograd's algorithm are skipped, which changes no bit.

use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Fast, Finish, Isa, Kernels, MaxPool,
    Pool2dShape, Rows, RowsMut, Team,
};

use crate::Case;
use crate::common::{Random, isas};

fn nan(len: usize) -> Vec<f32> {
    vec![f32::NAN; len]
}

/// NaN is NaN, whatever else its bits say.
fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }.to_bits()).collect()
}

fn shape(random: &Random) -> Conv2dShape {
    let axis = || {
        let make = random.pick(&[Axis::same, Axis::valid]);
        make(random.size(3, 40), 3, 1, 1).unwrap()
    };
    let [height, width] = [axis(), axis()];
    Conv2dShape { height, width, in_channels: random.size(5, 70), out_channels: random.size(5, 70) }
}

/// Makes channels of a map zero, all over it or below a row, or below a row and right of a column.
fn silence(random: &Random, map: &mut [f32], width: usize, channels: usize) {
    let height = map.len() / width / channels;
    for c in 0..channels {
        let [top, left] = match random.size(0, 4) {
            0 => [0, 0],
            1 => [random.size(0, height), 0],
            2 => [random.size(0, height), random.size(0, width)],
            _ => continue,
        };
        for (at, pixel) in map.chunks_exact_mut(channels).enumerate() {
            if at / width >= top && at % width >= left {
                pixel[c] = 0.0;
            }
        }
    }
}

fn case(random: &Random, shape: &Conv2dShape) -> Case<f32> {
    let mut case = Case::random(random, shape).narrow();
    silence(random, &mut case.x, shape.width.input, shape.in_channels);
    silence(random, &mut case.dy, shape.width.output, shape.out_channels);
    case
}

/// What an image's passes give, and the multiply-adds of the forward one.
struct Image {
    y: Vec<u32>,
    shared: Vec<u32>,
    dx: Vec<u32>,
    made: [u64; 2],
}

fn image(isa: Isa, shape: Conv2dShape, case: &Case<f32>, skipping: bool) -> Image {
    let kernel = Conv2d::with(isa, shape, Algorithm::Winograd).skipping(skipping);
    let (mut packed, mut scratch) = (nan(kernel.packed_len()), nan(kernel.scratch_len()));
    let team = Team::new(3);
    kernel.pack(&team, &case.w, &mut packed, true);
    let [mut y, mut shared] = [nan(shape.output_len()), nan(shape.output_len())];
    let finish = Finish { bias: &case.bias, rectify: false };
    let then = &mut |_, _: &mut [f32]| {};
    let made = kernel.forward_rows(&case.x, &packed, finish, &mut y, &mut scratch, then);
    let mut locals = vec![nan(kernel.scratch_len()); 3];
    let pieces = kernel.forward_shared(&team, &case.x, &packed, finish, &mut shared, &mut locals);
    let mut dx = nan(shape.input_len());
    scratch.fill(f32::NAN);
    kernel.grad_input(&case.dy, &packed, &mut dx, &mut scratch);
    Image { y: bits(&y), shared: bits(&shared), dx: bits(&dx), made: [made, pieces] }
}

#[test]
fn no_bit_of_an_image_changes() {
    let random = Random::new(91);
    for round in 0..80 {
        let shape = shape(&random);
        let mut case = case(&random, &shape);
        if round % 4 == 0 {
            // A number in an otherwise silent channel is seen.
            let odd = random.pick(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-45, -0.0]);
            let at = random.size(0, case.x.len() - 1);
            case.x[at] = odd;
        }
        for isa in isas() {
            let [all, some] = [false, true].map(|skipping| image(isa, shape, &case, skipping));
            assert_eq!(all.y, some.y, "{isa}: {shape:?}");
            assert_eq!(all.y, some.shared, "{isa}, shared: {shape:?}");
            assert_eq!(all.dx, some.dx, "{isa}, dx: {shape:?}");
            assert_eq!(all.made, [Conv2d::with(isa, shape, Algorithm::Winograd).forward_made(); 2]);
            assert!(some.made.into_iter().all(|made| made <= all.made[0]), "{isa}: {shape:?}");
        }
    }
}

#[test]
fn what_is_skipped_is_not_counted() {
    for isa in isas() {
        for (side, silent) in [(32, 0), (32, 10), (9, 7), (6, 32)] {
            let axis = Axis::same(side, 3, 1, 1).unwrap();
            let shape =
                Conv2dShape { height: axis, width: axis, in_channels: 32, out_channels: 48 };
            let mut case = Case::random(&Random::new(92), &shape).narrow();
            for pixel in case.x.chunks_exact_mut(32) {
                pixel[32 - silent..].fill(0.0);
            }
            let tiles = side.div_ceil(4).pow(2) as u64;
            let expected = 36 * tiles * (32 - silent as u64) * 48;
            assert_eq!(image(isa, shape, &case, true).made, [expected; 2], "{isa}");
            let kernel = Conv2d::with(isa, shape, Algorithm::Winograd).skipping(true);
            assert_eq!(batch(isa, &kernel, &[case], 2).made, expected, "{isa}");
        }
    }
}

#[test]
fn no_bit_behind_a_pool_changes() {
    let random = Random::new(93);
    for _ in 0..40 {
        let shape = shape(&random);
        let half = |axis: &Axis| Axis::valid(axis.output, 2, 2, 1);
        let (Some(height), Some(width)) = (half(&shape.height), half(&shape.width)) else {
            continue;
        };
        let pool = Pool2dShape { height, width, channels: shape.out_channels };
        let case = case(&random, &shape);
        for isa in isas() {
            let [all, some] = [false, true].map(|skipping| {
                let kernel = Conv2d::with(isa, shape, Algorithm::Winograd).skipping(skipping);
                let mut packed = nan(kernel.packed_len());
                kernel.pack(&Team::new(1), &case.w, &mut packed, false);
                let (finish, mut scratch) =
                    (Finish { bias: &case.bias, rectify: true }, nan(kernel.forward_scratch_len()));
                let mut room = nan(shape.output_len());
                let (mut y, mut argmax) = (nan(pool.output_len()), vec![7; pool.output_len()]);
                let to = MaxPool { shape: &pool, y: &mut y, argmax: &mut argmax };
                let (x, scratch) = (&case.x, &mut scratch);
                if kernel.forward_pooled(x, &packed, finish, &mut room, to, scratch).is_none() {
                    let then = &mut |_, _: &mut [f32]| {};
                    kernel.forward_rows(x, &packed, finish, &mut room, scratch, then);
                    Fast::new(isa).max_pool_forward(&pool, &room, &mut y, &mut argmax);
                }
                (bits(&y), argmax)
            });
            assert_eq!(all, some, "{isa}: {shape:?}");
        }
    }
}

/// What a batch's passes give, and the multiply-adds of the forward one.
#[derive(Debug, PartialEq)]
struct Batch {
    y: Vec<u32>,
    dx: Vec<u32>,
    made: u64,
}

fn batch(isa: Isa, kernel: &Conv2d, cases: &[Case<f32>], threads: usize) -> Batch {
    let (shape, images) = (*kernel.shape(), cases.len());
    let all = |of: fn(&Case<f32>) -> &[f32]| cases.iter().flat_map(of).copied().collect::<Vec<_>>();
    let (x, dy) = (all(|case| &case.x), all(|case| &case.dy));
    let (input, output) = (shape.input_len(), shape.output_len());
    let (team, kernel_batch) = (Team::new(threads), kernel.batch().expect("3x3 windows"));
    let mut packed = nan(kernel.packed_len());
    kernel.pack(&team, &cases[0].w, &mut packed, true);
    let mut scratch = nan(kernel_batch.batch_scratch_len(images, threads, true));
    let [mut y, mut dx] = [nan(images * output), nan(images * input)];
    let [x, dy] = [(&x, input), (&dy, output)].map(|(x, len)| Rows::new(x, images, len, 0..len));
    let to = RowsMut::new(&mut y, images, output, 0..output);
    let bias = &cases[0].bias;
    let made = kernel_batch.forward_batch(&team, x, &packed, bias, to, &mut scratch);
    scratch.fill(f32::NAN);
    let to = Some(RowsMut::new(&mut dx, images, input, 0..input));
    let mut dw = nan(shape.weights_len());
    kernel_batch.backward_batch(&team, x, dy, &packed, &mut dw, &mut [], to, &mut scratch);
    assert!(dw.iter().all(|dw| dw.is_finite()), "{isa}");
    Batch { y: bits(&y), dx: bits(&dx), made }
}

#[test]
fn no_bit_of_a_batch_changes() {
    let random = Random::new(94);
    for _ in 0..40 {
        let shape = shape(&random);
        let cases: Vec<_> = (0..random.size(1, 7)).map(|_| case(&random, &shape)).collect();
        for isa in isas() {
            let of = |skipping, threads| {
                let kernel = Conv2d::with(isa, shape, Algorithm::Winograd).skipping(skipping);
                batch(isa, &kernel, &cases, threads)
            };
            let (all, some) = (of(false, 1), of(true, 3));
            assert_eq!((&all.y, &all.dx), (&some.y, &some.dx), "{isa}: {shape:?}");
            assert!(some.made <= all.made, "{isa}: {shape:?}");
            assert_eq!(some, of(true, 1), "{isa}: {shape:?}");
        }
    }
}
