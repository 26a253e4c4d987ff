//! The engine as everybody runs it against its own oracle, and against itself on other threads.

mod common;

use common::{Dice, LAYERS, around, cross_entropy, isa};
use lenslet_engine::{Cpu, Engine, Options, Targets};
use lenslet_kernels::{Isa, Reference};
use lenslet_model::layers::{Conv2D, Dense, Dropout, Flatten, MaxPool2D};
use lenslet_model::{
    Activation, Adagrad, Adam, AdamW, BinaryCrossentropy, Configure, CosineDecay, Graph, Input,
    Lamb, Lion, Loss, Muon, Nadam, Optimizer, Padding, RMSprop, SGD, Schedule, Sequential, add,
    cnn,
};

fn fast(model: &Sequential, optimizer: Optimizer, threads: usize, isa: Isa) -> Cpu {
    let options = Options { threads, isa: Some(isa), seed: 7, ..Options::default() };
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

/// Filters of so many channels that the whole batch goes through them at once, with and without what
/// adds to their input's gradient.
#[test]
fn convolutions_of_the_whole_batch_are_the_oracles() {
    let conv =
        |filters| Conv2D::new(filters, 3).padding(Padding::Same).activation(Activation::Relu);
    let x = Input::new((8, 8, 3));
    let first = x.apply(conv(64));
    let second = first.apply(conv(136)).apply(conv(64));
    let y = add([second, first]).apply(MaxPool2D::new(2)).apply(Flatten::new());
    let y = y.apply(Dense::new(4).activation(Activation::Softmax));
    let models = [
        Graph::new(&x, &y).unwrap(),
        Sequential::new((7, 9, 3))
            .add(conv(64).padding(Padding::Valid))
            .add(conv(136))
            .add(MaxPool2D::new(2))
            .add(Flatten::new())
            .add(Dense::new(4).activation(Activation::Softmax))
            .into(),
    ];
    for (isa, model) in Isa::available().flat_map(|isa| models.each_ref().map(|m| (isa, m))) {
        check_with_oracle(isa, model, 5);
    }
}

#[track_caller]
fn check_with_oracle(isa: Isa, model: &Graph, batch: usize) {
    let (options, loss) =
        (Options { threads: 2, isa: Some(isa), seed: 7, ..Options::default() }, cross_entropy());
    let adam = || Adam::default().into();
    let network = || model.build().unwrap();
    let mut a = Cpu::new(network(), loss.into(), adam(), options).unwrap();
    let mut b =
        Cpu::with_kernels(Reference::new(), network(), cross_entropy().into(), adam(), options)
            .unwrap();
    // A rounding moves a sum that is nearly zero to the rectifier's other side, once in a hundred
    // batches: the better of two counts.
    let gradient = [800, 801].map(|seed| {
        let d = &mut Dice::new(seed, batch as u64);
        let (pixels, labels) = (d.bytes(batch * model.input.elements()), d.labels(batch, 4));
        a.gradients_of(&pixels, &labels).unwrap();
        b.gradients_of(&pixels, &labels).unwrap();
        difference(a.gradients(), b.gradients())
    });
    assert!(gradient[0].min(gradient[1]) < 1e-4, "{isa}: gradients off by {gradient:?}");
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
    let optimizers: [Optimizer; 12] = [
        Adam::default().into(),
        SGD::new(0.05).into(),
        SGD::new(0.02).momentum(0.9).into(),
        SGD::new(0.02).momentum(0.9).nesterov().into(),
        AdamW::default().weight_decay(0.1).ema(0.9),
        Adam::default().clipvalue(0.001),
        Nadam::default().clipnorm(0.1),
        RMSprop::default().global_clipnorm(0.1),
        Adagrad::new(0.01).into(),
        Lion::new(1e-4).into(),
        Lamb::default().gradient_accumulation_steps(2),
        Muon::default().schedule(Schedule::from(CosineDecay::new(50)).warmup(10)),
    ];
    for optimizer in optimizers {
        let mut a = fast(&model, optimizer.clone(), 2, isa());
        let mut b = oracle(&model, optimizer.clone());
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
    let cases = [
        (cnn((16, 16, 3), 10), Adam::default().into()),
        (cnn((16, 16, 3), 10), Muon::default().global_clipnorm(0.1)),
        (many_filters(), Adam::default().into()),
    ];
    for ((model, optimizer), isa) in
        cases.iter().flat_map(|c| Isa::available().map(move |i| (c, i)))
    {
        let train = |threads: usize| same_bits(model, optimizer, threads, isa);
        let one = train(1);
        for threads in [2, 3, 4, 8, 16] {
            assert!(train(threads) == one, "{threads} threads on {isa}");
        }
    }
}

/// So many that all pictures of a batch go through them at once.
fn many_filters() -> Sequential {
    let conv =
        |filters| Conv2D::new(filters, 3).padding(Padding::Same).activation(Activation::Relu);
    Sequential::new((16, 16, 3))
        .add(conv(80))
        .add(MaxPool2D::new(2))
        .add(conv(120))
        .add(MaxPool2D::new(2))
        .add(conv(72))
        .add(MaxPool2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(10).activation(Activation::Softmax))
}

/// The parameters' bits after some steps.
fn same_bits(model: &Sequential, optimizer: &Optimizer, threads: usize, isa: Isa) -> Vec<u32> {
    let mut engine = fast(model, optimizer.clone(), threads, isa);
    // The last batch is short, as at the end of an epoch.
    for (step, batch) in [10, 10, 37, 10, 3].into_iter().enumerate() {
        let d = &mut Dice::new(500, step as u64);
        engine.train_step(&d.bytes(batch * 768), &d.labels(batch, 10)).unwrap();
    }
    engine.parameters().iter().map(|p| p.to_bits()).collect()
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
    let many = Targets::Rows { samples: 1, numbers: &[0.0, 1.0, 1.0] };
    let message = engine.train_on(&pixels, many).unwrap_err().to_string();
    assert!(message.contains("one class for each sample"), "{message}");
    let binary = BinaryCrossentropy::default().into();
    let (network, options) = (model.build().unwrap(), Options::default());
    let mut binary = Cpu::new(network.clone(), binary, SGD::new(0.1).into(), options).unwrap();
    assert_eq!(binary.train_on(&pixels, many).unwrap().samples, 1);
    let few = Targets::Rows { samples: 1, numbers: &[0.0, 1.0] };
    let message = binary.train_on(&pixels, few).unwrap_err().to_string();
    assert!(message.contains("3 outputs for each of 1 samples, but 2 targets"), "{message}");
    let weighed = Loss::default().class_weights([1.0, 2.0]);
    let refused = Cpu::new(network, weighed, SGD::new(0.1).into(), options).unwrap_err();
    assert!(refused.to_string().contains("2 class_weights do not fit 3 classes"), "{refused}");
    let other = fast(&cnn((8, 8, 3), 4), Adam::default().into(), 1, isa());
    let message = engine.load_state(&other.state()).unwrap_err().to_string();
    assert!(message.contains("load it into the model"), "{message}");
}

#[test]
fn a_schedule_and_its_scale_go_on_where_they_were() {
    let optimizer = SGD::new(0.1).schedule(CosineDecay::new(4));
    let model = cnn((8, 8, 3), 3);
    let mut engine = fast(&model, optimizer.clone(), 1, isa());
    let d = &mut Dice::new(602, 0);
    let (pixels, labels) = (d.bytes(192), d.labels(1, 3));
    assert_eq!(engine.learning_rate(), 0.1);
    engine.train_step(&pixels, &labels).unwrap();
    engine.train_step(&pixels, &labels).unwrap();
    engine.scale_learning_rate(0.5);
    assert!((engine.learning_rate() - 0.025).abs() < 1e-9);
    let mut other = fast(&model, optimizer, 1, isa());
    other.load_state(&engine.state()).unwrap();
    assert_eq!(other.learning_rate(), engine.learning_rate());
}

#[test]
fn the_average_takes_the_parameters_place_in_the_end() {
    let model = cnn((8, 8, 3), 3);
    let mut engine = fast(&model, SGD::new(0.1).ema(0.5), 1, isa());
    let start = engine.state();
    engine.finish();
    assert!(engine.state() == start, "there is no average before the first step");
    let d = &mut Dice::new(603, 0);
    let (pixels, labels) = (d.bytes(192), d.labels(1, 3));
    let mut after = Vec::new();
    for _ in 0..2 {
        engine.train_step(&pixels, &labels).unwrap();
        after.push(engine.parameters().to_vec());
    }
    engine.finish();
    for ((&got, &first), &second) in engine.parameters().iter().zip(&after[0]).zip(&after[1]) {
        assert!((got - (first + second) / 2.0).abs() < 1e-6, "{got} {first} {second}");
    }
}

#[test]
fn accumulated_batches_are_one() {
    let model = cnn((8, 8, 3), 3);
    let d = &mut Dice::new(604, 0);
    let (pixels, labels) = (d.bytes(6 * 192), d.labels(6, 3));
    let mut whole = fast(&model, SGD::new(0.1).into(), 1, isa());
    let start = whole.parameters().to_vec();
    whole.train_step(&pixels, &labels).unwrap();
    let mut parts = fast(&model, SGD::new(0.1).gradient_accumulation_steps(3), 1, isa());
    for (i, (pixels, labels)) in pixels.chunks(2 * 192).zip(labels.chunks(2)).enumerate() {
        let changed = parts.parameters() != start;
        assert!(!changed, "after {i} of 3");
        parts.train_step(pixels, labels).unwrap();
    }
    // Dropout drops other numbers in each; without it the steps would be equal but for rounding.
    let moved = |engine: &Cpu| {
        engine.parameters().iter().zip(&start).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>()
    };
    let (whole, parts) = (moved(&whole), moved(&parts));
    assert!((0.5..2.0).contains(&(whole / parts)), "{whole} {parts}");
}
