//! Descriptions as text: TOML that people write, JSON that programs keep.

use crate::{Graph, ModelError, serde_hint};

/// Reads a model file.
///
/// ```
/// let model = lenslet_model::from_toml(r#"
///     input = [28, 28, 1]
///     [[layers]]
///     type = "Flatten"
///     [[layers]]
///     type = "Dense"
///     units = 10
///     activation = "softmax"
/// "#)?;
/// assert_eq!(model.layers.len(), 2);
/// # Ok::<(), lenslet_model::ModelError>(())
/// ```
///
/// # Errors
/// Where the text is no TOML, or a key or layer is unknown: with the line, and the nearest name.
pub fn from_toml(text: &str) -> Result<Graph, ModelError> {
    toml::from_str(text).map_err(|e| ModelError::Text(with_hint(&e.to_string())))
}

/// The text that [`from_toml`] reads back.
pub fn to_toml(model: &Graph) -> String {
    toml::to_string(model).expect("a description is plain data")
}

/// Reads the JSON of [`to_json`].
///
/// # Errors
/// As [`from_toml`].
pub fn from_json(text: &str) -> Result<Graph, ModelError> {
    serde_json::from_str(text).map_err(|e| ModelError::Text(with_hint(&e.to_string())))
}

/// The canonical JSON of a description: the same model gives the same text.
pub fn to_json(model: &Graph) -> String {
    serde_json::to_string_pretty(model).expect("a description is plain data")
}

/// The message in words that need no knowledge of Rust, with the nearest name where one is unknown.
fn with_hint(message: &str) -> String {
    let mut plain = message.trim_end().to_owned();
    for (theirs, ours) in [
        ("expected usize", "expected a whole number, at least 0"),
        ("expected i64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected struct Regularizer", "expected a table, as in { l2 = 0.0001 }"),
        ("floating point `", "number `"),
        ("integer `", "number `"),
    ] {
        plain = plain.replace(theirs, ours);
    }
    match serde_hint(message) {
        Some(hint) => format!("{plain}; {hint}"),
        None => plain,
    }
}
