//! Normalisations.

use lenslet_engine::{Engine, Targets};
use lenslet_model::layers::{Axes, BatchNormalization, GroupNormalization, LayerNormalization};

use super::window::{as_picture, from_picture};
use super::{Outputs, first, one};
use crate::case::{Array, Case};
use crate::run::{Run, Weight, outputs};

fn weight(case: &Case, index: usize) -> Result<Vec<f32>, String> {
    let input = case.input(index).ok_or("one of its inputs is left out")?;
    Ok(input.data.clone())
}

pub(super) fn batch(case: &Case) -> Result<Outputs, String> {
    let x = first(case)?.channels_last();
    let weights: Vec<Weight> = vec![
        ("norm", "gamma", weight(case, 1)?),
        ("norm", "beta", weight(case, 2)?),
        ("norm", "moving_mean", weight(case, 3)?),
        ("norm", "moving_variance", weight(case, 4)?),
    ];
    let epsilon = case.float("epsilon", 1e-5);
    let run = |momentum: f64| {
        let layer = BatchNormalization::new().epsilon(epsilon).momentum(momentum);
        Run::new(&[&x], &weights, |x| x[0].apply_named("norm", layer))
    };
    let momentum = case.float("momentum", 0.9);
    if case.int("training_mode", 0) == 0 {
        return Ok(one(run(momentum)?.outputs()?.channels_first()));
    }
    // After a step that keeps nothing of them, the moving statistics are the batch's: what comes out
    // then is what came out in training.
    let mut now = run(0.0)?;
    train(&mut now)?;
    let y = now.outputs()?.channels_first();
    let mut moving = run(momentum)?;
    train(&mut moving)?;
    let statistics = ["moving_mean", "moving_variance"].map(|name| {
        let numbers = moving.weight("norm", name);
        Some(Array::of([numbers.len()], numbers))
    });
    let [mean, variance] = statistics;
    Ok(vec![Some(y), mean, variance])
}

/// A step of training that changes nothing but statistics.
fn train(run: &mut Run) -> Result<(), String> {
    let outputs = run.outputs()?;
    let targets = Targets::Rows { samples: outputs.dims[0], numbers: &outputs.data };
    run.engine.train_on(&run.pixels, targets).map_err(|e| e.to_string()).map(drop)
}

pub(super) fn group(case: &Case) -> Result<Outputs, String> {
    let (x, was_1d) = as_picture(first(case)?)?;
    let groups =
        if case.node.op_type == "InstanceNormalization" { -1 } else { case.int("num_groups", 1) };
    let layer = GroupNormalization::new(groups).epsilon(case.float("epsilon", 1e-5));
    let weights: [Weight; 2] =
        [("norm", "gamma", weight(case, 1)?), ("norm", "beta", weight(case, 2)?)];
    let y = outputs(&[&x.channels_last()], &weights, |x| x[0].apply_named("norm", layer))?;
    Ok(one(from_picture(y.channels_first(), was_1d)))
}

/// The axes from one on; those before are samples, or pixels.
pub(super) fn layer(case: &Case) -> Result<Outputs, String> {
    let x = first(case)?;
    let rank = x.dims.len() as i64;
    let axis = case.int("axis", -1).rem_euclid(rank);
    let axes: Vec<i64> = (axis..rank).map(|axis| axis + 1).collect();
    let last = match axes[..] {
        [a] => Axes::from([a]),
        [a, b] => Axes::from([a, b]),
        [a, b, c] => Axes::from([a, b, c]),
        [a, b, c, d] => Axes::from([a, b, c, d]),
        _ => return Err("this many axes".to_owned()),
    };
    let bias = case.input(2);
    let layer = LayerNormalization::new()
        .axis(last)
        .epsilon(case.float("epsilon", 1e-5))
        .center(bias.is_some());
    let mut weights: Vec<Weight> = vec![("norm", "gamma", weight(case, 1)?)];
    weights.extend(bias.map(|bias| ("norm", "beta", bias.data.clone())));
    let y = outputs(&[&x.as_sample()], &weights, |x| x[0].apply_named("norm", layer))?;
    let mut all = one(y.reshaped(x.dims.clone()));
    // Mean and deviation stay inside the layer.
    all.resize(case.outputs.len(), None);
    Ok(all)
}
