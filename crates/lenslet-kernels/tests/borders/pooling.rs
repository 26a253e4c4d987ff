use lenslet_kernels::{Kernels, Pool2dShape};

use crate::common::Random;
use crate::{Layer, check, nothing, numbers, windows};

fn each_shape(mut test: impl FnMut(Pool2dShape)) {
    for (height, width) in windows() {
        for channels in [1, 17] {
            test(Pool2dShape { height, width, channels });
        }
    }
}

fn operands(shape: &Pool2dShape, random: &Random) -> [Vec<f64>; 2] {
    [random.normal(shape.input_len()), random.normal(shape.output_len())]
}

#[derive(Debug)]
struct MaxPool(Pool2dShape);

impl Layer<2, 3> for MaxPool {
    const TOLERANCE: f64 = 1e-6;

    fn operands(&self, random: &Random) -> [Vec<f64>; 2] {
        operands(&self.0, random)
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, dy]: [&[K::Real]; 2]) -> [Vec<K::Real>; 3] {
        let (mut y, mut dx) = (nothing(dy.len()), nothing(x.len()));
        let mut argmax = vec![7; dy.len()];
        kernels.max_pool_forward(&self.0, x, &mut y, &mut argmax);
        kernels.max_pool_backward(dy, &argmax, &mut dx);
        [y, numbers(&argmax), dx]
    }
}

#[test]
fn max_pool() {
    each_shape(|shape| check(&MaxPool(shape)));
}

#[derive(Debug)]
struct AveragePool(Pool2dShape);

impl Layer<2, 2> for AveragePool {
    fn operands(&self, random: &Random) -> [Vec<f64>; 2] {
        operands(&self.0, random)
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, dy]: [&[K::Real]; 2]) -> [Vec<K::Real>; 2] {
        let (mut y, mut dx) = (nothing(dy.len()), nothing(x.len()));
        kernels.average_pool_forward(&self.0, x, &mut y);
        kernels.average_pool_backward(&self.0, dy, &mut dx);
        [y, dx]
    }
}

#[test]
fn average_pool() {
    each_shape(|shape| check(&AveragePool(shape)));
}

#[derive(Debug)]
struct SumPool(Pool2dShape);

impl Layer<2, 2> for SumPool {
    fn operands(&self, random: &Random) -> [Vec<f64>; 2] {
        operands(&self.0, random)
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, dy]: [&[K::Real]; 2]) -> [Vec<K::Real>; 2] {
        let (mut y, mut dx) = (nothing(dy.len()), nothing(x.len()));
        kernels.sum_pool_forward(&self.0, x, &mut y);
        kernels.sum_pool_backward(&self.0, dy, &mut dx);
        [y, dx]
    }
}

#[test]
fn sum_pool() {
    each_shape(|shape| check(&SumPool(shape)));
}
