//! From a trained network to a `.keras` file.

use lenslet_model::layers::{Normalization, Rescaling};
use lenslet_model::{Layer, Network, Node, Shape, Source};
use lenslet_store::TrainedModel;
use serde_json::{Map, Value, json};

use super::archive::Archive;
use super::object::object;
use super::settings::to_keras;
use super::weights::encode;
use crate::FormatError;
use crate::imported::prepend;

/// The name of the model's input.
const INPUT: &str = "input_layer";
/// Who reads what is written: the layers are the same in all of Keras 3.
const KERAS: &str = "3.0.0";
/// The same model gives the same bytes, on any day.
const SAVED: &str = "1980-01-01@00:00:00";

/// How the Keras model takes its pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KerasOptions {
    /// Whether the input is pixels as bytes (`uint8`, 0 to 255) and a `Rescaling` the first layer;
    /// else it is `float32` and what the first layer sees (0 to 1). No.
    pub bytes: bool,
}

/// The `.keras` file of a trained model, which Keras 3 loads with `keras.models.load_model` in safe
/// mode: a `Sequential` where the layers are a list, else a `Functional` model.
///
/// Layers have Lenslet's names. `metadata.json` has the classes' names and what is done to pixels
/// under `lenslet`, which Keras leaves alone. The same model and options give the same bytes.
///
/// # Errors
/// Where Keras does not have a layer (`Maxout`, `SumPool2D`) or an activation with these settings (a
/// GELU by tanh).
pub fn encode_keras(model: &TrainedModel, options: KerasOptions) -> Result<Vec<u8>, FormatError> {
    let scale = model.saved.preprocessing.scale;
    let network = match options.bytes {
        true => {
            let mut graph = model.network.description().clone();
            let is_sequential = graph.is_sequential();
            prepend(&mut graph, Rescaling::new(scale));
            if is_sequential {
                graph.layers.iter_mut().for_each(|layer| layer.inputs.clear());
            }
            &graph.build()?
        }
        false => &model.network,
    };
    let input = input_layer(network.input(), if options.bytes { "uint8" } else { "float32" });
    let config = match network.description().is_sequential() {
        true => sequential(network, input)?,
        false => functional(network, input)?,
    };
    let metadata = json!({
        "keras_version": KERAS,
        "date_saved": SAVED,
        "lenslet": {
            "classes": model.saved.classes,
            "preprocessing": { "scale": scale, "inside": options.bytes },
        },
    });
    let archive = Archive {
        metadata: metadata.to_string().into_bytes(),
        config: config.to_string().into_bytes(),
        weights: encode(network, &model.parameters),
    };
    Ok(archive.write())
}

fn sequential(network: &Network, input: Value) -> Result<Value, FormatError> {
    let mut layers = vec![input];
    for node in network.nodes() {
        layers.push(layer(node)?);
    }
    let config = json!({ "name": network.name(), "layers": layers });
    let mut model = object("keras", "Sequential", config);
    model["build_config"] = json!({ "input_shape": batch(network.input()) });
    Ok(model)
}

fn functional(network: &Network, mut input: Value) -> Result<Value, FormatError> {
    input["name"] = json!(INPUT);
    input["inbound_nodes"] = json!([]);
    let dtype = input["config"]["dtype"].clone();
    let mut layers = vec![input];
    for node in network.nodes() {
        let values = node.sources.iter().map(|source| match *source {
            Source::Input => tensor(INPUT, network.input(), &dtype),
            Source::Node(index) => {
                let before = &network.nodes()[index];
                tensor(&before.name, &before.output, &json!("float32"))
            }
        });
        let values: Vec<Value> = values.collect();
        // Layers of one input take it as it is, others a list.
        let args = match &values[..] {
            [one] => json!([one]),
            _ => json!([values]),
        };
        let mut layer = layer(node)?;
        layer["name"] = json!(node.name);
        layer["inbound_nodes"] = json!([{ "args": args, "kwargs": {} }]);
        layers.push(layer);
    }
    let last = network.nodes().last().expect("a network has layers");
    let config = json!({
        "name": network.name(),
        "trainable": true,
        "layers": layers,
        "input_layers": [INPUT, 0, 0],
        "output_layers": [last.name, 0, 0],
    });
    let mut model = object("keras.src.models.functional", "Functional", config);
    model["registered_name"] = json!("Functional");
    Ok(model)
}

