//! A network as a list of layers.

use serde::{Deserialize, Serialize};

use crate::{Layer, ModelError, Network, Shape};

/// Layers, one after the other: the description that files hold.
///
/// ```
/// use lenslet_model::layers::{Dense, Flatten};
/// use lenslet_model::{Activation, Sequential};
/// let network = Sequential::new((28, 28, 1))
///     .add(Flatten::new())
///     .add(Dense::new(10).activation(Activation::Softmax))
///     .build()?;
/// assert_eq!(network.parameter_count(), 7_850);
/// # Ok::<(), lenslet_model::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequential {
    /// The model's name; `sequential`.
    #[serde(default = "sequential")]
    pub name: String,
    /// The shape of one sample, usually `(height, width, channels)`.
    pub input: Shape,
    /// The layers, first to last.
    pub layers: Vec<NamedLayer>,
}

/// A layer and, where the user gave it one, its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedLayer {
    /// `None`: named automatically, as Keras does (`conv2d`, `conv2d_1`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The layer.
    #[serde(flatten)]
    pub layer: Layer,
}

fn sequential() -> String {
    "sequential".to_owned()
}

impl Sequential {
    /// A model without layers, for samples of the shape `input`.
    pub fn new(input: impl Into<Shape>) -> Self {
        Self { name: sequential(), input: input.into(), layers: Vec::new() }
    }

    /// Appends a layer.
    #[allow(clippy::should_implement_trait, reason = "Keras's name")]
    pub fn add(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(NamedLayer { name: None, layer: layer.into() });
        self
    }

    /// Appends a layer with a name of its own.
    pub fn add_named(mut self, name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        self.layers.push(NamedLayer { name: Some(name.into()), layer: layer.into() });
        self
    }

    /// Infers and checks every shape.
    ///
    /// # Errors
    /// The first layer that does not fit, with its name, what came and what to do.
    pub fn build(&self) -> Result<Network, ModelError> {
        Network::new(self)
    }
}
