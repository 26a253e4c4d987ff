//! Lenslet: the engine behind `fit`, a step at a time.

use contest::{Arguments, Batch, Pictures, Work, measure};
use lenslet::engine::{Cpu, Engine};
use lenslet::model::zoo_model;
use lenslet::prelude::*;

/// Steps of training before prediction is measured: Lenslet skips activations that are 0, and only
/// a trained network has as many of them as it has in use.
const TRAINED: usize = 200;

fn main() {
    let args = Arguments::read();
    let options = Options { threads: args.threads, ..Options::default() };
    let network: Graph = match args.work {
        Work::Vgg => vgg().into(),
        Work::Named(name) => zoo_model(name, (32, 32, 3), 10).expect("it has that name"),
        Work::Step | Work::Predict => tutorial().into(),
    };
    let network = network.build().expect("the layers fit");
    let loss = SparseCategoricalCrossentropy::default().into();
    let mut engine = Cpu::new(network, loss, Adam::default().into(), options).expect("Adam trains");
    let results = match args.work {
        Work::Predict => predict(&args, &mut engine),
        Work::Step | Work::Vgg | Work::Named(_) => {
            let batches = Pictures::read(&args).bytes(&args);
            measure(&args, |index| Some(train(&mut engine, &batches[index % batches.len()])))
        }
    };
    results.report(&args, env!("CARGO_PKG_VERSION"));
}

fn train(engine: &mut Cpu, batch: &Batch<u8>) -> f64 {
    engine.train_step(&batch.pixels, &batch.labels).expect("the batch fits").mean_loss()
}

fn predict(args: &Arguments, engine: &mut Cpu) -> contest::Results {
    let training = Arguments { work: Work::Step, batch: 32, ..args.clone() };
    let batches = Pictures::read(&training).bytes(&training);
    for index in 0..TRAINED {
        train(engine, &batches[index % batches.len()]);
    }
    let batches = Pictures::read(args).bytes(args);
    let mut outputs = Vec::new();
    measure(args, |_| {
        for batch in &batches {
            let count = batch.labels.len();
            engine.predict(&batch.pixels, count, &mut outputs).expect("the batch fits");
        }
        None
    })
}

fn tutorial() -> Sequential {
    Sequential::new((32, 32, 3))
        .add(conv(32))
        .add(conv(32))
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.5))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax))
}

fn vgg() -> Sequential {
    let mut network = Sequential::new((32, 32, 3));
    for channels in [64, 128, 256] {
        network = network.add(conv(channels)).add(conv(channels)).add(MaxPool2D::new(2));
    }
    network.add(Flatten::new()).add(Dense::new(10).activation(Activation::Softmax))
}

fn conv(channels: usize) -> Conv2D {
    Conv2D::new(channels, 3).padding(Padding::Same).activation(Activation::Relu)
}
