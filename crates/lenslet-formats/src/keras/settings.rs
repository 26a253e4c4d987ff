//! Settings that are objects in Keras: activations, initialisers and regularisers, between its form
//! and Lenslet's.

use serde_json::{Map, Value, json};

use super::object::{Object, object, short};
use crate::FormatError;

/// From Lenslet's form of a layer's settings to Keras's; the keys are the same.
pub(super) fn to_keras(settings: &mut Map<String, Value>) -> Result<(), String> {
    for (key, value) in settings.iter_mut() {
        if key == "activation" {
            *value = activation_to_keras(value)?;
        } else if key.ends_with("_initializer") {
            *value = initializer_to_keras(value);
        } else if key.ends_with("_regularizer") {
            let part = |key| value.get(key).and_then(Value::as_f64).unwrap_or(0.0);
            let config = json!({ "l1": part("l1"), "l2": part("l2") });
            *value = object("keras.regularizers", "L1L2", config);
        }
    }
    Ok(())
}

/// A name and its settings, in Lenslet's form: `"elu"` or `{"name": "elu", "alpha": 0.5}`.
fn named(value: &Value) -> (&str, Map<String, Value>) {
    let mut settings = value.as_object().cloned().unwrap_or_default();
    settings.remove("name");
    (value.as_str().or(value["name"].as_str()).unwrap_or_default(), settings)
}

fn activation_to_keras(value: &Value) -> Result<Value, String> {
    let (name, settings) = named(value);
    let class = match name {
        "hard_swish" => return Ok(json!("hard_silu")),
        _ if settings.is_empty() => return Ok(json!(name)),
        "leaky_relu" => "LeakyReLU",
        "elu" => "ELU",
        _ => return Err(format!("Keras has no activation {} by name", short(value))),
    };
    Ok(object("keras.layers", class, Value::Object(settings)))
}

/// Lenslet's `glorot_uniform` is Keras's `GlorotUniform`.
fn initializer_to_keras(value: &Value) -> Value {
    let (name, settings) = named(value);
    let class: String = name.split('_').map(capitalised).collect();
    object("keras.initializers", &class, Value::Object(settings))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// From Keras's form of a layer's settings to Lenslet's.
pub(super) fn from_keras(
    settings: &mut Map<String, Value>,
    layer: &str,
) -> Result<(), FormatError> {
    for (key, value) in settings.iter_mut() {
        let what = format!("{layer}: its {key}");
        if key == "activation" {
            *value = activation_from_keras(value, &what)?;
        } else if key.ends_with("_initializer") {
            *value = initializer_from_keras(value, &what)?;
        } else if key.ends_with("_regularizer") {
            *value = regularizer_from_keras(value, &what)?;
        }
    }
    Ok(())
}

fn activation_from_keras(value: &Value, what: &str) -> Result<Value, FormatError> {
    match value {
        Value::Null => return Ok(json!("linear")),
        // A name that Lenslet does not know is refused with the layer.
        Value::String(_) => return Ok(value.clone()),
        _ => {}
    }
    let own = Object::read(value, what)?;
    let number = |key| own.config.get(key).cloned().unwrap_or(Value::Null);
    check_layer_keys(&own, what)?;
    Ok(match own.class {
        "LeakyReLU" => json!({ "name": "leaky_relu", "negative_slope": number("negative_slope") }),
        "ELU" => json!({ "name": "elu", "alpha": number("alpha") }),
        "ReLU" => json!(rectifier(own.config).ok_or_else(|| not_one(value, what))?),
        _ => return Err(not_one(value, what)),
    })
}

/// Settings of an activation that is a layer.
fn check_layer_keys(own: &Object<'_>, what: &str) -> Result<(), FormatError> {
    const KNOWN: [&str; 8] = [
        "name",
        "trainable",
        "dtype",
        "alpha",
        "negative_slope",
        "max_value",
        "threshold",
        "activity_regularizer",
    ];
    match own.config.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(refused(format!("{what}: the key {key:?} is not known"))),
    }
}

