//! Softmax and the losses.

use lenslet_kernels::{Kernels, Target};

use crate::common::cases;
use crate::guarded::Guarded;
use crate::{Bench, each_kernel};

/// The lengths of rows that are not empty.
fn classes() -> impl Iterator<Item = usize> {
    Bench::LENGTHS.into_iter().filter(|&classes| classes > 0)
}

#[test]
fn softmax() {
    each_kernel(|fast, bench| {
        for (classes, rows) in classes().flat_map(|classes| [(classes, 1), (classes, 3)]) {
            let mut y = bench.numbers(rows * classes);
            fast.softmax(classes, &mut y);
            let mut dy = bench.numbers(y.len());
            fast.softmax_backward(classes, &y, &mut dy);
            bench.keep(&y);
            bench.keep(&dy);
        }
    });
}

#[test]
fn softmax_and_cross_entropy_in_one() {
    each_kernel(|fast, bench| {
        for classes in classes() {
            let (mut p, mut dz) = (bench.numbers(classes), bench.nothing(classes));
            let loss = fast.softmax_cross_entropy(&mut p, classes - 1);
            fast.softmax_cross_entropy_backward(&p, classes - 1, 0.5, &mut dz);
            bench.keep(&dz);
            bench.keep(&[loss]);
        }
    });
}

/// Numbers between 0 and 1.
fn shares(bench: &Bench, n: usize) -> Guarded<f32> {
    let mut numbers = bench.numbers(n);
    numbers.iter_mut().for_each(|x| *x = x.abs().min(1.0));
    numbers
}

#[test]
fn losses() {
    each_kernel(|fast, bench| {
        for (classes, loss) in classes().flat_map(|n| cases::losses().map(move |loss| (n, loss))) {
            let targets = shares(bench, classes);
            for target in [Target::Class(classes - 1), Target::Numbers(&targets)] {
                let (mut y, mut dy) = (shares(bench, classes), bench.nothing(classes));
                let value = fast.loss(loss, &mut y, target);
                fast.loss_backward(loss, &y, target, 0.5, &mut dy);
                bench.keep(&dy);
                bench.keep(&[value]);
            }
        }
    });
}
