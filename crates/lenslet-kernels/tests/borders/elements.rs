use lenslet_kernels::{Activation, Kernels, Real, Reference, Stream, Team};

use crate::common::Random;
use crate::common::cases;
use crate::{Layer, check, compare, nothing};

/// One, and some more than vectors.
const LENGTHS: [usize; 3] = [1, 16, 37];

#[derive(Debug)]
struct Activate(Activation, usize);

impl Layer<1, 1> for Activate {
    fn operands(&self, random: &Random) -> [Vec<f64>; 1] {
        [random.normal(self.1)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [x]: [&[K::Real]; 1]) -> [Vec<K::Real>; 1] {
        let mut y = x.to_vec();
        kernels.activate(self.0, &mut y);
        [y]
    }
}

/// From the output, which is what `f32` makes of it, or from the input where the function needs that.
#[derive(Debug)]
struct ActivateBackward(Activation, usize);

impl Layer<2, 1> for ActivateBackward {
    fn operands(&self, random: &Random) -> [Vec<f64>; 2] {
        [random.normal(self.1), random.normal(self.1)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, dy]: [&[K::Real]; 2]) -> [Vec<K::Real>; 1] {
        let mut dx = dy.to_vec();
        if self.0.needs_input() {
            kernels.activate_backward_from_input(self.0, x, &mut dx);
        } else {
            let mut y: Vec<f32> = x.iter().map(|x| x.to_f64() as f32).collect();
            Reference::<f32>::new().activate(self.0, &mut y);
            let y: Vec<_> = y.into_iter().map(|y| K::Real::from_f64(f64::from(y))).collect();
            kernels.activate_backward(self.0, &y, &mut dx);
        }
        [dx]
    }
}

#[test]
fn activations() {
    for f in cases::ACTIVATIONS {
        for n in LENGTHS {
            check(&Activate(f, n));
            check(&ActivateBackward(f, n));
        }
    }
}

/// Corners of the functions, and numbers at which they are flat or their parts overflow; one by one,
/// for tolerances are relative to the largest.
#[test]
fn activations_far_out() {
    let sizes = [0.0, 1e-45, 1e-38, 0.5, 1.0, 3.0, 6.0, 20.0, 88.7, 89.0, 104.0, 1e4, 1e13, 1e20];
    for f in cases::ACTIVATIONS {
        for x in sizes.into_iter().chain([f64::from(f32::MAX)]).flat_map(|x| [x, -x]) {
            let x = f64::from(x as f32);
            compare(&Activate(f, 1), &[vec![x]], &[]);
            compare(&ActivateBackward(f, 1), &[vec![x], vec![0.75]], &[]);
        }
    }
}

/// What takes two numbers for each.
#[derive(Debug)]
struct Pairs(usize);

impl Layer<2, 4> for Pairs {
    fn operands(&self, random: &Random) -> [Vec<f64>; 2] {
        [random.normal(self.0), random.normal(self.0)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, y]: [&[K::Real]; 2]) -> [Vec<K::Real>; 4] {
        let [mut sum, mut product, mut combined, mut penalised] = [(); 4].map(|()| y.to_vec());
        kernels.add(x, &mut sum);
        kernels.multiply(x, &mut product);
        kernels.combine(&Team::new(1), 0.5, x, -2.0, &mut combined);
        kernels.penalty_backward(0.1, 0.2, 0.5, x, &mut penalised);
        [sum, product, combined, penalised]
    }
}

#[test]
fn sums_and_products() {
    LENGTHS.into_iter().for_each(|n| check(&Pairs(n)));
}

#[derive(Debug)]
struct Dropout(usize);

impl Layer<1, 1> for Dropout {
    fn operands(&self, random: &Random) -> [Vec<f64>; 1] {
        [random.normal(self.0)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [x]: [&[K::Real]; 1]) -> [Vec<K::Real>; 1] {
        let mut y = x.to_vec();
        kernels.dropout(Stream::new(1, 2, 3), 0, 0.5, &mut y);
        [y]
    }
}

#[test]
fn dropout() {
    LENGTHS.into_iter().for_each(|n| check(&Dropout(n)));
}

/// Parts of so many numbers.
#[derive(Debug)]
struct SumParts(usize, usize);

impl Layer<1, 1> for SumParts {
    fn operands(&self, random: &Random) -> [Vec<f64>; 1] {
        [random.normal(self.0 * self.1)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [x]: [&[K::Real]; 1]) -> [Vec<K::Real>; 1] {
        let (mut parts, mut sum) = (x.to_vec(), nothing(self.1));
        kernels.sum_parts(&Team::new(1), &mut parts, &mut sum);
        [sum]
    }
}

#[test]
fn sums_of_parts() {
    for n in LENGTHS {
        [1, 2, 5].into_iter().for_each(|parts| check(&SumParts(parts, n)));
    }
}
