//! Kernels that go over elements, whatever these are.

use lenslet_kernels::{
    Activation, AdamStep, Formula, Kernels, LambStep, LionStep, Loss, MOMENTS, Rule, SgdStep,
    Stream, Target, Update,
};

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
    let formula = Formula::SparseCategorical;
    let loss = Loss { formula, from_logits: false, label_smoothing: 0.0 };
    each_kernel(|fast, bench| {
        for classes in Bench::LENGTHS.into_iter().filter(|&classes| classes > 0) {
            let (mut p, mut dz) = (bench.numbers(classes), bench.nothing(classes));
            let label = classes - 1;
            let with_softmax = fast.softmax_cross_entropy(&mut p, label);
            fast.softmax_cross_entropy_backward(&p, label, 0.5, &mut dz);
            bench.keep(&dz);
            let alone = fast.loss(loss, &mut p, Target::Class(label));
            fast.loss_backward(loss, &p, Target::Class(label), 0.5, &mut dz);
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
    let adam = AdamStep { alpha: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: true };
    let sgd = SgdStep { learning_rate: 0.1, momentum: 0.9, nesterov: true };
    let plain = Update::from(Rule::Adam(adam));
    let updates = [
        plain,
        Update { clip: 0.1, decay: 0.01, average: Some(0.9), ..plain },
        Rule::Sgd(sgd).into(),
        Rule::Lion(LionStep { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.99 }).into(),
    ];
    let lamb = LambStep { by_m: 1.0, by_v: 1.0, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
    each_kernel(|fast, bench| {
        // The last one is more than one task.
        for n in Bench::LENGTHS.into_iter().chain([16 * 1024 + 5]) {
            let mut numbers = [(); 6].map(|()| bench.numbers(n));
            let [p, g, moments @ ..] = &mut numbers;
            moments[1].iter_mut().for_each(|v| *v *= *v);
            for update in updates {
                fast.update(
                    &bench.team,
                    update,
                    p,
                    g,
                    moments.each_mut().map(|moment| &mut moment[..]),
                );
            }
            let none = [(); MOMENTS].map(|()| &mut [][..]);
            fast.update(&bench.team, Rule::Sgd(SgdStep::plain(0.1)).into(), p, g, none);
            let [m, v, ..] = moments;
            fast.lamb_direction(&bench.team, lamb, g, m, v);
            fast.sum_of_squares(&bench.team, g);
            fast.combine(&bench.team, 0.5, g, 0.5, m);
            fast.limit(&bench.team, 0.5, 1.0, g);
            numbers.iter().for_each(|numbers| bench.keep(numbers));
        }
    });
}
