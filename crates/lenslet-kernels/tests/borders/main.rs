//! The fast kernels at their borders against the specification in `f64`, on every instruction set
//! here: the smallest shapes, windows and strides larger than the map, operands that are zero or
//! almost, and a NaN or an infinity in each of them, also where it meets zeros.

mod channels;
#[path = "../common/mod.rs"]
mod common;
mod convolution;
mod dense;
mod elements;
mod losses;
mod optimizers;
mod pooling;

use std::fmt::Debug;

use common::compare::assert_close;
use common::{Random, isas, narrow};
use lenslet_kernels::{Axis, Fast, Kernels, Real, Reference};

/// Some kernels, as a function from operands to results.
trait Layer<const IN: usize, const OUT: usize>: Debug {
    /// What rounding may change, as a share of the largest result.
    const TOLERANCE: f64 = 1e-5;

    /// Ordinary operands, none of them empty.
    fn operands(&self, random: &Random) -> [Vec<f64>; IN];

    fn run<K: Kernels>(&self, kernels: &K, operands: [&[K::Real]; IN]) -> [Vec<K::Real>; OUT];
}

/// What is done to an operand.
#[derive(Clone, Copy, Debug)]
enum Change {
    Zero,
    AlmostZero,
    Odd(f64),
}

impl Change {
    const ZEROS: [Self; 2] = [Self::Zero, Self::AlmostZero];
    const ODD: [Self; 3] =
        [Self::Odd(f64::NAN), Self::Odd(f64::INFINITY), Self::Odd(f64::NEG_INFINITY)];

    fn apply(self, random: &Random, operand: &mut [f64]) {
        let last = operand.len() - 1;
        let at = random.pick(&[0, last, random.size(0, last)]);
        let one = operand[at];
        match self {
            Self::Zero => operand.fill(0.0),
            Self::AlmostZero => {
                operand.fill(0.0);
                operand[at] = one;
            }
            Self::Odd(odd) => operand[at] = odd,
        }
    }
}

/// The changes to compare with: none, zeros in one operand, and something odd in one with and
/// without zeros in another.
fn all_changes(operands: usize) -> Vec<Vec<(usize, Change)>> {
    let mut all = vec![vec![]];
    for i in 0..operands {
        all.extend(Change::ZEROS.map(|zeros| vec![(i, zeros)]));
        for odd in Change::ODD.map(|odd| (i, odd)) {
            all.push(vec![odd]);
            for j in (0..operands).filter(|&j| j != i) {
                all.extend(Change::ZEROS.map(|zeros| vec![odd, (j, zeros)]));
            }
        }
    }
    all
}

/// Compares a layer with the specification.
#[track_caller]
fn check<const IN: usize, const OUT: usize>(layer: &impl Layer<IN, OUT>) {
    let random = Random::new(1);
    let ordinary = layer.operands(&random);
    for changes in all_changes(IN) {
        let mut operands = ordinary.clone();
        changes.iter().for_each(|&(i, change)| change.apply(&random, &mut operands[i]));
        compare(layer, &operands, &changes);
    }
}

#[track_caller]
fn compare<const IN: usize, const OUT: usize>(
    layer: &impl Layer<IN, OUT>,
    operands: &[Vec<f64>; IN],
    changes: &[(usize, Change)],
) {
    let expected = layer.run(&Reference::<f64>::new(), operands.each_ref().map(|x| &x[..]));
    let operands = operands.each_ref().map(|x| narrow(x));
    for isa in isas() {
        for (mode, fast) in [("", Fast::new(isa)), (", exact", Fast::exact(isa))] {
            let results = layer.run(&fast, operands.each_ref().map(|x| &x[..]));
            for (i, (got, expected)) in results.iter().zip(&expected).enumerate() {
                let what = format_args!("{layer:?}, {isa}{mode}, {changes:?}, result {i}");
                assert_close(what, got, expected, tolerance_of(layer));
            }
        }
    }
}

fn tolerance_of<const IN: usize, const OUT: usize, L: Layer<IN, OUT>>(_: &L) -> f64 {
    L::TOLERANCE
}

/// What a kernel must write before it reads.
fn nothing<R: Real>(n: usize) -> Vec<R> {
    vec![R::from_f64(f64::NAN); n]
}

/// What a kernel adds to.
fn ones<R: Real>(n: usize) -> Vec<R> {
    vec![R::ONE; n]
}

/// What an optimiser keeps that is a mean of squares: never negative.
fn squares<R: Real>(x: &[R]) -> Vec<R> {
    x.iter().map(|&x| x * x).collect()
}

/// Indices to compare as if they were numbers.
fn numbers<R: Real>(indices: &[u32]) -> Vec<R> {
    indices.iter().map(|&i| R::from_f64(f64::from(i))).collect()
}

/// Windows at borders, with their names; each with an ordinary one, both ways, and with itself.
fn windows() -> impl Iterator<Item = (Axis, Axis)> {
    let (valid, same) = (Axis::valid, Axis::same);
    let ordinary = same(9, 3, 1, 1).expect("it fits");
    // Windows that hold nothing but padding, at both ends.
    let padding = Axis { input: 2, output: 7, window: 2, stride: 1, dilation: 1, pad_before: 4 };
    let borders = [
        // One row; of one pixel, of a window of three.
        same(1, 1, 1, 1),
        same(1, 3, 1, 1),
        // The whole map, and more than that.
        valid(4, 4, 1, 1),
        same(2, 7, 1, 1),
        same(3, 7, 2, 1),
        // Strides larger than the map, and than the window.
        same(3, 2, 5, 1),
        valid(3, 2, 5, 1),
        valid(8, 2, 3, 1),
        // Taps on both sides of the map alone.
        same(2, 2, 1, 5),
        Some(padding),
        Some(ordinary),
    ];
    borders
        .into_iter()
        .flatten()
        .flat_map(move |axis| [(axis, ordinary), (ordinary, axis), (axis, axis)])
}
