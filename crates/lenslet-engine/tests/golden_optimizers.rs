//! Every optimiser, and all that can be around one, over 20 steps against Keras, and those that it
//! has against PyTorch. `golden/keras/make.py` and `golden/torch/optimizers.py` made the values and say
//! by which formula the inputs come.

use lenslet_engine::{Cpu, Engine, Options};
use lenslet_kernels::{Fast, Isa, Kernels, Real, Reference};
use lenslet_model::layers::{Conv2D, Dense, Flatten};
use lenslet_model::{Configure, Loss, Optimizer, Sequential};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    optimizer: String,
    config: Map<String, Value>,
    gradient_scale: f32,
    after: Vec<(u64, Vec<f64>, Vec<f64>)>,
    finished: [Vec<f64>; 2],
}

impl Case {
    /// Keras's names are ours. It decays biases, too.
    fn optimizer(&self) -> Optimizer {
        let mut description = self.config.clone();
        description.insert("name".to_owned(), self.optimizer.to_lowercase().into());
        let optimizer: Optimizer = serde_json::from_value(description.into()).unwrap();
        optimizer.exclude_from_weight_decay([])
    }
}

/// The finaliser of SplitMix64 over a counter, as numbers in -1..1.
fn draw(stream: u64, index: u64) -> f32 {
    let mut z = stream.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index + 1);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    2.0 * ((z >> 40) as f32 / (1 << 24) as f32) - 1.0
}

/// A network with filters that are a 5 x 4 matrix, and a bias of 3; its other kernel has zeros for
/// weights and gradients.
fn network() -> Sequential {
    Sequential::new((5, 1, 1))
        .add(Conv2D::new(4, (5, 1)).use_bias(false))
        .add(Flatten::new())
        .add(Dense::new(3))
}

/// Both tensors in a flat buffer.
fn both<R: Real>(tensor: impl Fn(u64, u64) -> f32) -> Vec<R> {
    let mut flat = vec![R::ZERO; 20 + 12 + 3];
    let filters = (0..20).map(|i| (i, tensor(0, i as u64)));
    for (at, value) in filters.chain((0..3).map(|i| (32 + i, tensor(1, i as u64)))) {
        flat[at] = R::from_f64(f64::from(value));
    }
    flat
}

fn assert_near<K: Kernels>(engine: &Cpu<K>, what: &str, expected: [&[f64]; 2]) {
    let parameters = engine.parameters();
    for (got, expected) in [&parameters[..20], &parameters[32..]].into_iter().zip(expected) {
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            let off = (got.to_f64() - expected).abs();
            assert!(off < 1e-5, "{what}, number {i}: {got} {expected}");
        }
    }
}

fn check<K: Kernels>(kernels: &K) {
    for (text, cases) in [
        (include_str!("../../../golden/keras/optimizers.json"), 25 + 8 * 6),
        (include_str!("../../../golden/torch/optimizers.json"), 16),
    ] {
        let golden: Golden = serde_json::from_str(text).unwrap();
        assert_eq!(golden.cases.len(), cases);
        check_cases(kernels, &golden.cases);
    }
}

fn check_cases<K: Kernels>(kernels: &K, cases: &[Case]) {
    for case in cases {
        let (network, optimizer) = (network().build().unwrap(), case.optimizer());
        let (kernels, options) = (kernels.clone(), Options { threads: 2, ..Options::default() });
        let mut engine =
            Cpu::with_kernels(kernels, network, Loss::default(), optimizer, options).unwrap();
        engine.parameters_mut().copy_from_slice(&both(|t, i| draw(4000 + 100 * t, i)));
        let mut next = 1;
        for (step, filters, bias) in &case.after {
            for step in next..=*step {
                let scale = case.gradient_scale;
                let gradients = both(|t, i| draw(4000 + 100 * t + step, i) * scale);
                engine.apply_gradients(&gradients);
            }
            next = step + 1;
            let what = format!("{} {:?} step {step}", case.optimizer, case.config);
            assert_near(&engine, &what, [filters, bias]);
        }
        engine.finish();
        let what = format!("{} {:?} finished", case.optimizer, case.config);
        assert_near(&engine, &what, case.finished.each_ref().map(|tensor| &tensor[..]));
    }
}

#[test]
fn the_oracle_is_keras_and_pytorch() {
    check(&Reference::<f64>::new());
}

#[test]
fn the_fast_kernels_are_keras_and_pytorch() {
    for isa in Isa::available() {
        check(&Fast::new(isa));
    }
}
