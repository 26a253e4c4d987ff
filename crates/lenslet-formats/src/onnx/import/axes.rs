//! Which axis is which.

use super::super::proto::{DataType, Dimension, GraphProto, ModelProto, NodeProto, ValueInfoProto};
use super::grown::Grown;
use super::value::{Giver, Value};
use crate::FormatError;

/// How far a picture is followed to find out where its channels are.
const FAR: usize = 16;

/// Axis `axis` of `axes`, where negative ones count from the end.
pub(super) fn from_end(axis: i64, axes: usize) -> Option<usize> {
    let from_end = if axis < 0 { axis.checked_add(i64::try_from(axes).ok()?)? } else { axis };
    usize::try_from(from_end).ok().filter(|&axis| axis < axes)
}

/// The graph's one input.
pub(super) fn input<'a>(
    model: &'a ModelProto,
    graph: &'a GraphProto,
    grown: &Grown,
) -> Result<(&'a str, Value), FormatError> {
    // Old files list the constants here, too.
    let mut inputs = graph.input.iter().filter(|input| grown.constant(&input.name).is_none());
    let (Some(input), None) = (inputs.next(), inputs.next()) else {
        let what = "its graph does not have one input";
        return Err(FormatError::unsupported(what, "export a model that takes pictures alone"));
    };
    let (dims, kind) = sample(input)?;
    let order = match dims.len() {
        3 if !channels_last(model, graph, &input.name, &dims) => vec![2, 0, 1],
        axes => (0..axes).collect(),
    };
    let ours = super::value::inverse(&order).into_iter().map(|axis| dims[axis]).collect();
    let mut value = Value::new(Giver::Input, ours, order);
    value.bytes = kind == DataType::Uint8;
    Ok((&input.name, value))
}

/// The shape of one sample, and the type of its numbers.
fn sample(input: &ValueInfoProto) -> Result<(Vec<usize>, DataType), FormatError> {
    let refuse = |what: &str| {
        let what = format!("its input {:?} {what}", input.name);
        FormatError::unsupported(
            what,
            "export it for float, with a size for every axis but the first",
        )
    };
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| refuse("has no type"))?;
    let kind = DataType::try_from(tensor.elem_type).unwrap_or(DataType::Undefined);
    if !matches!(kind, DataType::Float | DataType::Uint8) {
        return Err(refuse("is neither of type float nor of type uint8"));
    }
    let shape = tensor.shape.as_ref().ok_or_else(|| refuse("has no shape"))?;
    let Some((_batch, sizes)) = shape.dim.split_first().filter(|(_, sizes)| !sizes.is_empty())
    else {
        return Err(refuse("has no axis for the batch and one for the sample"));
    };
    let size = |dimension: &super::super::proto::DimensionProto| match dimension.value {
        Some(Dimension::Value(size)) => usize::try_from(size).ok(),
        _ => None,
    };
    let sizes: Option<Vec<usize>> = sizes.iter().map(size).collect();
    let sizes = sizes.filter(|sizes| super::value::is_sample(sizes));
    Ok((sizes.ok_or_else(|| refuse("has an axis of no certain or of too large a size"))?, kind))
}

/// Whether a picture comes with the channels last: as Lenslet's own files say, else by what is done
/// to it first.
fn channels_last(model: &ModelProto, graph: &GraphProto, input: &str, dims: &[usize]) -> bool {
    let ours = model.metadata_props.iter().find(|entry| entry.key == "preprocessing");
    let ours = ours.and_then(|entry| serde_json::from_str(&entry.value).ok());
    let layout: Option<serde_json::Value> = ours;
    if let Some(layout) = layout.as_ref().and_then(|all| all.get("layout")) {
        return layout == "NHWC";
    }
    let mut name = input;
    for _ in 0..FAR {
        let taker = graph.node.iter().find(|node| node.input.iter().any(|input| input == name));
        let Some(taker) = taker else { return false };
        match taker.op_type.as_str() {
            "Cast" | "Identity" | "Add" | "Sub" | "Mul" | "Div" => match taker.output.first() {
                Some(output) => name = output,
                None => return false,
            },
            "Transpose" => return perm(taker) == Some(&[0, 3, 1, 2]),
            // Nothing tells but the sizes: few channels, many rows.
            "Flatten" | "Reshape" => return dims[2] <= 4 && dims[0] > 4,
            _ => return false,
        }
    }
    false
}

fn perm(node: &NodeProto) -> Option<&[i64]> {
    node.attribute.iter().find(|attribute| attribute.name == "perm").map(|a| &a.ints[..])
}
