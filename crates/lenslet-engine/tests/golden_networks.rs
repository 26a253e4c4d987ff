//! Every layer in a network as Keras trains and runs it, and many as PyTorch does:
//! `golden/keras/networks.json`, `golden/torch/networks.json`.

use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::{Fast, Isa, Kernels, Real, Reference};
use lenslet_model::{Graph, Network, SGD, SparseCategoricalCrossentropy};
use serde::Deserialize;

const BATCH: usize = 3;
const CLASSES: u64 = 4;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    model: Graph,
    base: u64,
    outputs: Tensor,
    loss: f64,
    gradients: Vec<Tensor>,
    moved: Vec<Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// The formula that both sides draw from.
fn bits(stream: u64, i: usize) -> u64 {
    let mut z = stream.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(i as u64 + 1);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn unit(stream: u64, i: usize) -> f32 {
    (bits(stream, i) >> 40) as f32 / (1 << 24) as f32
}

/// Within the tolerance of the largest number.
fn assert_near<R: Real>(what: &str, got: &[R], golden: &Tensor, tolerance: f64) {
    assert_eq!(got.len(), golden.values.len(), "{what}: expected {:?}", golden.shape);
    let largest = golden.values.iter().fold(0.1f64, |m, v| m.max(v.abs()));
    for (i, (&got, &expected)) in got.iter().zip(&golden.values).enumerate() {
        let off = (got.to_f64() - expected).abs();
        assert!(off <= tolerance * largest, "{what}[{i}]: {got}, not {expected}");
    }
}

/// The parameters in Keras's order: layer by layer, those that are not trained last in each.
fn fill<K: Kernels>(engine: &mut Cpu<K>, network: &Network, base: u64) {
    let in_order = network.nodes().iter().flat_map(|node| network.parameters_of(node));
    for (k, parameter) in (0..).zip(in_order) {
        let positive = parameter.name.contains("variance");
        let to = &mut engine.parameters_mut()[parameter.range.clone()];
        for (i, to) in to.iter_mut().enumerate() {
            let unit = unit(base + k, i);
            let value = if positive { unit + 0.5 } else { (2.0 * unit - 1.0) * 0.5 };
            *to = K::Real::from_f64(f64::from(value));
        }
    }
}

fn cases() -> Vec<Case> {
    let keras: Golden =
        serde_json::from_str(include_str!("../../../golden/keras/networks.json")).unwrap();
    let torch: Golden =
        serde_json::from_str(include_str!("../../../golden/torch/networks.json")).unwrap();
    assert!(keras.cases.len() >= 62 && torch.cases.len() >= 36);
    let named = |program: &'static str| {
        move |case: Case| Case { name: format!("{program}: {}", case.name), ..case }
    };
    let keras = keras.cases.into_iter().map(named("Keras"));
    keras.chain(torch.cases.into_iter().map(named("PyTorch"))).collect()
}

fn check<K: Kernels>(kernels: K) {
    for case in cases() {
        let network = case.model.build().unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let loss = SparseCategoricalCrossentropy::default().into();
        // A step that learns next to nothing: what moves are the statistics.
        let (still, options) =
            (SGD::new(1e-30).into(), Options { threads: 1, ..Options::default() });
        let mut engine =
            Cpu::with_kernels(kernels.clone(), network.clone(), loss, still, options).unwrap();
        fill(&mut engine, &network, case.base);
        let pixels =
            (0..BATCH * network.input().elements()).map(|i| (bits(case.base + 90, i) >> 56) as u8);
        let labels = (0..BATCH).map(|i| ((bits(case.base + 91, i) >> 33) % CLASSES) as u32);
        let (pixels, labels): (Vec<_>, Vec<_>) = (pixels.collect(), labels.collect());
        let what = |part: &str| format!("{} {part}", case.name);

        let mut outputs = Vec::new();
        engine.predict(&pixels, BATCH, &mut outputs).unwrap();
        assert_near(&what("output"), &outputs, &case.outputs, 1e-5);
        let loss = engine.gradients_of(&pixels, &labels).unwrap().mean_loss();
        assert!((loss - case.loss).abs() < 1e-5 * case.loss, "{}: loss {loss}", case.name);
        let trained = network.parameters().iter().filter(|p| p.trainable);
        for (parameter, golden) in trained.zip(&case.gradients) {
            let gradient = &engine.gradients()[parameter.range.clone()];
            assert_near(&what(&parameter.name), gradient, golden, 1e-4);
        }
        engine.train_step(&pixels, &labels).unwrap();
        let frozen = network.parameters().iter().filter(|p| !p.trainable);
        for (parameter, golden) in frozen.zip(&case.moved) {
            let moved = &engine.parameters()[parameter.range.clone()];
            assert_near(&what(&parameter.name), moved, golden, 1e-5);
        }
    }
}

#[test]
fn the_oracle_is_keras_and_pytorch() {
    check(Reference::<f64>::new());
}

#[test]
fn the_fast_kernels_are_keras_and_pytorch() {
    for isa in Isa::available() {
        check(Fast::new(isa));
    }
}
