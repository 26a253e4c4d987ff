//! A layer: its settings have the same names and meanings in Keras and Lenslet, but for a few.

use lenslet_model::{Layer, nearest, serde_hint};
use serde_json::{Map, Value, json};

use crate::FormatError;
use crate::keras::object::{Object, REMEDY, short};
use crate::keras::settings::{from_keras, rectifier};

/// The classes that Lenslet has layers for.
const KNOWN: [&str; 29] = [
    "Conv2D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "MaxPooling2D",
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "ZeroPadding2D",
    "Cropping2D",
    "Reshape",
    "Flatten",
    "Dense",
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "BatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "Rescaling",
    "Normalization",
    "Add",
    "Multiply",
    "Concatenate",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "PReLU",
    "Softmax",
];

/// The layer that computes the same.
pub(super) fn layer(object: &Object<'_>, what: &str) -> Result<Layer, FormatError> {
    let class = object.class;
    if !KNOWN.contains(&class) {
        let near = nearest(class, KNOWN);
        let near = near.map_or(String::new(), |near| format!(" (it has {near})"));
        let words = format!("{what}: Lenslet has no such layer{near}");
        return Err(FormatError::unsupported(words, "use other layers, or import it from ONNX"));
    }
    let mut settings = object.config.clone();
    common(&mut settings, what)?;
    from_keras(&mut settings, what)?;
    let kind = own(class, &mut settings, what)?;
    settings.insert("type".to_owned(), json!(kind));
    serde_json::from_value(Value::Object(settings)).map_err(|e| {
        let words = e.to_string();
        let remedy = serde_hint(&words).unwrap_or_else(|| REMEDY.to_owned());
        FormatError::unsupported(format!("{what}: {words}"), remedy)
    })
}

/// Takes away what all layers have, and what says nothing.
fn common(settings: &mut Map<String, Value>, what: &str) -> Result<(), FormatError> {
    settings.remove("name");
    must(settings, "trainable", what, Value::is_boolean)?;
    must(settings, "data_format", what, |it| it.is_null() || it == "channels_last")?;
    must(settings, "quantization_config", what, Value::is_null)?;
    if let Some(policy) = settings.remove("dtype") {
        check_dtype(&policy, what)?;
    }
    let constraints = settings.keys().filter(|key| key.ends_with("_constraint"));
    for key in constraints.cloned().collect::<Vec<_>>() {
        must(settings, &key, what, Value::is_null)?;
    }
    if settings.get("activity_regularizer").is_some_and(Value::is_null) {
        settings.remove("activity_regularizer");
    }
    Ok(())
}

/// Takes a setting away, which must be as Lenslet has it.
fn must(
    settings: &mut Map<String, Value>,
    key: &str,
    what: &str,
    is_ours: impl Fn(&Value) -> bool,
) -> Result<(), FormatError> {
    match settings.remove(key) {
        Some(value) if !is_ours(&value) => {
            let words = format!("{what}: {key} = {} has no counterpart in Lenslet", short(&value));
            Err(FormatError::unsupported(words, "leave it as it is by default"))
        }
        _ => Ok(()),
    }
}

/// Numbers of 32 bits; those of mixed precision have them too, where they are kept.
pub(super) fn check_dtype(policy: &Value, what: &str) -> Result<(), FormatError> {
    let name = match policy {
        Value::Null => return Ok(()),
        Value::String(name) => name.as_str(),
        _ => {
            let own = Object::read(policy, &format!("{what}: its dtype"))?;
            let name = own.config.get("name").filter(|_| own.class == "DTypePolicy");
            name.and_then(Value::as_str).unwrap_or(own.class)
        }
    };
    if matches!(name, "float32" | "mixed_float16" | "mixed_bfloat16") {
        return Ok(());
    }
    let words = format!("{what}: its numbers are {name}, not float32");
    Err(FormatError::unsupported(words, "save the model in float32"))
}

/// What a class has that Lenslet's layer has not, or otherwise. Gives the type in Lenslet.
fn own(
    class: &str,
    settings: &mut Map<String, Value>,
    what: &str,
) -> Result<&'static str, FormatError> {
    let no = |value: &Value| value == false;
    match class {
        "BatchNormalization" => {
            must(settings, "renorm", what, no)?;
            // How it was trained: the numbers are there.
            for key in ["synchronized", "renorm_clipping", "renorm_momentum"] {
                settings.remove(key);
            }
            settings.remove("moving_mean_initializer");
            settings.remove("moving_variance_initializer");
        }
        "LayerNormalization" => must(settings, "rms_scaling", what, no)?,
        "Dropout" | "SpatialDropout2D" | "GaussianNoise" => {
            must(settings, "noise_shape", what, Value::is_null)?;
            must(settings, "seed", what, |seed| seed.is_null() || seed.is_number())?;
        }
        "PReLU" if settings.get("shared_axes").is_some_and(Value::is_null) => {
            settings.remove("shared_axes");
        }
        "Normalization" => {
            must(settings, "invert", what, no)?;
            for key in ["mean", "variance"] {
                if let Some(numbers) = settings.remove(key).filter(|numbers| !numbers.is_null()) {
                    let mut flat = Vec::new();
                    flatten(numbers, &mut flat);
                    settings.insert(key.to_owned(), Value::Array(flat));
                }
            }
        }
        "ReLU" => return re_lu(settings, what),
        _ => {}
    }
    Ok(KNOWN.into_iter().find(|known| *known == class).expect("the class was looked up"))
}

/// Numbers in lists of lists, one after the other.
fn flatten(numbers: Value, to: &mut Vec<Value>) {
    match numbers {
        Value::Array(parts) => parts.into_iter().for_each(|part| flatten(part, to)),
        number => to.push(number),
    }
}

/// A rectifier with a limit or a slope is another layer here.
fn re_lu(settings: &mut Map<String, Value>, what: &str) -> Result<&'static str, FormatError> {
    let rectifier = rectifier(settings).ok_or_else(|| {
        let words = format!("{what}: {} has no counterpart in Lenslet", short(&json!(settings)));
        FormatError::unsupported(words, "use max_value = 6 or none, and threshold = 0")
    })?;
    for key in ["max_value", "negative_slope", "threshold"] {
        settings.remove(key);
    }
    if rectifier == "relu" {
        return Ok("ReLU");
    }
    settings.insert("activation".to_owned(), rectifier);
    Ok("Activation")
}
