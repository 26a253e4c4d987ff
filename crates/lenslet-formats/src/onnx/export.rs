//! From a trained network to an ONNX file.
//!
//! ONNX's convolutions take the channels first, Lenslet's layers have them last. Each value of the
//! graph knows which of the two it is, and is transposed where an operator needs the other.

mod activation;
mod builder;
mod layers;
mod window;

use lenslet_store::TrainedModel;
use prost::Message;
use serde_json::json;

use self::builder::{Builder, Value};
use super::proto::{DataType, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::FormatError;

/// The version of ONNX's operators in files that are written.
pub const OPSET: i64 = 17;
/// The version of the file format that came with them.
const IR_VERSION: i64 = 8;
/// The name of the graph's input.
const INPUT: &str = "input";
/// The name of its output.
const OUTPUT: &str = "output";

/// How the ONNX graph of a model takes its pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// Where the channels of the input are; first, as in most ONNX files.
    pub layout: Layout,
    /// Whether the input is pixels as bytes (`uint8`, 0 to 255) and the preprocessing a part of
    /// the graph; else it is `float` and what the first layer sees (0 to 1). No.
    pub bytes: bool,
}

/// Where the channels of a picture are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// `(batch, channels, height, width)`.
    #[default]
    Nchw,
    /// `(batch, height, width, channels)`.
    Nhwc,
}

/// The ONNX file of a trained model: opset 17, the batch dimension free.
///
/// Values and nodes are named after the layers (`conv2d/Conv`), weights as in Lenslet
/// (`conv2d/kernel`); the shape of every value is in the file. Its input is called `input`, its
/// output, the probabilities of the classes, `output`. The metadata have the classes' names
/// (`classes`, a JSON list) and what is done to pixels (`preprocessing`). The same model and options give
/// the same bytes.
///
/// # Errors
/// Where a layer has no counterpart in ONNX.
pub fn encode_onnx(model: &TrainedModel, options: OnnxOptions) -> Result<Vec<u8>, FormatError> {
    let mut builder = Builder::new(model);
    let input = picture(&mut builder, model, options);
    let mut values: Vec<Value> = Vec::new();
    for node in model.network.nodes() {
        builder.begin(&node.name);
        let inputs: Vec<Value> = node
            .sources
            .iter()
            .map(|source| match source {
                lenslet_model::Source::Input => input.clone(),
                lenslet_model::Source::Node(index) => values[*index].clone(),
            })
            .collect();
        values.push(layers::lower(&mut builder, node, &inputs)?);
    }
    let output = values.pop().unwrap_or(input);
    let graph = builder.finish(&output, OUTPUT);
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "lenslet".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        graph: Some(graph),
        metadata_props: metadata(model, options),
        ..ModelProto::default()
    };
    Ok(file.encode_to_vec())
}

/// The graph's input, as the first layer takes it.
fn picture(builder: &mut Builder<'_>, model: &TrainedModel, options: OnnxOptions) -> Value {
    let dims = model.network.input().dims();
    let value = Value {
        name: INPUT.to_owned(),
        dims: dims.to_vec(),
        channels_first: dims.len() > 1 && options.layout == Layout::Nchw,
    };
    if !options.bytes {
        builder.input(&value, DataType::Float);
        return value;
    }
    builder.input(&value, DataType::Uint8);
    builder.begin("preprocessing");
    let floats = builder.cast_to_float(&value);
    let scale = builder.scalar("scale", model.saved.preprocessing.scale);
    builder.like("Mul", &floats, &[scale], Vec::new())
}

fn metadata(model: &TrainedModel, options: OnnxOptions) -> Vec<StringStringEntryProto> {
    let preprocessing = json!({
        "scale": model.saved.preprocessing.scale,
        "inside": options.bytes,
        "layout": match options.layout {
            Layout::Nchw => "NCHW",
            Layout::Nhwc => "NHWC",
        },
    });
    let entry = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
    vec![
        entry("classes", json!(model.saved.classes).to_string()),
        entry("preprocessing", preprocessing.to_string()),
    ]
}
