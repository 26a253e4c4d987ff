//! Gradients against finite differences, in `f64`, through the engine with the reference kernels.

use lenslet_engine::{Cpu, Options, Targets};
use lenslet_kernels::Reference;
use lenslet_model::{Adam, Graph, Loss};

use super::{Dice, cross_entropy};

const EPSILON: f64 = 1e-6;
const ABSOLUTE: f64 = 1e-5;
const RELATIVE: f64 = 1e-3;

/// Parameters of each network that are shaken.
const PROBES: usize = 24;

fn engine(model: &Graph, loss: Loss) -> Cpu<Reference<f64>> {
    let network = model.build().expect("built before");
    let options = Options { threads: 1, ..Options::default() };
    let adam = Adam::default().into();
    Cpu::with_kernels(Reference::new(), network, loss, adam, options).unwrap()
}

/// Compares the gradients of one batch with central differences of its mean loss.
pub fn check_gradients(model: &Graph, d: &mut Dice, classes: usize) {
    let batch = d.between(1, 3);
    let labels = d.labels(batch, classes);
    check_gradients_of(model, d, cross_entropy().into(), Targets::Labels(&labels));
}

/// The same with any loss.
pub fn check_gradients_of(model: &Graph, d: &mut Dice, loss: Loss, targets: Targets<'_>) {
    let batch = targets.samples();
    let mut engine = engine(model, loss);
    // Zero biases sit on the kink of a rectifier where its input is all zero.
    for p in engine.parameters_mut() {
        *p += 0.01 * (d.below(100) as f64 / 50.0 - 1.0);
    }
    let pixels = d.bytes(batch * model.input.elements());
    engine.gradients_on(&pixels, targets).unwrap();
    let gradients = engine.gradients().to_vec();
    let mut loss_at = |index: usize, step: f64| {
        engine.parameters_mut()[index] += step;
        let loss = engine.gradients_on(&pixels, targets).unwrap().mean_loss();
        engine.parameters_mut()[index] -= step;
        loss
    };
    for _ in 0..PROBES.min(gradients.len()) {
        let index = d.below(gradients.len());
        let expected = (loss_at(index, EPSILON) - loss_at(index, -EPSILON)) / (2.0 * EPSILON);
        let got = gradients[index];
        assert!(
            (got - expected).abs() <= ABSOLUTE + RELATIVE * expected.abs(),
            "parameter {index}: gradient {got}, difference {expected}, in {model:#?}"
        );
    }
}
