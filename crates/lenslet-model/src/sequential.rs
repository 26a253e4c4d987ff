//! A network as a list of layers.

use serde::{Deserialize, Serialize};

use crate::{Graph, Layer, ModelError, Network, Shape};

/// Layers, one after the other.
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
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    /// The model's name; `sequential`.
    pub name: String,
    /// The shape of one sample, usually `(height, width, channels)`.
    pub input: Shape,
    /// The layers, first to last.
    pub layers: Vec<NamedLayer>,
}

/// A layer, its name and its inputs where the user gave them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedLayer {
    /// `None`: named automatically, as Keras does (`conv2d`, `conv2d_1`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names of the layers whose results it takes; [`INPUT`](crate::INPUT) for the network's
    /// input. Empty: the layer before it, the first the network's input.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_more")]
    pub inputs: Vec<String>,
    /// The layer.
    #[serde(flatten)]
    pub layer: Layer,
}

/// Reads a name or a list of names.
fn one_or_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected the name of a layer, or a list of names")]
    enum Names {
        One(String),
        More(Vec<String>),
    }
    Ok(match Names::deserialize(from)? {
        Names::One(name) => vec![name],
        Names::More(names) => names,
    })
}

impl Sequential {
    /// A model without layers, for samples of the shape `input`.
    pub fn new(input: impl Into<Shape>) -> Self {
        Self { name: crate::graph::default_name(), input: input.into(), layers: Vec::new() }
    }

    /// Sets the model's name.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Appends a layer.
    #[allow(clippy::should_implement_trait, reason = "Keras's name")]
    pub fn add(self, layer: impl Into<Layer>) -> Self {
        self.append(None, layer.into())
    }

    /// Appends a layer with a name of its own.
    pub fn add_named(self, name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        self.append(Some(name.into()), layer.into())
    }

    fn append(mut self, name: Option<String>, layer: Layer) -> Self {
        self.layers.push(NamedLayer { name, inputs: Vec::new(), layer });
        self
    }

    /// Infers and checks every shape.
    ///
    /// # Errors
    /// The first layer that does not fit, with its name, what came and what to do.
    pub fn build(&self) -> Result<Network, ModelError> {
        Graph::from(self.clone()).build()
    }
}