/// A shape with a batch dimension.
fn batch(shape: &Shape) -> Vec<Option<usize>> {
    std::iter::once(None).chain(shape.dims().iter().map(|&dim| Some(dim))).collect()
}

fn tensor(name: &str, shape: &Shape, dtype: &Value) -> Value {
    let config = json!({ "shape": batch(shape), "dtype": dtype, "keras_history": [name, 0, 0] });
    json!({ "class_name": "__keras_tensor__", "config": config })
}

fn input_layer(shape: &Shape, dtype: &str) -> Value {
    let config = json!({ "batch_shape": batch(shape), "dtype": dtype, "name": INPUT });
    object("keras.layers", "InputLayer", config)
}

/// A layer and its settings: Keras's names and defaults are Lenslet's.
fn layer(node: &Node) -> Result<Value, FormatError> {
    let kind = node.layer.kind();
    let refuse = |what: String| {
        FormatError::unsupported(
            format!("layer `{}` ({kind}): {what}", node.name),
            "export to ONNX, or use another layer",
        )
    };
    if matches!(node.layer, Layer::SumPool2D(_) | Layer::Maxout(_)) {
        return Err(refuse("Keras has no such layer".to_owned()));
    }
    let settings = serde_json::to_value(&node.layer).expect("a description is plain data");
    let Value::Object(mut settings) = settings else { unreachable!("a layer is a table") };
    settings.remove("type");
    to_keras(&mut settings).map_err(refuse)?;
    if let Layer::Normalization(layer) = &node.layer {
        statistics(&mut settings, layer, &node.input);
    }
    settings.insert("name".to_owned(), json!(node.name));
    settings.insert("dtype".to_owned(), json!("float32"));
    if has_data_format(&node.layer) {
        settings.insert("data_format".to_owned(), json!("channels_last"));
    }
    Ok(object("keras.layers", kind, Value::Object(settings)))
}

/// Mean and variance as Keras has them: one number, or as many as there are places along the axes,
/// in a list for each axis.
fn statistics(settings: &mut Map<String, Value>, layer: &Normalization, input: &Shape) {
    let places = layer.places(input).expect("the network was built");
    // Its axes are the last ones.
    let dims = input.dims();
    let first = (0..=dims.len()).find(|&at| dims[at..].iter().product::<usize>() == places);
    let dims = &dims[first.unwrap_or(0)..];
    for key in ["mean", "variance"] {
        let Some(Value::Array(numbers)) = settings.remove(key) else { continue };
        let value = match &numbers[..] {
            [one] => one.clone(),
            _ => nested(&numbers, dims),
        };
        settings.insert(key.to_owned(), value);
    }
}

fn nested(numbers: &[Value], dims: &[usize]) -> Value {
    match dims {
        [] | [_] => json!(numbers),
        [first, rest @ ..] => {
            let parts = numbers.chunks(numbers.len() / first);
            Value::Array(parts.map(|part| nested(part, rest)).collect())
        }
    }
}

/// Whether the class has to be told where the channels are.
fn has_data_format(layer: &Layer) -> bool {
    matches!(
        layer,
        Layer::Conv2D(_)
            | Layer::DepthwiseConv2D(_)
            | Layer::SeparableConv2D(_)
            | Layer::MaxPool2D(_)
            | Layer::AveragePool2D(_)
            | Layer::GlobalAveragePooling2D(_)
            | Layer::GlobalMaxPooling2D(_)
            | Layer::ZeroPadding2D(_)
            | Layer::Cropping2D(_)
            | Layer::SpatialDropout2D(_)
            | Layer::Flatten(_)
    )
}
