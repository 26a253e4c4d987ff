//! Every loss against Keras, and those that it has against PyTorch: value and gradient, through the
//! engine's own way from logits or outputs. `golden/keras/make.py` and `golden/torch/losses.py` made
//! the values.

use lenslet_engine::{Cpu, Options, Tally, Targets};
use lenslet_kernels::{Fast, Isa, Kernels, Real, Reference};
use lenslet_model::layers::{Dense, Flatten};
use lenslet_model::{Activation, Loss, SGD, Sequential};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    all: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    loss: Loss,
    activation: Option<Activation>,
    targets: GoldenTargets,
    input: Tensor,
    value: f64,
    gradient: Tensor,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum GoldenTargets {
    Labels(Vec<u32>),
    Rows(Vec<f32>),
}

#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Case {
    fn outputs(&self) -> usize {
        self.input.shape[1]
    }

    /// The targets of one sample.
    fn targets(&self, sample: usize) -> Targets<'_> {
        match &self.targets {
            GoldenTargets::Labels(labels) => Targets::Labels(&labels[sample..=sample]),
            GoldenTargets::Rows(rows) => {
                let numbers = &rows[sample * self.outputs()..][..self.outputs()];
                Targets::Rows { samples: 1, numbers }
            }
        }
    }
}

/// A network whose bias is what the last activation sees.
fn engine<K: Kernels>(kernels: &K, case: &Case) -> Cpu<K> {
    let dense = Dense::new(case.outputs()).activation(case.activation.unwrap_or_default());
    let model = Sequential::new((1, 1, 1)).add(Flatten::new()).add(dense);
    let (network, options) = (model.build().unwrap(), Options { threads: 1, ..Options::default() });
    Cpu::with_kernels(kernels.clone(), network, case.loss.clone(), SGD::default().into(), options)
        .unwrap()
}

fn check<K: Kernels>(kernels: &K) {
    for (text, cases) in [
        (include_str!("../../../golden/keras/losses.json"), 46),
        (include_str!("../../../golden/torch/losses.json"), 15),
    ] {
        let golden: Golden = serde_json::from_str(text).unwrap();
        assert_eq!(golden.all.len(), cases);
        check_cases(kernels, &golden.all);
    }
}

fn check_cases<K: Kernels>(kernels: &K, cases: &[Case]) {
    for (number, case) in cases.iter().enumerate() {
        let (mut engine, outputs) = (engine(kernels, case), case.outputs());
        let (mut tally, mut gradient) = (Tally::default(), Vec::new());
        for (sample, row) in case.input.values.chunks(outputs).enumerate() {
            let parameters = engine.parameters_mut();
            parameters.fill(K::Real::ZERO);
            let bias = &mut parameters[outputs..];
            bias.iter_mut().zip(row).for_each(|(bias, &x)| *bias = K::Real::from_f64(x));
            tally.add(engine.gradients_on(&[0], case.targets(sample)).unwrap());
            gradient.extend(engine.gradients()[outputs..].iter().map(|g| g.to_f64()));
        }
        let what = format!("case {number}, {:?} {:?}", case.loss, case.activation);
        let off = (tally.mean_loss() - case.value).abs();
        assert!(off < 1e-5 * case.value.max(1.0), "{what}: {} {}", tally.mean_loss(), case.value);
        let largest = case.gradient.values.iter().fold(0f64, |most, g| most.max(g.abs()));
        for (got, expected) in gradient.iter().zip(&case.gradient.values) {
            // Of the mean over the samples; ours is of each.
            let off = (got / tally.samples as f64 - expected).abs();
            assert!(off < 1e-4 * largest, "{what}: {got} {expected}");
        }
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
