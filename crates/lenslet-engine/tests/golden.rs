//! The tutorial's network against Keras: the same initial weights, the same batches, dropout 0.
//! `golden/keras/make.py` made the values and says by which formula weights and pictures come.

use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::{Fast, Isa, Kernels, Real, Reference};
use lenslet_model::layers::{Conv2D, Dense, Dropout, Flatten, MaxPool2D};
use lenslet_model::{
    Activation, Adam, Distribution, Padding, Sequential, SparseCategoricalCrossentropy,
};

const BATCH: usize = 10;

#[derive(serde::Deserialize)]
struct Golden {
    float32: Run,
    float64: Run,
}

#[derive(serde::Deserialize)]
struct Run {
    losses: Vec<f64>,
    logits_before: Vec<Vec<f64>>,
    logits_after: Vec<Vec<f64>>,
}

/// The formula that both sides draw from: the finaliser of SplitMix64 over a counter.
fn draw(stream: u64, index: u64) -> u64 {
    let mut z = stream.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index + 1);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn tutorial() -> Sequential {
    let conv = || Conv2D::new(32, 3).padding(Padding::Same).activation(Activation::Relu);
    // Logits out: the softmax is the loss's.
    Sequential::new((32, 32, 3))
        .add(conv())
        .add(conv())
        .add(MaxPool2D::new(2))
        .add(Dropout::new(0.0))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Activation::Relu))
        .add(Dense::new(10))
}

fn engine<K: Kernels>(kernels: K) -> Cpu<K> {
    let network = tutorial().build().unwrap();
    let loss = SparseCategoricalCrossentropy { from_logits: true, ..Default::default() };
    let (adam, options) = (Adam::default(), Options::default());
    let mut engine =
        Cpu::with_kernels(kernels, network.clone(), loss.into(), adam.into(), options).unwrap();
    for (index, parameter) in network.parameters().iter().enumerate() {
        let limit = match parameter.initializer.distribution(&parameter.shape) {
            Distribution::Uniform(_, limit) => limit as f32,
            _ => 0.0,
        };
        let values = &mut engine.parameters_mut()[parameter.range.clone()];
        for (i, value) in values.iter_mut().enumerate() {
            let unit = (draw(1000 + index as u64, i as u64) >> 40) as f32 / (1 << 24) as f32;
            *value = K::Real::from_f64(f64::from((2.0 * unit - 1.0) * limit));
        }
    }
    engine
}

fn batch(step: u64) -> (Vec<u8>, Vec<u32>) {
    let pixels = (0..BATCH as u64 * 3072).map(|i| (draw(2000 + step, i) >> 56) as u8);
    let labels = (0..BATCH as u64).map(|i| ((draw(3000 + step, i) >> 33) % 10) as u32);
    (pixels.collect(), labels.collect())
}

fn golden() -> Golden {
    let text = include_str!("../../../golden/keras/tutorial.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
    assert_eq!(golden.float32.losses.len(), 20);
    golden
}

/// Trains as many steps as `losses` has, each within `tolerance`.
fn assert_losses<K: Kernels>(engine: &mut Cpu<K>, losses: &[f64], tolerance: f64) {
    for (step, expected) in losses.iter().enumerate() {
        let (pixels, labels) = batch(step as u64 + 1);
        let loss = engine.train_step(&pixels, &labels).unwrap().mean_loss();
        assert!((loss - expected).abs() < tolerance, "step {}: {loss} {expected}", step + 1);
    }
}

fn assert_logits<K: Kernels>(engine: &mut Cpu<K>, golden: &[Vec<f64>], tolerance: f64) {
    let mut logits = Vec::new();
    engine.predict(&batch(1).0, BATCH, &mut logits).unwrap();
    for (got, expected) in logits.iter().zip(golden.iter().flatten()) {
        assert!((f64::from(*got) - expected).abs() < tolerance, "{got} {expected}");
    }
}

#[test]
fn the_first_twenty_steps_are_keras() {
    let golden = golden().float32;
    for isa in Isa::available() {
        let mut engine = engine(Fast::exact(isa));
        assert_logits(&mut engine, &golden.logits_before, 1e-5);
        assert_losses(&mut engine, &golden.losses, 1e-4);
        assert_logits(&mut engine, &golden.logits_after, 1e-5);
    }
}

/// Winograd's convolution and skipped zeros round differently. A sum that lies within a rounding
/// error of zero can fall on the other side of the rectifier, and two nearly equal ones can change
/// places in the pool: from such a step on the losses differ by up to some 1e-4.
#[test]
fn the_fast_algorithms_stay_near_keras() {
    let golden = golden().float32;
    for isa in Isa::available() {
        let mut engine = engine(Fast::new(isa));
        assert_logits(&mut engine, &golden.logits_before, 1e-5);
        assert_losses(&mut engine, &golden.losses, 1e-3);
        assert_logits(&mut engine, &golden.logits_after, 1e-2);
    }
}

#[test]
fn the_oracle_is_keras_in_double_precision() {
    let mut engine = engine(Reference::<f64>::new());
    assert_losses(&mut engine, &golden().float64.losses[..6], 1e-7);
}
