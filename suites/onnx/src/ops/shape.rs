//! Other shapes, and borders.

use lenslet_model::Borders;
use lenslet_model::layers::{Flatten, Rescaling, Reshape, ZeroPadding2D};

use super::{Outputs, first, one};
use crate::case::{Array, Case};
use crate::run::outputs;

/// The whole tensor is a sample; what its shape becomes, the layer works out where it can.
pub(super) fn reshape(case: &Case) -> Result<Outputs, String> {
    let x = first(case)?;
    if x.data.is_empty() {
        return Err("there are no numbers".to_owned());
    }
    if case.node.op_type == "Flatten" && case.int("axis", 1) == 1 && x.dims.len() > 1 {
        return Ok(one(outputs(&[x], &[], |x| x[0].apply(Flatten::new()))?));
    }
    let expected = &case.outputs[0].dims;
    let mut target: Vec<i64> = expected.iter().map(|&dim| dim as i64).collect();
    if let ("Reshape", Some(shape)) = (case.node.op_type.as_str(), case.input(1)) {
        // A zero is ONNX's word for the axis that was there.
        for (target, &asked) in target.iter_mut().zip(&shape.data) {
            *target = if asked < 0.0 { -1 } else { *target };
        }
    }
    if target.is_empty() {
        return Err("a single number has no shape".to_owned());
    }
    let y = outputs(&[&x.as_sample()], &[], |x| x[0].apply(Reshape::new(target)))?;
    let dims = y.dims[1..].to_vec();
    Ok(one(y.reshaped(dims)))
}

/// Zeros around a picture; another number is made zero before, and itself again after.
pub(super) fn pad(case: &Case) -> Result<Outputs, String> {
    if case.text("mode", "constant") != "constant" {
        return Err("what is around is no constant".to_owned());
    }
    let x = first(case)?;
    let rank = x.dims.len();
    let pads = case.input(1).ok_or("its pads are an attribute")?;
    let axes: Vec<usize> = match case.input(3) {
        Some(axes) => {
            axes.data.iter().map(|&axis| (axis as i64).rem_euclid(rank as i64) as usize).collect()
        }
        None => (0..rank).collect(),
    };
    let mut sides = vec![[0.0; 2]; rank];
    for (i, &axis) in axes.iter().enumerate() {
        sides[axis] = [pads.data[i], pads.data[axes.len() + i]];
    }
    if sides.iter().flatten().any(|&pad| pad < 0.0) {
        return Err("it cuts off what it pads elsewhere".to_owned());
    }
    // The axes that grow are a picture's rows and columns; those between and around are the others.
    let grown: Vec<usize> = (0..rank).filter(|&axis| sides[axis] != [0.0; 2]).collect();
    if grown.len() > 2 {
        return Err("more than two axes grow".to_owned());
    }
    let others: Vec<usize> = (0..rank).filter(|axis| !grown.contains(axis)).collect();
    let order: Vec<usize> = grown.iter().chain(&others).copied().collect();
    let turned = x.transposed(&order);
    let length = |i: usize| grown.get(i).map_or(1, |&axis| x.dims[axis]);
    let (height, width) = (length(0), length(1));
    let picture = Array::of([1, height, width, turned.data.len() / height / width], turned.data);
    let side = |i: usize, end: usize| grown.get(i).map_or(0, |&axis| sides[axis][end] as usize);
    let borders =
        Borders { top: side(0, 0), bottom: side(0, 1), left: side(1, 0), right: side(1, 1) };
    let value = case.input(2).map_or(0.0, |value| f64::from(value.data[0]));
    let y = outputs(&[&picture], &[], |x| {
        let lowered = x[0].apply(Rescaling::new(1.0).offset(-value));
        lowered.apply(ZeroPadding2D::new(borders)).apply(Rescaling::new(1.0).offset(value))
    })?;
    let back: Vec<usize> =
        (0..rank).map(|axis| order.iter().position(|&o| o == axis).unwrap_or(0)).collect();
    let dims: Vec<usize> = order.iter().map(|&axis| case.outputs[0].dims[axis]).collect();
    Ok(one(y.reshaped(dims).transposed(&back)))
}