/// Which of Lenslet's activations a `ReLU` of these settings is.
pub(super) fn rectifier(config: &Map<String, Value>) -> Option<Value> {
    let number = |key| config.get(key).and_then(Value::as_f64);
    let zero = |key| number(key).unwrap_or(0.0) == 0.0;
    let slope = number("negative_slope").unwrap_or(0.0);
    match number("max_value") {
        _ if !zero("threshold") => None,
        None if slope == 0.0 => Some(json!("relu")),
        None => Some(json!({ "name": "leaky_relu", "negative_slope": slope })),
        Some(6.0) if slope == 0.0 => Some(json!("relu6")),
        Some(_) => None,
    }
}

fn initializer_from_keras(value: &Value, what: &str) -> Result<Value, FormatError> {
    if let Value::String(_) = value {
        return Ok(value.clone());
    }
    let own = Object::read(value, what)?;
    let name = match own.class {
        "Zeros" | "Ones" | "Constant" | "RandomNormal" | "RandomUniform" | "TruncatedNormal"
        | "GlorotUniform" | "GlorotNormal" | "HeUniform" | "HeNormal" | "LecunUniform"
        | "LecunNormal" | "Orthogonal" | "Identity" => own.class,
        "IdentityInitializer" => "Identity",
        "OrthogonalInitializer" => "Orthogonal",
        "VarianceScaling" => return scaling(&own).ok_or_else(|| not_one(value, what)),
        _ => return Err(not_one(value, what)),
    };
    let mut settings = own.config.clone();
    if settings.remove("seed").is_some_and(|seed| !(seed.is_null() || seed.is_number())) {
        return Err(not_one(value, what));
    }
    if AXES.iter().any(|key| settings.remove(*key).is_some_and(|axes| !axes.is_null())) {
        return Err(not_one(value, what));
    }
    settings.insert("name".to_owned(), json!(snake(name)));
    Ok(Value::Object(settings))
}

/// Which axes count as inputs and outputs, where that is said.
const AXES: [&str; 2] = ["input_axes", "output_axes"];

fn snake(class: &str) -> String {
    let mut name = String::new();
    for letter in class.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// The named initialisers are settings of `VarianceScaling`.
fn scaling(own: &Object<'_>) -> Option<Value> {
    let known = |key: &&String| {
        ["scale", "mode", "distribution", "seed", AXES[0], AXES[1]].contains(&key.as_str())
    };
    let whole = own.config.keys().all(|key| known(&key));
    let axes = AXES.iter().all(|key| own.config.get(*key).is_none_or(Value::is_null));
    let word = |key| own.config.get(key).and_then(Value::as_str);
    let stem = match (own.config.get("scale")?.as_f64()?, word("mode")?) {
        (1.0, "fan_in") => "lecun",
        (1.0, "fan_avg") => "glorot",
        (2.0, "fan_in") => "he",
        _ => return None,
    };
    let form = match word("distribution")? {
        "uniform" => "uniform",
        "truncated_normal" => "normal",
        _ => return None,
    };
    (whole && axes).then(|| json!(format!("{stem}_{form}")))
}

fn regularizer_from_keras(value: &Value, what: &str) -> Result<Value, FormatError> {
    if value.is_null() {
        return Ok(json!({}));
    }
    let own = Object::read(value, what)?;
    match own.class {
        // Their settings are l1 and l2; what else there is is refused with the layer.
        "L1" | "L2" | "L1L2" => Ok(Value::Object(own.config.clone())),
        _ => Err(not_one(value, what)),
    }
}

fn not_one(value: &Value, what: &str) -> FormatError {
    refused(format!("{what}, {}, has no counterpart in Lenslet", short(value)))
}

fn refused(what: String) -> FormatError {
    FormatError::unsupported(what, "use another one, or export the model to ONNX and import that")
}
