//! The layers of a model and who takes whose result.

use lenslet_model::{INPUT, NamedLayer, Shape};
use serde_json::Value;

use super::Model;
use super::layer::{check_dtype, layer};
use crate::FormatError;
use crate::keras::object::{Object, REMEDY, short};

fn refuse(what: impl Into<String>) -> FormatError {
    FormatError::unsupported(what, REMEDY)
}

/// A model's list of layers.
fn layers<'a>(model: &Object<'a>, known: &[&str]) -> Result<&'a Vec<Value>, FormatError> {
    let config = model.config;
    if let Some(key) = config.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(refuse(format!("the key {key:?} of the model is not known")));
    }
    if let Some(policy) = config.get("dtype") {
        check_dtype(policy, "the model")?;
    }
    let layers = config.get("layers").and_then(Value::as_array);
    layers.ok_or_else(|| refuse("the model has no list of layers"))
}

/// Layer after layer.
pub(super) fn sequential(model: &Object<'_>) -> Result<Model, FormatError> {
    let known = ["name", "trainable", "dtype", "layers", "build_input_shape"];
    let all = layers(model, &known)?;
    let (mut layers, mut classes, mut input) = (Vec::new(), Vec::new(), None);
    for (index, described) in objects(all).enumerate() {
        let (name, what, object) = described?;
        if object.class == "InputLayer" {
            if index > 0 {
                return Err(refuse(format!("{what}: an input behind other layers")));
            }
            input = Some(input_layer(&object, &what)?);
            continue;
        }
        layers.push(NamedLayer {
            name: Some(name),
            inputs: Vec::new(),
            layer: layer(&object, &what)?,
        });
        classes.push(object.class.to_owned());
    }
    let built = model.config.get("build_input_shape").or(model.build);
    let (input, bytes) = match (input, built) {
        (Some(input), _) => input,
        (None, Some(shape)) => (sample(shape, "the model")?, false),
        (None, None) => {
            return Err(refuse("the model was never built: its input's shape is unknown"));
        }
    };
    Ok(Model { input, bytes, layers, classes, output: None })
}

/// Layers that name those whose results they take.
pub(super) fn functional(model: &Object<'_>) -> Result<Model, FormatError> {
    let known = ["name", "trainable", "dtype", "layers", "input_layers", "output_layers"];
    let all = layers(model, &known)?;
    let (mut layers, mut classes, mut input) = (Vec::new(), Vec::new(), None);
    for described in objects(all) {
        let (name, what, object) = described?;
        if object.class == "InputLayer" {
            if input.is_some() {
                return Err(refuse(format!("{what}: a second input")));
            }
            input = Some((name, input_layer(&object, &what)?));
            continue;
        }
        let inputs = inputs(&object, &what)?;
        layers.push(NamedLayer { name: Some(name), inputs, layer: layer(&object, &what)? });
        classes.push(object.class.to_owned());
    }
    let (input_name, (input, bytes)) = input.ok_or_else(|| refuse("the model has no input"))?;
    for name in layers.iter_mut().flat_map(|layer| &mut layer.inputs) {
        if *name == input_name {
            INPUT.clone_into(name);
        }
    }
    if end(model, "input_layers")? != input_name {
        return Err(refuse("input_layers names another layer than the model's input"));
    }
    let output = Some(end(model, "output_layers")?);
    Ok(Model { input, bytes, layers, classes, output })
}

/// Each layer's name, how messages call it, and the layer.
fn objects(
    all: &[Value],
) -> impl Iterator<Item = Result<(String, String, Object<'_>), FormatError>> {
    all.iter().enumerate().map(|(index, value)| {
        let class = value.get("class_name").and_then(Value::as_str).unwrap_or("?");
        let name = value.get("config").and_then(|config| config.get("name"));
        let name = name
            .and_then(Value::as_str)
            .ok_or_else(|| refuse(format!("layer {} ({class}) has no name", index + 1)))?;
        let what = format!("layer `{name}` ({class})");
        let object = Object::read(value, &what)?;
        Ok((name.to_owned(), what, object))
    })
}

