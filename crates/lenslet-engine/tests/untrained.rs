//! An engine that has not trained yet holds nothing that only training needs, and misses none of it.

mod common;

use common::{Dice, cross_entropy, isa};
use lenslet_engine::{Cpu, Engine, Options, State};
use lenslet_model::layers::{BatchNormalization, Conv2D, Dense, Flatten};
use lenslet_model::{Activation, Adam, Optimizer, Sequential};

/// With parameters that are not trained: a normalisation's statistics.
fn engine(optimizer: Optimizer) -> Cpu {
    let model = Sequential::new((4, 4, 2))
        .add(Conv2D::new(3, 3))
        .add(BatchNormalization::new())
        .add(Flatten::new())
        .add(Dense::new(3).activation(Activation::Softmax));
    let options = Options { threads: 1, isa: Some(isa()), ..Options::default() };
    Cpu::new(model.build().unwrap(), cross_entropy().into(), optimizer, options).unwrap()
}

fn step(engine: &mut Cpu) {
    let d = &mut Dice::new(900, 0);
    engine.train_step(&d.bytes(4 * 32), &d.labels(4, 3)).unwrap();
}

#[test]
fn it_tells_which_weights_are_not_finite() {
    let mut engine = engine(Adam::default().into());
    for trained in [false, true] {
        assert!(engine.not_finite().is_none(), "trained: {trained}");
        let last = engine.parameters().len() - 1;
        let value = std::mem::replace(&mut engine.parameters_mut()[last], f32::NAN);
        let bad = engine.not_finite().expect("one is NaN");
        assert_eq!(
            (&bad.layer[..], bad.weights, bad.gradients),
            ("batch_normalization", true, false)
        );
        engine.parameters_mut()[last] = value;
        step(&mut engine);
    }
}

#[test]
fn parameters_alone_have_no_average_to_end_with() {
    let optimizer = Optimizer { use_ema: true, ..Adam::default().into() };
    let mut first = engine(optimizer.clone());
    step(&mut first);
    let mut second = engine(optimizer);
    let state = State { moments: Vec::new(), ..first.state() };
    second.load_state(&state).unwrap();
    second.finish();
    assert_eq!(second.parameters(), first.parameters());
}
