//! A rectifier and a max-pool in one go with the convolution: the very bits of one after the other.

use lenslet_kernels::{
    Activation, Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Fast, Finish, GroupedConv2d,
    Isa, Kernels, MaxPool, Pool2dShape, Real, Reference, Team,
};

use crate::Case;
use crate::common::{Random, isas};
use crate::odd::Odd;

/// NaN is NaN, whatever else its bits say.
fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }.to_bits()).collect()
}

fn nan<R: Real>(len: usize) -> Vec<R> {
    vec![R::from_f64(f64::NAN); len]
}

/// The output, rectified or not: by the kernel, and behind it.
fn outputs<K: Kernels>(
    kernels: &K,
    kernel: &impl Conv2dKernel<K::Real>,
    case: &Case<K::Real>,
    rectify: bool,
) -> [Vec<K::Real>; 2] {
    let mut packed = nan(kernel.packed_len());
    kernel.pack(&Team::new(1), &case.w, &mut packed, false);
    let mut scratch = nan(kernel.forward_scratch_len());
    let [mut plain, mut y] = [nan(kernel.shape().output_len()), nan(kernel.shape().output_len())];
    kernel.forward(&case.x, &packed, &case.bias, &mut plain, &mut scratch);
    if rectify {
        kernels.activate(Activation::Relu, &mut plain);
    }
    let (finish, mut rows) = (Finish { bias: &case.bias, rectify }, 0);
    kernel.forward_rows(&case.x, &packed, finish, &mut y, &mut scratch, &mut |some, _| {
        assert_eq!(some.start, rows);
        rows = some.end;
    });
    assert_eq!(rows, kernel.shape().height.output);
    [plain, y]
}

/// The pool behind `map` by itself, and behind the convolution if that can take it: outputs and where they
/// are from.
fn pooled(
    isa: Isa,
    kernel: &Conv2d,
    case: &Case<f32>,
    pool: &Pool2dShape,
    (map, rectify): (&[f32], bool),
) -> Option<[(Vec<u32>, Vec<u32>); 2]> {
    let room = || (nan(pool.output_len()), vec![7; pool.output_len()]);
    let [mut apart, mut together] = [room(), room()];
    Fast::new(isa).max_pool_forward(pool, map, &mut apart.0, &mut apart.1);
    let (mut packed, mut scratch) = (nan(kernel.packed_len()), nan(kernel.forward_scratch_len()));
    kernel.pack(&Team::new(1), &case.w, &mut packed, false);
    let (finish, mut y) = (Finish { bias: &case.bias, rectify }, nan(map.len()));
    let to = MaxPool { shape: pool, y: &mut together.0, argmax: &mut together.1 };
    let did = kernel.forward_pooled(&case.x, &packed, finish, &mut y, to, &mut scratch);
    did.map(|_| [apart, together].map(|(y, argmax)| (bits(&y), argmax)))
}

fn halves(shape: &Conv2dShape) -> Option<Pool2dShape> {
    let half = |axis: &Axis| Axis::valid(axis.output, 2, 2, 1);
    let channels = shape.out_channels;
    Some(Pool2dShape { height: half(&shape.height)?, width: half(&shape.width)?, channels })
}

/// 3x3 windows, one by one, of a map of any size.
fn shape(random: &Random) -> Conv2dShape {
    let axis = || {
        let make = random.pick(&[Axis::same, Axis::valid]);
        make(random.size(4, 22), 3, 1, 1).unwrap()
    };
    let [height, width] = [axis(), axis()];
    Conv2dShape { height, width, in_channels: random.size(1, 40), out_channels: random.size(1, 70) }
}

#[test]
fn the_bits_of_one_after_the_other() {
    let random = Random::new(71);
    for number in 0..60 {
        let shape = shape(&random);
        let mut case = Case::random(&random, &shape);
        match number % 4 {
            // Ties: nothing is above zero, or all of a channel is the same.
            1 => case.bias.iter_mut().for_each(|b| *b -= 1e3),
            2 => random.pick(&Odd::ALL).spoil(&random, &mut case),
            3 => {
                let odd = random.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
                case.bias.iter_mut().step_by(3).for_each(|b| *b = odd);
            }
            _ => {}
        }
        let case = case.narrow();
        for isa in isas() {
            for algorithm in [Algorithm::Winograd, Algorithm::Direct] {
                for rectify in [true, false] {
                    let kernel = Conv2d::with(isa, shape, algorithm);
                    let [plain, y] = outputs(&Fast::new(isa), &kernel, &case, rectify);
                    let what = format!("{number}: {isa}, {algorithm:?}, {rectify}, {shape:?}");
                    assert!(bits(&plain) == bits(&y), "{what}");
                    let Some(pool) = halves(&shape) else { continue };
                    match pooled(isa, &kernel, &case, &pool, (&plain, rectify)) {
                        Some([apart, together]) => assert!(apart == together, "{what}"),
                        None => assert_eq!(algorithm, Algorithm::Direct, "{what}"),
                    }
                }
            }
        }
    }
}

#[test]
fn other_pools_come_afterwards() {
    let random = Random::new(72);
    let axis = Axis::same(9, 3, 1, 1).unwrap();
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 16, out_channels: 16 };
    let case = Case::random(&random, &shape).narrow();
    let pools = [
        Axis::valid(9, 3, 3, 1),
        Axis::valid(9, 2, 1, 1),
        Axis::valid(9, 2, 2, 2),
        Axis::same(9, 2, 2, 1),
        Axis::same(9, 3, 2, 1),
    ];
    for pool in pools.map(Option::unwrap) {
        for [height, width] in [[pool, Axis::valid(9, 2, 2, 1).unwrap()], [pool, pool]] {
            for isa in isas() {
                let kernel = Conv2d::with(isa, shape, Algorithm::Winograd);
                let [plain, _] = outputs(&Fast::new(isa), &kernel, &case, true);
                let pool = Pool2dShape { height, width, channels: 16 };
                assert_eq!(pooled(isa, &kernel, &case, &pool, (&plain, true)), None, "{pool:?}");
            }
        }
    }
}

#[test]
fn every_convolution_rectifies() {
    let random = Random::new(73);
    for _ in 0..60 {
        let (one, groups) = (random.conv(9, 20), random.size(1, 3));
        let shape = Conv2dShape {
            in_channels: one.in_channels * groups,
            out_channels: one.out_channels * groups,
            ..one
        };
        let case =
            Case { w: random.normal(one.weights_len() * groups), ..Case::random(&random, &shape) };
        let kernels = Reference::<f64>::default();
        let kernel = GroupedConv2d::new(&kernels, shape, groups);
        let [plain, y] = outputs(&kernels, &kernel, &case, true);
        assert_eq!(plain, y, "{shape:?}");
        for kernels in isas().into_iter().map(Fast::new) {
            let kernel = GroupedConv2d::new(&kernels, shape, groups);
            let [plain, y] = outputs(&kernels, &kernel, &case.narrow(), true);
            assert!(bits(&plain) == bits(&y), "{shape:?}");
        }
    }
}