/// The input's shape, and whether it is bytes.
fn input_layer(object: &Object<'_>, what: &str) -> Result<(Shape, bool), FormatError> {
    for (key, value) in object.config {
        match key.as_str() {
            "batch_shape" | "dtype" | "name" => {}
            "sparse" | "ragged" | "optional" if value == false => {}
            _ => return Err(refuse(format!("{what}: {key} = {} is not known", short(value)))),
        }
    }
    let shape = object.config.get("batch_shape").unwrap_or(&Value::Null);
    let bytes = match object.config.get("dtype") {
        Some(Value::String(dtype)) if dtype == "uint8" => true,
        None => false,
        Some(Value::String(dtype)) if dtype == "float32" => false,
        Some(other) => return Err(refuse(format!("{what}: an input of {}", short(other)))),
    };
    Ok((sample(shape, what)?, bytes))
}

/// A shape without its batch dimension.
fn sample(shape: &Value, what: &str) -> Result<Shape, FormatError> {
    let dims = shape.as_array().filter(|dims| !dims.is_empty()).and_then(|dims| {
        let size = |dim: &Value| dim.as_u64().and_then(|dim| usize::try_from(dim).ok());
        dims[1..].iter().map(size).collect::<Option<Vec<_>>>()
    });
    let dims = dims.ok_or_else(|| {
        refuse(format!("{what}: the input shape {} has an axis of no certain size", short(shape)))
    })?;
    Ok(Shape::new(dims))
}

/// The layers whose results a layer takes.
fn inputs(object: &Object<'_>, what: &str) -> Result<Vec<String>, FormatError> {
    let calls = object.nodes.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [call] = calls else {
        return Err(refuse(format!("{what} is used {} times, not once", calls.len())));
    };
    let odd = |value: &Value| refuse(format!("{what}: it is called with {}", short(value)));
    let parts = call.as_object().filter(|parts| parts.len() == 2).ok_or_else(|| odd(call))?;
    let kwargs = parts.get("kwargs").and_then(Value::as_object).ok_or_else(|| odd(call))?;
    for (key, value) in kwargs {
        match (key.as_str(), value) {
            ("training", Value::Null | Value::Bool(false)) | ("mask", Value::Null) => {}
            _ => return Err(refuse(format!("{what}: it is called with {key} = {}", short(value)))),
        }
    }
    let args = parts.get("args").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let tensors = match args {
        [Value::Array(tensors)] => tensors,
        tensors @ [Value::Object(_)] => tensors,
        _ => return Err(odd(call)),
    };
    tensors.iter().map(|tensor| giver(tensor).ok_or_else(|| odd(tensor))).collect()
}

/// The layer whose result a tensor is.
fn giver(tensor: &Value) -> Option<String> {
    let is_tensor = tensor.get("class_name")? == "__keras_tensor__";
    let history = tensor.get("config")?.get("keras_history")?;
    only(history).filter(|_| is_tensor)
}

/// The name in `["name", 0, 0]`: a layer's first and only result.
fn only(history: &Value) -> Option<String> {
    match history.as_array()?.as_slice() {
        [Value::String(name), node, tensor] if node == 0 && tensor == 0 => Some(name.clone()),
        _ => None,
    }
}

/// The one layer that a model begins or ends with: `["name", 0, 0]`, or a list of that alone.
fn end(model: &Object<'_>, key: &str) -> Result<String, FormatError> {
    let value = model.config.get(key).unwrap_or(&Value::Null);
    let name = only(value).or_else(|| match value.as_array()?.as_slice() {
        [one] => only(one),
        _ => None,
    });
    name.ok_or_else(|| refuse(format!("{key} = {} is not one layer", short(value))))
}
