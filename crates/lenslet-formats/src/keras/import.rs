//! From a `.keras` file to a network of layers.

mod graph;
mod layer;

use std::collections::HashMap;

use lenslet_model::{Graph, NamedLayer, Network, Node, Shape};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::graph::{functional, sequential};
use super::archive::Archive;
use super::object::Object;
use super::order::groups;
use super::weights::{Named, decode, in_order};
use crate::{FormatError, Imported};

/// A model as its file has it.
struct Model {
    input: Shape,
    /// Whether the input is pixels as bytes.
    bytes: bool,
    layers: Vec<NamedLayer>,
    /// Keras's class of each layer.
    classes: Vec<String>,
    /// The layer whose result is the model's; the last.
    output: Option<String>,
}

/// Reads a `.keras` file of Keras 3 as a network.
///
/// The file is one that `model.save` has written, of a `Sequential` or `Functional` model with one
/// input and one output, each layer of it used once; compiled and trained or not: the optimiser is
/// left where it is. Layers keep their names. A layer that was frozen there (`trainable=False`) is
/// one like others here; mixed precision is full precision here.
///
/// # Errors
/// Where the bytes are no whole archive, or there is more in it than Keras writes; as
/// [`keras_weights`](super::keras_weights); where a layer, a setting or a class of its own has no
/// counterpart in Lenslet (it is named); where the layers make no network.
pub fn import_keras(bytes: &[u8]) -> Result<Imported, FormatError> {
    let archive = Archive::read(bytes)?;
    let classes = classes(&archive.metadata)?;
    let config: Value = parse(&archive.config, "config.json")?;
    let object = Object::read(&config, "the model")?;
    let model = match object.class {
        "Sequential" => sequential(&object)?,
        "Functional" | "Model" => functional(&object)?,
        other => {
            let what = format!("the model is of the class {other:?}");
            return Err(FormatError::unsupported(what, "save a Sequential or Functional model"));
        }
    };
    let Model { input, bytes, layers, classes: kinds, output } = model;
    let order: Vec<String> = layers.iter().filter_map(|layer| layer.name.clone()).collect();
    let name = object.config.get("name").and_then(Value::as_str).unwrap_or_default();
    let name =
        if name.is_empty() || name.chars().any(char::is_control) { "imported" } else { name };
    let network = Graph { name: name.to_owned(), input, output, layers }.build()?;
    let named = match classes {
        // Lenslet's own files list the layers as they were.
        Some(_) => in_order(&network),
        None => as_listed(&network, &order, &kinds),
    };
    let parameters = decode(&archive.weights, &network, &named)?;
    Ok(Imported { network, parameters, classes, bytes })
}

/// Keras lists layers in the order in which their weights are called.
fn as_listed<'a>(network: &'a Network, order: &[String], kinds: &[String]) -> Vec<Named<'a>> {
    let nodes: HashMap<&str, &Node> =
        network.nodes().iter().map(|node| (node.name.as_str(), node)).collect();
    let nodes = order.iter().map(|name| nodes[name.as_str()]);
    groups(kinds.iter().map(String::as_str)).into_iter().zip(nodes).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    keras_version: String,
    #[serde(rename = "date_saved")]
    _date: Option<String>,
    lenslet: Option<Own>,
}

/// What Lenslet's own files say besides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    classes: Vec<String>,
    #[serde(rename = "preprocessing")]
    _preprocessing: Value,
}

/// The classes' names, where the file has them.
fn classes(metadata: &[u8]) -> Result<Option<Vec<String>>, FormatError> {
    let Metadata { keras_version, lenslet, .. } = parse(metadata, "metadata.json")?;
    if keras_version.split('.').next() != Some("3") {
        let what = format!("it is of Keras {keras_version}");
        return Err(FormatError::unsupported(what, "save it with Keras 3"));
    }
    Ok(lenslet.map(|own| own.classes))
}

fn parse<T: DeserializeOwned>(text: &[u8], name: &str) -> Result<T, FormatError> {
    serde_json::from_slice(text).map_err(|e| {
        FormatError::damaged(format!("{name} in it cannot be read: {e}"), "save the model again")
    })
}
