//! The engine as everybody runs it against its own oracle, and against itself on other threads.

mod common;

use common::{Dice, LAYERS, around, cross_entropy, isa};
use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::{Isa, Reference};
use lenslet_model::layers::{Conv2D, Dense, Dropout, Flatten, MaxPool2D};
use lenslet_model::{Activation, Adam, Optimizer, Padding, SGD, Sequential, cnn};

fn fast(model: &Sequential, optimizer: Optimizer, threads: usize, isa: Isa) -> Cpu {
    let options = Options { threads, isa: Some(isa), seed: 7, exact: false };
    Cpu::new(model.build().unwrap(), cross_entropy().into(), optimizer, options).unwrap()
}

fn oracle(model: &Sequential, optimizer: Optimizer) -> Cpu<Reference<f64>> {
    let options = Options { threads: 1, seed: 7, ..Options::default() };
    let network = model.build().unwrap();
    Cpu::with_kernels(Reference::new(), network, cross_entropy().into(), optimizer, options)
        .unwrap()
}

/// Largest difference, relative to the largest number.
fn difference(fast: &[f32], oracle: &[f64]) -> f64 {
    let largest = oracle.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    let pairs = fast.iter().zip(oracle);
    pairs.map(|(&a, &b)| (f64::from(a) - b).abs()).fold(0.0, f64::max) / largest
}

#[test]
fn losses_gradients_and_outputs_are_the_oracles() {
    for isa in Isa::available() {
        for (i, (name, make)) in LAYERS.into_iter().enumerate() {
            for case in 0..40 {
                let d = &mut Dice::new(300 + i as u32, case);
                let Some(model) = around(make, d, 4) else { continue };
                let batch = d.between(1, 5);
                let pixels = d.bytes(batch * model.input.elements());
                let labels = d.labels(batch, 4);
                let mut a = fast(&model, Adam::default().into(), 2, isa);
                let mut b = oracle(&model, Adam::default().into());
                let (x, y) = (
                    a.gradients_of(&pixels, &labels).unwrap(),
                    b.gradients_of(&pixels, &labels).unwrap(),
                );
                let loss = (x.loss - y.loss).abs() / y.loss.abs().max(1.0);
                assert!(loss < 1e-5, "{isa} {name} {case}: loss {} {}", x.loss, y.loss);
                let gradient = difference(a.gradients(), b.gradients());
                assert!(gradient < 1e-4, "{isa} {name} {case}: gradient off by {gradient}");
                let (mut p, mut q) = (Vec::new(), Vec::new());
                a.predict(&pixels, batch, &mut p).unwrap();
                b.predict(&pixels, batch, &mut q).unwrap();
                let q: Vec<f64> = q.into_iter().map(f64::from).collect();
                let output = difference(&p, &q);
                assert!(output < 1e-5, "{isa} {name} {case}: outputs off by {output}");
            }
        }
    }
}

