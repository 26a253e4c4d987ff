//! The same bits for any number of threads: where there are fewer images than threads, too, which
//! then share an image.

mod common;

use common::{Dice, cross_entropy};
use lenslet_engine::{Cpu, Engine, Options, Phase};
use lenslet_kernels::Isa;
use lenslet_model::layers::{
    BatchNormalization, Conv2D, Dense, Dropout, GlobalAveragePooling2D, MaxPool2D,
};
use lenslet_model::{Activation, Adam, Graph, Input, Padding, Sequential, Tensor, add, cnn};

const CLASSES: usize = 10;
const THREADS: [usize; 6] = [2, 3, 4, 8, 16, 64];
const BATCHES: [usize; 4] = [1, 2, 3, 10];

/// Pictures large enough for every kind of work to be cut.
fn large_pictures() -> Graph {
    let conv = |filters, window| {
        Conv2D::new(filters, window).padding(Padding::Same).activation(Activation::Relu)
    };
    Sequential::new((96, 96, 3))
        .add(conv(32, 5))
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.25))
        .add(conv(48, 3).activation(Activation::Silu))
        .add(conv(40, 3).strides(2))
        .add(GlobalAveragePooling2D::new())
        .add(Dense::new(CLASSES).activation(Activation::Softmax))
        .into()
}

/// Few pixels and many channels.
fn many_channels() -> Graph {
    let conv =
        |filters| Conv2D::new(filters, 3).padding(Padding::Same).activation(Activation::Relu);
    Sequential::new((8, 8, 3))
        .add(conv(200))
        .add(conv(136))
        .add(MaxPool2D::new(2))
        .add(conv(264))
        .add(GlobalAveragePooling2D::new())
        .add(Dense::new(CLASSES).activation(Activation::Softmax))
        .into()
}

/// Two convolutions beside a shortcut, each with a normalisation.
fn residual() -> Graph {
    let norm = |x: &Tensor| {
        let y = x.apply(Conv2D::new(64, 3).padding(Padding::Same).use_bias(false));
        y.apply(BatchNormalization::new())
    };
    let x = Input::new((32, 32, 3));
    let first = norm(&x).apply(Activation::Relu);
    let second = norm(&norm(&first).apply(Activation::Relu));
    let y = add([second, first]).apply(Activation::Relu).apply(GlobalAveragePooling2D::new());
    let y = y.apply(Dense::new(CLASSES).activation(Activation::Softmax));
    Graph::new(&x, &y).unwrap()
}

fn engine(model: &Graph, threads: usize, isa: Isa) -> Cpu {
    let options = Options { threads, isa: Some(isa), seed: 7, ..Options::default() };
    let network = model.build().unwrap();
    Cpu::new(network, cross_entropy().into(), Adam::default().into(), options).unwrap()
}

fn bits(numbers: &[f32]) -> impl Iterator<Item = u32> {
    numbers.iter().map(|x| x.to_bits())
}

/// The bits of what an engine predicts and learns from batches of several sizes.
fn trace(model: &Graph, threads: usize, isa: Isa) -> Vec<u32> {
    let mut engine = engine(model, threads, isa);
    let (mut trace, mut outputs) = (Vec::new(), Vec::new());
    for batch in BATCHES {
        let d = &mut Dice::new(900, batch as u64);
        let pixels = d.bytes(batch * model.input.elements());
        engine.predict(&pixels, batch, &mut outputs).unwrap();
        trace.extend(bits(&outputs));
        engine.train_step(&pixels, &d.labels(batch, CLASSES)).unwrap();
        trace.extend(bits(engine.parameters()));
    }
    trace
}

#[track_caller]
fn check(model: &Graph) {
    for isa in Isa::available() {
        let one = trace(model, 1, isa);
        for threads in THREADS {
            assert!(trace(model, threads, isa) == one, "{threads} threads on {isa}");
        }
    }
}

#[test]
fn the_tutorials_network() {
    check(&cnn((32, 32, 3), CLASSES).into());
}

#[test]
fn large_pictures_are_cut_by_rows() {
    check(&large_pictures());
}

#[test]
fn many_channels_are_cut_by_channels() {
    check(&many_channels());
}

#[test]
fn one_picture_keeps_two_threads_at_work() {
    let mut engine = engine(&large_pictures(), 2, Isa::detect());
    engine.start_profile(500);
    // A worker that starts late leaves the work to the first thread, and on a busy machine it may
    // do so in step after step.
    let helps = (0..500).any(|step| {
        let d = &mut Dice::new(901, step);
        engine.train_step(&d.bytes(96 * 96 * 3), &d.labels(1, CLASSES)).unwrap();
        let profile = engine.profile().unwrap();
        [Phase::Forward, Phase::Backward].iter().all(|phase| {
            let mut spans = profile.spans().iter();
            spans.any(|span| (span.thread, span.phase, span.image) == (1, *phase, Some(0)))
        })
    });
    assert!(helps, "the second thread was idle forward or back");
}

#[test]
fn a_residual_network() {
    check(&residual());
}
