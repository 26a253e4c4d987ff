//! Every layer's gradient against finite differences, in `f64`, over 25 random shapes: through the
//! engine itself, with the reference kernels.

mod common;

use common::differences::{check_gradients, check_gradients_of};
use common::{Dice, LAYERS, Maker, PICTURE_LAYERS, around, around_vector};
use lenslet_engine::Targets;
use lenslet_model::layers::{Conv2D, Dense, Flatten};
use lenslet_model::{Activation, Layer, Loss, LossFunction, Sequential};

const SHAPES: usize = 25;

fn check_many(
    name: &str,
    make: Maker,
    build: fn(Maker, &mut Dice, usize) -> Option<Sequential>,
    test: u32,
) {
    let mut checked = 0;
    for case in 0..400 {
        let d = &mut Dice::new(test, case);
        let classes = d.between(2, 5);
        if let Some(model) = build(make, d, classes) {
            check_gradients(&model.into(), d, classes);
            checked += 1;
        }
        if checked == SHAPES {
            return;
        }
    }
    panic!("{name}: only {checked} random shapes fit");
}

/// What joins several inputs is in the graphs of `graphs.rs`.
#[test]
fn no_layer_is_left_out() {
    let made = |make: Maker| make(&mut Dice::new(99, 0)).kind();
    let mut checked: Vec<_> = LAYERS.into_iter().map(|(_, make)| made(make)).collect();
    checked.extend(["Add", "Multiply", "Concatenate"]);
    let missing: Vec<_> = Layer::KINDS.iter().filter(|kind| !checked.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?} have no gradient check");
}

#[test]
fn of_every_layer_on_pictures() {
    for (i, (name, make)) in LAYERS.into_iter().enumerate() {
        check_many(name, make, around, 100 + i as u32);
    }
}

#[test]
fn of_every_layer_on_vectors() {
    for (i, (name, make)) in LAYERS.into_iter().enumerate() {
        if !PICTURE_LAYERS.contains(&name) {
            check_many(name, make, around_vector, 200 + i as u32);
        }
    }
}

/// Settings that are not the defaults, where there are such.
fn other_settings(function: LossFunction, from_logits: bool, d: &mut Dice) -> LossFunction {
    let mut function = function.with_label_smoothing([0.0, 0.1][d.below(2)]).unwrap_or(function);
    let gamma = [0.0, 0.7, 2.0][d.below(3)];
    match &mut function {
        LossFunction::SparseCategoricalCrossentropy(loss) => loss.from_logits = from_logits,
        LossFunction::CategoricalCrossentropy(loss) => loss.from_logits = from_logits,
        LossFunction::BinaryCrossentropy(loss) => loss.from_logits = from_logits,
        LossFunction::CategoricalFocalCrossentropy(loss) => {
            (loss.from_logits, loss.gamma) = (from_logits, gamma);
        }
        LossFunction::BinaryFocalCrossentropy(loss) => {
            (loss.from_logits, loss.gamma) = (from_logits, gamma);
            loss.apply_class_balancing = d.below(2) == 0;
        }
        _ => {}
    }
    function
}

#[test]
fn of_every_loss() {
    const ENDINGS: [Activation; 4] =
        [Activation::Linear, Activation::Softmax, Activation::Sigmoid, Activation::Tanh];
    for (i, function) in LossFunction::all().into_iter().enumerate() {
        for case in 0..4 * SHAPES as u64 {
            let d = &mut Dice::new(280 + i as u32, case);
            let (outputs, batch) = (d.between(2, 6), d.between(1, 3));
            // Logits, a fused ending, probabilities of another kind, and where any number will do.
            let ending = ENDINGS[case as usize % 4];
            let from_logits = ending == Activation::Linear;
            let any = matches!(function, LossFunction::MeanSquaredError(_));
            if ending == Activation::Tanh && !any {
                continue;
            }
            let model = Sequential::new((d.between(1, 4), d.between(1, 4), 1))
                .add(Conv2D::new(d.between(1, 3), 1).activation(Activation::Tanh))
                .add(Flatten::new())
                .add(Dense::new(outputs).activation(ending));
            let labels = d.labels(batch, outputs);
            let numbers: Vec<_> = (0..batch * outputs).map(|_| d.below(5) as f32 / 4.0).collect();
            let rows = Targets::Rows { samples: batch, numbers: &numbers };
            let sparse = matches!(function, LossFunction::SparseCategoricalCrossentropy(_));
            let by_label = sparse || d.below(2) == 0;
            let targets = if by_label { Targets::Labels(&labels) } else { rows };
            let weights: Vec<_> = (0..outputs).map(|_| d.below(4) as f64 / 2.0).collect();
            let weights = if d.below(2) == 0 { weights } else { Vec::new() };
            let function = other_settings(function, from_logits, d);
            let loss = Loss { function, class_weights: weights };
            check_gradients_of(&model.into(), d, loss, targets);
        }
    }
}
