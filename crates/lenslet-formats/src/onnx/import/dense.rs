//! Products with matrices.

use lenslet_model::layers::Dense;

use super::grown::Grown;
use super::operator::Operator;
use super::value::{Giver, Value};
use crate::FormatError;
use crate::permute::permuted;

/// `A B + C` with constants `B` and `C`.
pub(super) fn gemm(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    node.only("transA", 0)?;
    for name in ["alpha", "beta"] {
        let factor = node.float(name, 1.0)?;
        if factor != 1.0 {
            return Err(node.no_layer(format!("{name} = {factor}")));
        }
    }
    let transposed = node.int("transB", 0)? != 0;
    let x = node.whole(0, grown)?;
    let (dims, numbers) = matrix(node, grown)?;
    let (dims, numbers) = match transposed {
        true => ([dims[1], dims[0]], permuted(&numbers, &dims, &[1, 0])),
        false => (dims, numbers),
    };
    if x.dims.len() != 1 {
        return Err(node.no_layer("its input is no vector: flatten it first"));
    }
    let bias = match node.floats(2, grown)? {
        Some((_, bias)) if bias.len() == dims[1] => Some(bias),
        Some((_, bias)) if bias.len() == 1 => Some(vec![bias[0]; dims[1]]),
        Some((shape, _)) => {
            return Err(node.no_layer(format!("C has the shape {shape:?}, not [{}]", dims[1])));
        }
        None => None,
    };
    multiply(node, grown, &x, dims, &numbers, bias)
}

/// `A B` with a constant `B`, over the last axis of `A`.
pub(super) fn mat_mul(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let x = node.whole(0, grown)?;
    let (dims, numbers) = matrix(node, grown)?;
    if x.dims.len() > 1 && !x.lies_as_ours() {
        return Err(node.no_layer("it multiplies another axis than the channels"));
    }
    multiply(node, grown, &x, dims, &numbers, None)
}

fn matrix(node: &Operator<'_>, grown: &Grown) -> Result<([usize; 2], Vec<f32>), FormatError> {
    let (dims, numbers) = node.floats(1, grown)?.ok_or_else(|| node.missing(1))?;
    match dims[..] {
        [rows, columns] => Ok(([rows, columns], numbers)),
        _ => Err(node.no_layer(format!("B has the shape {dims:?}, it is no matrix"))),
    }
}

fn multiply(
    node: &Operator<'_>,
    grown: &mut Grown,
    x: &Value,
    [inputs, units]: [usize; 2],
    numbers: &[f32],
    bias: Option<Vec<f32>>,
) -> Result<(), FormatError> {
    if inputs != x.channels() {
        let what = format!("B has {inputs} rows for {} numbers", x.channels());
        return Err(node.error(what, "export it again"));
    }
    let layer = grown.add(node, Dense::new(units).use_bias(bias.is_some()), &[x]);
    grown.weigh(layer, "kernel", x.unscrambled(numbers, units));
    if let Some(bias) = bias {
        grown.weigh(layer, "bias", bias);
    }
    let mut dims = x.dims.clone();
    *dims.last_mut().expect("it has a last axis") = units;
    let order = (0..dims.len()).collect();
    grown.give(node.output()?, Value::new(Giver::Layer(layer), dims, order));
    Ok(())
}
