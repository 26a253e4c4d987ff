//! Losses.

use lenslet_engine::{Engine, Targets};
use lenslet_model::Activation;
use lenslet_model::layers::ActivationLayer;
use lenslet_model::{Loss, LossFunction, SGD, SparseCategoricalCrossentropy};

use super::{Outputs, first};
use crate::case::{Array, Case};
use crate::run::Run;

/// Of scores; every place of a map is a sample. Ignored ones are none.
pub(super) fn softmax_cross_entropy(case: &Case) -> Result<Outputs, String> {
    let (x, labels) = (first(case)?, case.input(1).ok_or("it has no labels")?);
    let classes = x.dims[1];
    let rows = x.channels_last().reshaped([labels.data.len(), classes]);
    let ignored = case.node.attribute.iter().find(|a| a.name == "ignore_index").and_then(|a| a.i);
    let counts = |label: f32| Some(label as i64) != ignored;
    let weight = |label: f32| case.input(2).map_or(1.0, |w| f64::from(w.data[label as usize]));
    let each: Result<Vec<f64>, String> = (labels.data.iter().enumerate())
        .map(|(i, &label)| match counts(label) {
            true => of_one(&rows.data[i * classes..(i + 1) * classes], label as u32, case.input(2)),
            false => Ok(0.0),
        })
        .collect();
    let each = each?;
    let loss = match case.text("reduction", "mean").as_str() {
        "none" => {
            let numbers = each.into_iter().map(|loss| loss as f32).collect();
            Array::of(labels.dims.clone(), numbers)
        }
        "sum" => Array::of([], vec![each.iter().sum::<f64>() as f32]),
        _ => {
            let all = labels.data.iter().filter(|&&label| counts(label));
            let total: f64 = all.map(|&label| weight(label)).sum();
            Array::of([], vec![(each.iter().sum::<f64>() / total) as f32])
        }
    };
    let mut all = vec![Some(loss)];
    // The logarithms of the probabilities stay inside.
    all.resize(case.outputs.len(), None);
    Ok(all)
}

/// One sample's loss, by its class's weight.
fn of_one(scores: &[f32], label: u32, weights: Option<&Array>) -> Result<f64, String> {
    let function = LossFunction::SparseCategoricalCrossentropy(SparseCategoricalCrossentropy {
        from_logits: true,
        ..SparseCategoricalCrossentropy::default()
    });
    let class_weights = weights.map_or(Vec::new(), |w| w.data.iter().map(|&w| w.into()).collect());
    let loss = Loss { function, class_weights };
    let row = Array::of([1, scores.len()], scores.to_vec());
    let still = SGD::new(1e-30).into();
    let linear = ActivationLayer::new(Activation::Linear);
    let mut run = Run::with(&[&row], &[], loss, still, |x| x[0].apply(linear))?;
    let tally = run.engine.evaluate_on(&run.pixels, Targets::Labels(&[label]));
    Ok(tally.map_err(|e| e.to_string())?.loss)
}

pub(super) fn negative_log_likelihood(_: &Case) -> Result<Outputs, String> {
    Err("its scores are taken as logarithms of probabilities, which they are not here: our losses \
         see to it that probabilities sum to 1"
        .to_owned())
}
