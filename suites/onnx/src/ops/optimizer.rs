//! Optimisers: one step of training, with gradients as the test has them.

use lenslet_engine::{Cpu, Engine, Options, State, Targets};
use lenslet_model::layers::{Dense, Flatten};
use lenslet_model::{Adagrad, Adam, MeanSquaredError, Optimizer, Regularizer, SGD, Sequential};

use super::Outputs;
use crate::case::{Array, Case};

/// So late that nothing is left of Adam's start: ONNX's step 0 corrects nothing.
const LATE: u64 = 1_000_000;

pub(super) fn run(case: &Case) -> Result<Outputs, String> {
    let operator = case.node.op_type.as_str();
    let number = |index: usize| case.input(index).map_or(0.0, |x| f64::from(x.data[0]));
    let (rate, step) = (number(0), number(1));
    if case.float("norm_coefficient_post", 0.0) != 0.0 {
        return Err("a decay after the step".to_owned());
    }
    let moments = if operator == "Adam" { 2 } else { 1 };
    // Rate and step, then all parameters, all gradients, and all of each moment.
    let count = (case.inputs.len() - 2) / (2 + moments);
    // Ours counts from 1 what ONNX calls the step.
    let steps = if step > 0.0 { step as u64 - 1 } else { LATE };
    let optimizer = optimizer(case, rate / (1.0 + step * case.float("decay_factor", 0.0)))?;
    let mut outputs: Vec<Vec<Option<Array>>> = Vec::new();
    for i in 0..count {
        let of = |kind: usize| case.input(2 + kind * count + i).ok_or("an input is left out");
        let moments = (0..moments).map(|m| of(2 + m)).collect::<Result<Vec<_>, _>>()?;
        let done = one(case, &optimizer, (rate, steps), [of(0)?, of(1)?], &moments)?;
        outputs.push(done.into_iter().map(Some).collect());
    }
    // All new parameters first.
    Ok((0..=moments).flat_map(|kind| outputs.iter().map(move |o| o[kind].clone())).collect())
}

fn optimizer(case: &Case, learning_rate: f64) -> Result<Optimizer, String> {
    Ok(match case.node.op_type.as_str() {
        "Adam" => Adam {
            learning_rate,
            beta_1: case.float("alpha", 0.9),
            beta_2: case.float("beta", 0.999),
            epsilon: case.float("epsilon", 1e-6),
            ..Adam::default()
        }
        .into(),
        // Ours adds epsilon under the root.
        "Adagrad" => Adagrad {
            learning_rate,
            epsilon: case.float("epsilon", 1e-6).powi(2),
            ..Adagrad::default()
        }
        .into(),
        _ => {
            let sgd = SGD::new(learning_rate).momentum(case.float("alpha", 0.0));
            match case.text("mode", "standard").as_str() {
                "nesterov" => sgd.nesterov().into(),
                _ => sgd.into(),
            }
        }
    })
}

/// A dense layer on one white pixel gives its weights; the targets are where their squared distances
/// have the gradient that the test wants.
fn one(
    case: &Case,
    optimizer: &Optimizer,
    (rate, steps): (f64, u64),
    [parameters, gradients]: [&Array; 2],
    moments: &[&Array],
) -> Result<Vec<Array>, String> {
    let size = parameters.data.len();
    let penalty = Regularizer::l1_l2(0.0, case.float("norm_coefficient", 0.0) / 2.0);
    let dense = Dense::new(size).use_bias(false).kernel_regularizer(penalty);
    let model = Sequential::new((1, 1, 1)).add(Flatten::new()).add(dense);
    let network = model.build().map_err(|e| e.to_string())?;
    let (loss, options) = (MeanSquaredError::default().into(), Options::default());
    let engine = Cpu::new(network, loss, optimizer.clone(), options);
    let mut engine = engine.map_err(|e| e.to_string())?;
    // ONNX's velocity is before the learning rate, Keras's behind it.
    let momentum = case.node.op_type == "Momentum";
    let scaled =
        |x: &[f32], by: f64| x.iter().map(|&x| (f64::from(x) * by) as f32).collect::<Vec<_>>();
    let state = State {
        parameters: parameters.data.clone(),
        moments: moments
            .iter()
            .map(|m| scaled(&m.data, if momentum { -rate } else { 1.0 }))
            .collect(),
        steps,
        ..State::default()
    };
    engine.load_state(&state).map_err(|e| e.to_string())?;
    // The loss is the mean of the squares.
    let half = size as f32 / 2.0;
    let targets = parameters.data.iter().zip(&gradients.data).map(|(p, g)| p - g * half);
    let targets: Vec<f32> = targets.collect();
    let targets = Targets::Rows { samples: 1, numbers: &targets };
    engine.train_on(&[255], targets).map_err(|e| e.to_string())?;
    let after = engine.state();
    let shaped = |x: Vec<f32>| Array::of(parameters.dims.clone(), x);
    let back = if momentum { -1.0 / rate } else { 1.0 };
    let moments = after.moments.iter().map(|m| shaped(scaled(m, back)));
    Ok(std::iter::once(shaped(after.parameters.clone())).chain(moments).collect())
}