#[test]
fn a_hundred_steps_stay_with_the_oracle() {
    let model = Sequential::new((12, 10, 3))
        .add(Conv2D::new(9, 3).padding(Padding::Same).activation(Activation::Relu))
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.5))
        .add(Flatten::new())
        .add(Dense::new(20).activation(Activation::Elu { alpha: 0.5 }))
        .add(Dense::new(4).activation(Activation::Softmax));
    let optimizers: [Optimizer; 4] = [
        Adam::default().into(),
        SGD::new(0.05).into(),
        SGD::new(0.02).momentum(0.9).into(),
        SGD::new(0.02).momentum(0.9).nesterov().into(),
    ];
    for optimizer in optimizers {
        let mut a = fast(&model, optimizer, 2, isa());
        let mut b = oracle(&model, optimizer);
        for step in 0..100 {
            let d = &mut Dice::new(400, step);
            let (pixels, labels) = (d.bytes(6 * 360), d.labels(6, 4));
            let (x, y) =
                (a.train_step(&pixels, &labels).unwrap(), b.train_step(&pixels, &labels).unwrap());
            let loss = (x.loss - y.loss).abs() / y.loss;
            assert!(loss < 1e-2, "{optimizer:?} step {step}: {} {}", x.loss, y.loss);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let model = cnn((16, 16, 3), 10);
    let train = |threads: usize, isa: Isa| {
        let mut engine = fast(&model, Adam::default().into(), threads, isa);
        // The last batch is short, as at the end of an epoch.
        for (step, batch) in [10, 10, 37, 10, 3].into_iter().enumerate() {
            let d = &mut Dice::new(500, step as u64);
            engine.train_step(&d.bytes(batch * 768), &d.labels(batch, 10)).unwrap();
        }
        engine.parameters().iter().map(|p| p.to_bits()).collect::<Vec<_>>()
    };
    for isa in Isa::available() {
        let one = train(1, isa);
        for threads in [2, 3, 4, 8, 16] {
            assert!(train(threads, isa) == one, "{threads} threads on {isa}");
        }
    }
}

#[test]
fn batches_that_came_before_leave_no_trace() {
    let model = cnn((8, 8, 3), 10);
    let step = |before: &[usize]| {
        let mut engine = fast(&model, Adam::default().into(), 2, isa());
        for &batch in before {
            let d = &mut Dice::new(700, batch as u64);
            engine.gradients_of(&d.bytes(batch * 192), &d.labels(batch, 10)).unwrap();
        }
        let d = &mut Dice::new(701, 0);
        engine.gradients_of(&d.bytes(60 * 192), &d.labels(60, 10)).unwrap();
        engine.gradients().iter().map(|g| g.to_bits()).collect::<Vec<_>>()
    };
    let alone = step(&[]);
    assert!(step(&[1]) == alone);
    assert!(step(&[200, 3]) == alone);
}

#[test]
fn an_empty_batch_changes_nothing() {
    let mut engine = fast(&cnn((8, 8, 3), 3), Adam::default().into(), 2, isa());
    let before = engine.state();
    assert_eq!(engine.train_step(&[], &[]).unwrap().samples, 0);
    assert_eq!(engine.evaluate(&[], &[]).unwrap().samples, 0);
    let mut outputs = vec![1.0];
    engine.predict(&[], 0, &mut outputs).unwrap();
    assert!(outputs.is_empty() && engine.state() == before);
}

#[test]
fn a_state_goes_on_where_it_was_saved() {
    let model = cnn((8, 8, 3), 3);
    let batch = |step| {
        let d = &mut Dice::new(600, step);
        (d.bytes(4 * 192), d.labels(4, 3))
    };
    let new = || fast(&model, Adam::default().into(), 2, isa());
    let (mut whole, mut first, mut second) = (new(), new(), new());
    for step in 0..6 {
        let (pixels, labels) = batch(step);
        whole.train_step(&pixels, &labels).unwrap();
        if step < 3 {
            first.train_step(&pixels, &labels).unwrap();
        }
    }
    second.load_state(&first.state()).unwrap();
    for step in 3..6 {
        let (pixels, labels) = batch(step);
        second.train_step(&pixels, &labels).unwrap();
    }
    assert!(second.state() == whole.state());
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let model = cnn((8, 8, 3), 3);
    let mut engine = fast(&model, Adam::default().into(), 1, isa());
    let pixels = vec![0; 192];
    let message = engine.train_step(&pixels[..191], &[0]).unwrap_err().to_string();
    assert!(message.contains("192 bytes each") && message.contains("191 bytes"), "{message}");
    let message = engine.train_step(&pixels, &[3]).unwrap_err().to_string();
    assert!(message.contains("label 3 is out of range"), "{message}");
    let other = fast(&cnn((8, 8, 3), 4), Adam::default().into(), 1, isa());
    let message = engine.load_state(&other.state()).unwrap_err().to_string();
    assert!(message.contains("load it into the model"), "{message}");
}
