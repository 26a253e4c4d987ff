//! Keras's objects in JSON: `{"module": ..., "class_name": ..., "config": {...}, ...}`.

use serde_json::{Map, Value, json};

use crate::FormatError;

pub(super) const REMEDY: &str =
    "Lenslet reads Keras's own layers alone, and no code; save a model of those";

/// An object of one of Keras's own classes.
pub(super) struct Object<'a> {
    pub(super) class: &'a str,
    pub(super) config: &'a Map<String, Value>,
    /// What a graph's layer has besides.
    pub(super) nodes: Option<&'a Value>,
    /// The shape for which it was built.
    pub(super) build: Option<&'a Value>,
}

impl<'a> Object<'a> {
    /// Reads an object; `what` it is, for messages.
    pub(super) fn read(value: &'a Value, what: &str) -> Result<Self, FormatError> {
        let refuse =
            |problem: String| FormatError::unsupported(format!("{what}: {problem}"), REMEDY);
        let object = value
            .as_object()
            .ok_or_else(|| refuse(format!("{} is no object of Keras's", short(value))))?;
        let word = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let (module, class) = (word("module"), word("class_name"));
        if class == "Lambda" || class == "__lambda__" {
            return Err(refuse(format!("{class:?} holds code, which is never run")));
        }
        if !is_own(module) {
            return Err(refuse(format!(
                "{class:?} of the module {module:?} is none of Keras's own"
            )));
        }
        match object.get("registered_name") {
            None | Some(Value::Null) => {}
            Some(Value::String(name)) if name == class => {}
            Some(name) => return Err(refuse(format!("{} is a class of its own", short(name)))),
        }
        const KNOWN: [&str; 9] = [
            "module",
            "class_name",
            "config",
            "registered_name",
            "build_config",
            "compile_config",
            "name",
            "inbound_nodes",
            "shared_object_id",
        ];
        if let Some(key) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(refuse(format!("the key {key:?} of {class:?} is not known")));
        }
        let config = object.get("config").and_then(Value::as_object);
        let config = config.ok_or_else(|| refuse(format!("{class:?} has no config")))?;
        let build = object.get("build_config").and_then(|build| build.get("input_shape"));
        Ok(Self { class, config, nodes: object.get("inbound_nodes"), build })
    }
}

/// Whether it is one of Keras's own modules.
fn is_own(module: &str) -> bool {
    module == "keras" || module.starts_with("keras.")
}

/// An object as Keras writes it.
pub(super) fn object(module: &str, class: &str, config: Value) -> Value {
    json!({ "module": module, "class_name": class, "config": config, "registered_name": null })
}

/// A value for a message.
pub(super) fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}
