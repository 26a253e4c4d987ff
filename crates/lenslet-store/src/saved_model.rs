//! A model with all that is needed to use it.

use std::collections::HashSet;

use lenslet_model::{Graph, Network, serde_hint};
use serde::{Deserialize, Serialize};

use crate::ContentError;
use crate::read::MOST_TEXT;

/// A network's description, its classes and how pixels reach it: all but the numbers learnt.
///
/// ```
/// use lenslet_store::SavedModel;
/// let classes = ["cat", "dog"].map(String::from).to_vec();
/// let saved = SavedModel::new(lenslet_model::cnn((32, 32, 3), 2), classes);
/// assert_eq!(SavedModel::from_json(&saved.to_json())?, saved);
/// # Ok::<(), lenslet_store::ContentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedModel {
    /// The network.
    pub model: Graph,
    /// The classes' names, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// What is done to pixels before the first layer.
    pub preprocessing: Preprocessing,
}

/// From pixel bytes to numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// A pixel's byte (0 to 255) times this is what the network sees; 1/255.
    pub scale: f64,
}

impl Default for Preprocessing {
    fn default() -> Self {
        Self { scale: 1.0 / 255.0 }
    }
}

impl SavedModel {
    /// With pixels scaled to 0 to 1.
    pub fn new(model: impl Into<Graph>, classes: Vec<String>) -> Self {
        Self { model: model.into(), classes, preprocessing: Preprocessing::default() }
    }

    /// Builds the network. What this accepts can be written and read back, so it is worth calling
    /// before a training starts.
    ///
    /// # Errors
    /// Where the network does not build or its output does not fit the classes, where a class has
    /// no name, the name of another, or one with control characters (which would reach the
    /// terminal), or where the scale is no finite number above 0.
    pub fn check(&self) -> Result<Network, ContentError> {
        let network = self.model.build()?;
        network.check_classes(self.classes.len())?;
        check_names(&self.classes)?;
        let scale = self.preprocessing.scale;
        if !(scale.is_finite() && scale > 0.0) {
            let what = format!("{scale} is out of range");
            let remedy = "it must be a finite number above 0, usually 1/255";
            return Err(ContentError::setting("preprocessing.scale", what, remedy));
        }
        Ok(network)
    }

    /// The canonical JSON: the same model gives the same text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a description is plain data")
    }

    /// Reads the JSON of [`SavedModel::to_json`].
    ///
    /// # Errors
    /// Where it is longer than 4 MiB, is no JSON, has an unknown key (the nearest known one is
    /// named) or fails [`SavedModel::check`].
    pub fn from_json(text: &str) -> Result<Self, ContentError> {
        Self::parse(text).map(|(saved, _)| saved)
    }

    /// [`SavedModel::from_json`], with the network that it builds.
    pub(crate) fn parse(text: &str) -> Result<(Self, Network), ContentError> {
        if text.len() as u64 > MOST_TEXT {
            return Err(ContentError::TooLarge { limit: MOST_TEXT });
        }
        let saved: Self = serde_json::from_str(text).map_err(|e| {
            let what = format!("the model's description cannot be read: {e}");
            let remedy = serde_hint(&e.to_string());
            ContentError::text(what, remedy.unwrap_or_else(|| "save the model again".into()))
        })?;
        let network = saved.check()?;
        Ok((saved, network))
    }
}

fn check_names(classes: &[String]) -> Result<(), ContentError> {
    let mut seen = HashSet::new();
    for name in classes {
        let what = if name.is_empty() {
            "one has no name".to_owned()
        } else if name.chars().any(char::is_control) {
            format!("the name {name:?} holds control characters")
        } else if !seen.insert(name) {
            format!("two are called `{name}`")
        } else {
            continue;
        };
        return Err(ContentError::setting("classes", what, "give each class a name of its own"));
    }
    Ok(())
}
