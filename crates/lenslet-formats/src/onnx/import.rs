//! From an ONNX graph to a network of layers.
//!
//! ONNX has the channels of a picture first, Lenslet has them last. No number is moved: each
//! [`Value`] knows in which order the graph has its axes, and constants are put into Lenslet's
//! order as they become parameters.

mod activation;
mod affine;
mod arithmetic;
mod axes;
mod dense;
mod fold;
mod grown;
mod norm;
mod operator;
mod reduce;
mod shape;
mod value;
mod window;

use lenslet_model::{Graph, Shape};

use self::axes::input;
use self::grown::Grown;
use self::operator::Operator;
use super::proto::{GraphProto, ModelProto};
use crate::{FormatError, Imported};

/// The versions of ONNX's operators that are understood.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=26;

/// Reads an ONNX file as a network: the layers of Lenslet that compute the same.
///
/// The graph has one input, whose first axis is the batch, and one output. Pictures may come with
/// the channels first or last. Layers are named after the nodes.
///
/// # Errors
/// As [`decode_model`](super::decode_model); where an operator, one of its attributes or a shape has
/// no counterpart in Lenslet (it is named); where the layers make no network.
pub fn import_onnx(bytes: &[u8]) -> Result<Imported, FormatError> {
    import_model(&super::decode_model(bytes)?)
}

/// [`import_onnx`] of a file that is decoded already.
///
/// # Errors
/// As [`import_onnx`].
pub fn import_model(model: &ModelProto) -> Result<Imported, FormatError> {
    let opset = opset(model)?;
    let graph = model.graph.as_ref().ok_or_else(|| {
        FormatError::damaged("it has no graph", "is it an ONNX model? Export it again")
    })?;
    let output = output(graph)?;
    let mut grown = Grown::new(graph)?;
    let (name, value) = input(model, graph, &grown)?;
    let (dims, bytes) = (value.dims.clone(), value.bytes);
    grown.give(name, value);
    for node in &graph.node {
        Operator::new(node, opset).and_then(|operator| operator::apply(operator, &mut grown))?;
    }
    let (layers, last, weights) = grown.finish(output)?;
    let name = if graph.name.is_empty() || graph.name.chars().any(char::is_control) {
        "imported".to_owned()
    } else {
        graph.name.clone()
    };
    let network = Graph { name, input: Shape::new(dims), output: Some(last), layers }.build()?;
    let parameters = weights.fill(&network)?;
    Ok(Imported { network, parameters, classes: classes(model)?, bytes })
}

/// The version of ONNX's own operators.
fn opset(model: &ModelProto) -> Result<i64, FormatError> {
    let own = model.opset_import.iter().find(|set| is_onnx(&set.domain));
    let version = own.map_or(1, |set| set.version);
    if OPSETS.contains(&version) {
        return Ok(version);
    }
    Err(FormatError::unsupported(
        format!("its operators are of version {version}"),
        format!("export it with an opset from {} to {}", OPSETS.start(), OPSETS.end()),
    ))
}

fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn output(graph: &GraphProto) -> Result<&str, FormatError> {
    match &graph.output[..] {
        [output] => Ok(&output.name),
        all => Err(FormatError::unsupported(
            format!("its graph has {} outputs, not one", all.len()),
            "export a model that gives the classes' probabilities alone",
        )),
    }
}

/// What Lenslet's own files say of the classes.
fn classes(model: &ModelProto) -> Result<Option<Vec<String>>, FormatError> {
    let Some(entry) = model.metadata_props.iter().find(|entry| entry.key == "classes") else {
        return Ok(None);
    };
    serde_json::from_str(&entry.value).map(Some).map_err(|e| {
        let what = format!("its metadata `classes` are no list of names: {e}");
        FormatError::damaged(
            what,
            "write them as JSON, as in [\"cat\", \"dog\"], or leave them out",
        )
    })
}
