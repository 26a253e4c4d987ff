//! Sums, products, and values behind one another.

use lenslet_model::layers::Rescaling;
use lenslet_model::{add, concatenate_along, multiply};

use super::{Outputs, one};
use crate::case::{Array, Case};
use crate::run::outputs;

fn inputs(case: &Case) -> Result<Vec<Array>, String> {
    let all = case.inputs.iter().map(|x| x.as_ref().map(Array::as_sample));
    let all: Vec<Array> = all.collect::<Option<_>>().ok_or("one of its inputs is left out")?;
    if all.len() < 2 {
        return Err("it has one input, and there is nothing to join".to_owned());
    }
    Ok(all)
}

/// Whole tensors are samples: their axes of length 1 are repeated, and so may be all of them.
pub(super) fn run(case: &Case) -> Result<Outputs, String> {
    let inputs = inputs(case)?;
    let share = 1.0 / inputs.len() as f64;
    let all: Vec<&Array> = inputs.iter().collect();
    let y = outputs(&all, &[], |x| match case.node.op_type.as_str() {
        "Mul" => multiply(x.to_vec()),
        "Sub" => add([x[0].clone(), x[1].apply(Rescaling::new(-1.0))]),
        "Mean" => add(x.to_vec()).apply(Rescaling::new(share)),
        _ => add(x.to_vec()),
    })?;
    let dims = case.outputs[0].dims.clone();
    Ok(one(y.reshaped(dims)))
}

pub(super) fn concat(case: &Case) -> Result<Outputs, String> {
    let inputs = inputs(case)?;
    let rank = inputs[0].dims.len() as i64 - 1;
    let axis = case.int("axis", 0).rem_euclid(rank) + 1;
    let all: Vec<&Array> = inputs.iter().collect();
    let y = outputs(&all, &[], |x| concatenate_along(axis, x.to_vec()))?;
    let dims = y.dims[1..].to_vec();
    Ok(one(y.reshaped(dims)))
}
