use lenslet_kernels::{Kernels, Loss, Real, Target};

use crate::common::{Random, cases, narrow};
use crate::{Layer, check, compare, nothing};

const CLASSES: [usize; 4] = [1, 2, 16, 37];

#[derive(Debug)]
struct Softmax {
    rows: usize,
    classes: usize,
}

impl Layer<1, 1> for Softmax {
    fn operands(&self, random: &Random) -> [Vec<f64>; 1] {
        [random.normal(self.rows * self.classes)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [x]: [&[K::Real]; 1]) -> [Vec<K::Real>; 1] {
        let mut y = x.to_vec();
        kernels.softmax(self.classes, &mut y);
        [y]
    }
}

/// From outputs that need not be probabilities.
#[derive(Debug)]
struct SoftmaxBackward {
    rows: usize,
    classes: usize,
}

impl Layer<2, 1> for SoftmaxBackward {
    fn operands(&self, random: &Random) -> [Vec<f64>; 2] {
        [(); 2].map(|()| random.normal(self.rows * self.classes))
    }

    fn run<K: Kernels>(&self, kernels: &K, [y, dy]: [&[K::Real]; 2]) -> [Vec<K::Real>; 1] {
        let mut dx = dy.to_vec();
        kernels.softmax_backward(self.classes, y, &mut dx);
        [dx]
    }
}

#[test]
fn softmax() {
    for classes in CLASSES {
        for rows in [1, 3] {
            check(&Softmax { rows, classes });
            check(&SoftmaxBackward { rows, classes });
        }
    }
}

/// With the first class, or with the last.
#[derive(Debug)]
struct SoftmaxCrossEntropy {
    classes: usize,
    label: usize,
}

impl Layer<1, 3> for SoftmaxCrossEntropy {
    fn operands(&self, random: &Random) -> [Vec<f64>; 1] {
        [random.normal(self.classes)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [z]: [&[K::Real]; 1]) -> [Vec<K::Real>; 3] {
        let (mut p, mut dz) = (z.to_vec(), nothing(z.len()));
        let loss = kernels.softmax_cross_entropy(&mut p, self.label);
        let half = K::Real::from_f64(0.5);
        kernels.softmax_cross_entropy_backward(&p, self.label, half, &mut dz);
        [vec![loss], p, dz]
    }
}

#[test]
fn softmax_and_cross_entropy_in_one() {
    for classes in CLASSES {
        for label in [0, classes - 1] {
            check(&SoftmaxCrossEntropy { classes, label });
        }
    }
}

/// Logits of which nothing overflows, for the largest is taken off first.
#[test]
fn logits_far_out() {
    for x in [88.0, 104.0, 1e4, 1e20, 1e38] {
        let x = f64::from(x as f32);
        for logits in [[x, 0.0, -x], [-x, -x, 0.0], [x, x, x], [-x, -x, -x]] {
            let logits = &[logits.to_vec()];
            compare(&Softmax { rows: 1, classes: 3 }, logits, &[]);
            for label in 0..3 {
                compare(&SoftmaxCrossEntropy { classes: 3, label }, logits, &[]);
            }
            for loss in cases::losses().filter(|loss| loss.from_logits) {
                compare(&LossOf { loss, classes: 3, class: true }, logits, &[]);
            }
        }
    }
}

#[derive(Debug)]
struct LossOf {
    loss: Loss,
    classes: usize,
    /// The last class, or a number for each.
    class: bool,
}

impl Layer<1, 3> for LossOf {
    /// What probabilities are clipped to is 1 less 1.2e-7 or 1 less 1e-7.
    const TOLERANCE: f64 = 2e-2;

    fn operands(&self, random: &Random) -> [Vec<f64>; 1] {
        let shares = random.normal(self.classes).into_iter().map(|x| x.abs().clamp(0.05, 0.95));
        [shares.map(|x| f64::from(x as f32)).collect()]
    }

    fn run<K: Kernels>(&self, kernels: &K, [y]: [&[K::Real]; 1]) -> [Vec<K::Real>; 3] {
        let [targets] = self.operands(&Random::new(2)).map(|x| narrow(&x));
        let target = match self.class {
            true => Target::Class(self.classes - 1),
            false => Target::Numbers(&targets),
        };
        let (mut y, mut dy) = (y.to_vec(), nothing(y.len()));
        let value = kernels.loss(self.loss, &mut y, target);
        kernels.loss_backward(self.loss, &y, target, K::Real::from_f64(0.5), &mut dy);
        [vec![value], y, dy]
    }
}

#[test]
fn losses() {
    for loss in cases::losses() {
        for classes in CLASSES {
            [false, true].into_iter().for_each(|class| check(&LossOf { loss, classes, class }));
        }
    }
}
