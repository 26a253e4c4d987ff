//! Kernels that go over elements, whatever these are.

use lenslet_kernels::{Activation, AdamStep, Kernels, Rule, SgdStep, Stream};

use crate::guarded::Guarded;
use crate::{Bench, each_kernel};

#[test]
fn bytes() {
    each_kernel(|fast, bench| {
        for n in Bench::LENGTHS {
            let bytes: Vec<u8> = (0..n).map(|i| i as u8).collect();
            let mut y = bench.nothing(n);
            fast.load_bytes(&Guarded::new(bench.guard, &bytes), 1.0 / 255.0, &mut y);
            bench.keep(&y);
        }
    });
}

#[test]
fn activations() {
    let all = [
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Relu,
        Activation::LeakyRelu { negative_slope: 0.3 },
        Activation::Elu { alpha: 0.5 },
    ];
    each_kernel(|fast, bench| {
        for (n, f) in Bench::LENGTHS.into_iter().flat_map(|n| all.map(|f| (n, f))) {
            let (mut y, mut dy) = (bench.numbers(n), bench.numbers(n));
            fast.activate(f, &mut y);
            fast.activate_backward(f, &y, &mut dy);
            bench.keep(&y);
            bench.keep(&dy);
        }
    });
}

#[test]
fn dropout() {
    each_kernel(|fast, bench| {
        for n in Bench::LENGTHS {
            let mut x = bench.numbers(n);
            fast.dropout(Stream::new(1, 2, 3), 4, 0.4, &mut x);
            bench.keep(&x);
        }
    });
}

#[test]
fn maxout() {
    each_kernel(|fast, bench| {
        for units in Bench::LENGTHS.into_iter().filter(|&units| units > 0) {
            for (rows, pieces) in [(1, 1), (2, 3), (3, 2)] {
                let (z, n) = (bench.numbers(rows * pieces * units), rows * units);
                let (mut y, mut argmax) = (bench.nothing(n), bench.indices(n));
                fast.max_pieces_forward(pieces, units, &z, &mut y, &mut argmax);
                let (dy, mut dz) = (bench.numbers(n), bench.nothing(z.len()));
                fast.max_pieces_backward(pieces, units, &dy, &argmax, &mut dz);
                bench.keep(&y);
                bench.keep(&dz);
            }
        }
    });
}

#[test]
fn softmax() {
    each_kernel(|fast, bench| {
        for classes in Bench::LENGTHS.into_iter().filter(|&classes| classes > 0) {
            for rows in [1, 3] {
                let mut y = bench.numbers(rows * classes);
                fast.softmax(classes, &mut y);
                let mut dy = bench.numbers(y.len());
                fast.softmax_backward(classes, &y, &mut dy);
                bench.keep(&y);
                bench.keep(&dy);
            }
        }
    });
}

#[test]
fn cross_entropy() {
    each_kernel(|fast, bench| {
        for classes in Bench::LENGTHS.into_iter().filter(|&classes| classes > 0) {
            let (mut p, mut dz) = (bench.numbers(classes), bench.nothing(classes));
            let label = classes - 1;
            let with_softmax = fast.softmax_cross_entropy(&mut p, label);
            fast.softmax_cross_entropy_backward(&p, label, 0.5, &mut dz);
            bench.keep(&dz);
            let alone = fast.cross_entropy(&p, label);
            fast.cross_entropy_backward(&p, label, 0.5, &mut dz);
            bench.keep(&dz);
            bench.keep(&[with_softmax, alone]);
        }
    });
}

#[test]
fn sum_of_parts() {
    each_kernel(|fast, bench| {
        for (len, count) in Bench::LENGTHS.into_iter().flat_map(|n| [0, 1, 2, 5].map(|c| (n, c))) {
            let (mut parts, mut out) = (bench.numbers(len * count), bench.nothing(len));
            if len > 0 {
                fast.sum_parts(&bench.team, &mut parts, &mut out);
            }
            bench.keep(&out);
        }
    });
}

#[test]
fn optimisers() {
    let sgd = SgdStep { learning_rate: 0.1, momentum: 0.0, nesterov: false };
    let rules = [
        Rule::Adam(AdamStep { alpha: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }),
        Rule::Sgd(SgdStep { momentum: 0.9, ..sgd }),
        Rule::Sgd(SgdStep { momentum: 0.9, nesterov: true, ..sgd }),
    ];
    each_kernel(|fast, bench| {
        // The last one is more than one task.
        for n in Bench::LENGTHS.into_iter().chain([16 * 1024 + 5]) {
            let (mut p, g) = (bench.numbers(n), bench.numbers(n));
            let (mut m, mut v) = (bench.numbers(n), bench.numbers(n));
            v.iter_mut().for_each(|v| *v *= *v);
            for rule in rules {
                fast.update(&bench.team, rule, &mut p, &g, [&mut m, &mut v]);
            }
            fast.update(&bench.team, Rule::Sgd(sgd), &mut p, &g, [&mut [], &mut []]);
            bench.keep(&p);
            bench.keep(&m);
            bench.keep(&v);
        }
    });
}
