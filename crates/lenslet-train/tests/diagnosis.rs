//! Which layer a training that diverges names, and what of it.

use lenslet_data::Dataset;
use lenslet_data::synthetic::Synthetic;
use lenslet_engine::{Options, State};
use lenslet_model::layers::{Dense, Flatten};
use lenslet_model::{Activation, Loss, SGD, Sequential};
use lenslet_train::{Bad, Compile, Fit, Model, TrainError};

fn data() -> Dataset {
    Synthetic { train: 40, test: 0, ..Synthetic::default() }.generate().unwrap().train
}

/// Three dense layers whose kernels hold these numbers alone.
fn model(rate: f64, kernels: [f32; 3]) -> Model {
    let layers = Sequential::new((32, 32, 3))
        .add(Flatten::new())
        .add(Dense::new(4))
        .add(Dense::new(4))
        .add(Dense::new(10).activation(Activation::Softmax));
    let options = Options { threads: 1, ..Options::default() };
    let mut model = layers.compile_with(SGD::new(rate), Loss::default(), &[], options).unwrap();
    let mut parameters = model.weights();
    let names = ["dense/kernel", "dense_1/kernel", "dense_2/kernel"];
    for (name, kernel) in names.into_iter().zip(kernels) {
        let all = model.network().parameters();
        let range = all.iter().find(|p| p.name == name).unwrap().range.clone();
        parameters[range].fill(kernel);
    }
    let classes = data().classes().to_vec();
    model.load(&State { parameters, ..State::default() }, classes).unwrap();
    model
}

#[test]
fn the_first_layer_to_go_bad_is_named() {
    let input = |layer: &str, from: &str| Bad::Input { layer: layer.into(), from: from.into() };
    for (rate, kernels, expected, words) in [
        (0.1, [1e38, 1.0, 1.0], Some(input("dense_1", "dense")), "`dense_1` (its input is"),
        (0.1, [1.0, 1e38, 1.0], Some(input("dense_2", "dense_1")), "from `dense_1`"),
        (0.1, [1.0, 1.0, 1e38], Some(Bad::Loss), "no layer before it went bad"),
        (0.1, [0.0, f32::NAN, 1.0], None, "`dense_1` (weights of its kernel"),
        (1e39, [1e-3, 1e-3, 1e-3], None, "`dense` (weights"),
    ] {
        let mut model = model(rate, kernels);
        let before = model.weights();
        let error = model.fit(&data(), Fit::new()).unwrap_err();
        let TrainError::Diverged { bad, loss, step: 1, .. } = &error else { panic!("{error}") };
        assert!(expected.is_none_or(|expected| *bad == expected), "{kernels:?}: {bad:?}");
        assert!(error.to_string().contains(words), "{kernels:?}: {error}");
        if !loss.is_finite() {
            let same = before.iter().zip(model.weights()).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "a loss that is no number teaches nothing");
        }
    }
}
