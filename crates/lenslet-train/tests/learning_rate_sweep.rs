//! What a sweep suggests learns.

use lenslet_data::synthetic::Synthetic;
use lenslet_model::layers::{AveragePool2D, Dense, Flatten};
use lenslet_model::{Activation, Adam, Optimizer, SGD, Sequential, SparseCategoricalCrossentropy};
use lenslet_train::{Compile, Fit, LearningRateSweep, Model};

/// A network that learns in little time.
fn compiled(optimizer: Optimizer) -> Model {
    let network = Sequential::new((32, 32, 3))
        .add(AveragePool2D::new(4))
        .add(Flatten::new())
        .add(Dense::new(32).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax));
    network.compile(optimizer, SparseCategoricalCrossentropy::default(), &[]).unwrap()
}

fn optimizers(rate: f64) -> [Optimizer; 2] {
    [Adam::new(rate).into(), SGD::new(rate).into()]
}

#[test]
fn a_suggested_rate_is_among_those_that_learn() {
    let data = Synthetic { train: 2000, test: 0, ..Synthetic::default() }.generate().unwrap().train;
    let loss_after = |optimizer: Optimizer| {
        let fit = Fit::new().epochs(12).batch_size(20);
        // A rate that leaves no number is no good one.
        compiled(optimizer).fit(&data, fit).map_or(f64::INFINITY, |history| history.loss()[11])
    };
    for which in 0..2 {
        let optimizer = |rate| optimizers(rate)[which].clone();
        let sweep = LearningRateSweep { batch_size: 20, ..Default::default() };
        let found = compiled(optimizer(1.0)).sweep_learning_rates(&data, sweep).unwrap();
        let rate = found.suggested().expect("the network learns");
        let grid = [1e-4, 1e-3, 1e-2, 1e-1, 1.0].map(|rate| loss_after(optimizer(rate)));
        let best = grid.iter().copied().fold(f64::INFINITY, f64::min);
        let reached = loss_after(optimizer(rate));
        // Chance is 2.303. Rates that are ten times too small or too large reach a quarter at most.
        let share = (2.303 - reached) / (2.303 - best);
        assert!(share > 0.4, "{rate:.1e} reaches {reached}, the grid {grid:?}");
    }
}
