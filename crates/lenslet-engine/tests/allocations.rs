//! A step allocates nothing, once the memory for its batch size is there.
//!
//! The counter sees the whole process, so this file is one test: beside another one, or the
//! harness that reports it, no thread's allocations could be told apart.

mod common;

use std::alloc::System;

use common::{Dice, LAYERS, PICTURE_LAYERS, cross_entropy, isa};
use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::Team;
use lenslet_model::layers::{BatchNormalization, Conv2D, Dense, Flatten, MaxPool2D, Reshape};
use lenslet_model::{
    Activation, Adam, Configure, Graph, Lamb, Muon, Optimizer, Padding, SGD, Sequential, cnn,
    zoo_model,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CLASSES: usize = 10;
const WARM_UP: usize = 12;

/// Calls to the allocator, from any thread, while `work` runs.
fn calls(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    let change = region.change();
    change.allocations + change.reallocations + change.deallocations
}

/// The fewest of three times: a worker that starts late, on a busy machine, allocates for itself.
fn least_calls(mut work: impl FnMut()) -> usize {
    (0..3).map(|_| calls(&mut work)).min().unwrap()
}

/// All kinds of layers one after the other, in the order of their table.
fn every_layer() -> Sequential {
    let d = &mut Dice::new(800, 0);
    let mut model = Sequential::new((32, 32, 3));
    for (name, make) in LAYERS {
        let flat = model.build().is_ok_and(|network| network.output().dims().len() < 3);
        if flat && PICTURE_LAYERS.contains(&name) {
            model = model.add(Reshape::new([1, -1, 1]));
        }
        // Settings that fit what is left of the picture, of which pools leave a bit.
        let longer = (0..100)
            .map(|_| model.clone().add(make(d)))
            .find(|longer| longer.build().is_ok_and(|network| network.output().elements() >= 2));
        model = longer.unwrap_or_else(|| panic!("no {name} fits"));
    }
    model.add(Flatten::new()).add(Dense::new(CLASSES).activation(Activation::Softmax))
}

fn batch(samples: usize) -> (Vec<u8>, Vec<u32>) {
    let d = &mut Dice::new(801, samples as u64);
    (d.bytes(samples * 32 * 32 * 3), d.labels(samples, CLASSES))
}

/// So much work on each picture that threads share it, and at the end so many filters that all
/// pictures go through them at once.
fn much_work() -> Sequential {
    let conv =
        |filters| Conv2D::new(filters, 3).padding(Padding::Same).activation(Activation::Relu);
    Sequential::new((32, 32, 3))
        .add(conv(64))
        .add(conv(64))
        .add(BatchNormalization::new())
        .add(conv(64))
        .add(MaxPool2D::new(2))
        .add(conv(128))
        .add(Flatten::new())
        .add(Dense::new(CLASSES).activation(Activation::Softmax))
}

/// Every way through the engine, after one batch that made its memory. With more than one thread
/// what the threads do is timed, too.
fn check(name: &str, model: &Graph, optimizer: Optimizer, threads: usize) {
    let options = Options { threads, isa: Some(isa()), ..Options::default() };
    let network = model.build().unwrap();
    let mut engine = Cpu::new(network, cross_entropy().into(), optimizer, options).unwrap();
    if threads > 1 {
        engine.start_profile(0);
    }
    let mut outputs = Vec::with_capacity(WARM_UP * CLASSES);
    for round in 0..2 {
        for samples in [WARM_UP, WARM_UP, 7, 1, WARM_UP] {
            let (pixels, labels) = batch(samples);
            let step = least_calls(|| _ = engine.train_step(&pixels, &labels).unwrap());
            let evaluation = least_calls(|| _ = engine.evaluate(&pixels, &labels).unwrap());
            let prediction =
                least_calls(|| engine.predict(&pixels, samples, &mut outputs).unwrap());
            if round > 0 {
                let what = format!("{name}, {threads} threads, {samples} samples");
                assert_eq!([step, evaluation, prediction], [0; 3], "{what}");
            }
        }
    }
}

/// Otherwise this test would say nothing.
fn the_counter_sees_workers() {
    let team = Team::new(2);
    let both_there = std::sync::Barrier::new(2);
    let box_on_worker = || {
        team.run(2, &|worker, _| {
            both_there.wait();
            if worker == 1 {
                std::hint::black_box(Box::new(1));
            }
        });
    };
    // A thread's start allocates too.
    box_on_worker();
    assert_eq!(least_calls(box_on_worker), 2, "a box made and dropped");
}

#[test]
fn a_step_allocates_nothing() {
    the_counter_sees_workers();
    let momentum = SGD::new(0.01).momentum(0.9);
    for threads in [1, 2, 4] {
        check(
            "the tutorial's network",
            &cnn((32, 32, 3), CLASSES).into(),
            Adam::default().into(),
            threads,
        );
        check(
            "a graph",
            &zoo_model("resnet20", (32, 32, 3), CLASSES).unwrap(),
            momentum.into(),
            threads,
        );
        check("much work", &much_work().into(), Adam::default().into(), threads);
        check("every layer", &every_layer().into(), Adam::default().into(), threads);
        check("every layer, SGD", &every_layer().into(), momentum.into(), threads);
        let muon = Muon::default().clipnorm(1.0).ema(0.9).gradient_accumulation_steps(2);
        check("the tutorial's network, Muon", &cnn((32, 32, 3), CLASSES).into(), muon, threads);
        let lamb = Lamb::default().global_clipnorm(1.0);
        check("the tutorial's network, Lamb", &cnn((32, 32, 3), CLASSES).into(), lamb, threads);
    }
}
