//! A network as a graph of layers: the description that files hold.

use serde::{Deserialize, Serialize};

use crate::{Activation, ModelError, NamedLayer, Network, Sequential, Shape};

/// The name by which layers take the network's input.
pub const INPUT: &str = "input_layer";

/// Layers with names and inputs: any graph without cycles, from one input to one output.
///
/// A layer without `inputs` takes the result of the one before it, so that a list of layers
/// without any is a chain: a [`Sequential`] in another form. The order is free; what runs first
/// follows from the inputs.
///
/// ```
/// let text = r#"
///     input = [8, 8, 3]
///     [[layers]]
///     name = "a"
///     type = "Conv2D"
///     filters = 4
///     kernel_size = 1
///     [[layers]]
///     type = "Activation"
///     activation = "relu"
///     [[layers]]
///     type = "Add"
///     inputs = ["a", "activation"]
/// "#;
/// let network = lenslet_model::from_toml(text)?.build()?;
/// assert_eq!(network.output().dims(), [8, 8, 4]);
/// # Ok::<(), lenslet_model::ModelError>(())
/// ```
///
/// In a program graphs are made with [`Input`](crate::Input).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// The model's name; `sequential`.
    #[serde(default = "default_name")]
    pub name: String,
    /// The shape of one sample, usually `(height, width, channels)`.
    pub input: Shape,
    /// The name of the layer whose result is the network's; the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The layers.
    pub layers: Vec<NamedLayer>,
}

pub(crate) fn default_name() -> String {
    "sequential".to_owned()
}

impl Graph {
    /// Sets the model's name.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Whether it is written as a chain: no layer names its inputs.
    pub fn is_sequential(&self) -> bool {
        self.output.is_none() && self.layers.iter().all(|layer| layer.inputs.is_empty())
    }

    /// Changes what the layer that is written last does to its outputs, if it does anything:
    /// [`Activation::Sigmoid`] for samples with any number of labels, in place of a softmax.
    ///
    /// ```
    /// use lenslet_model::{Activation, zoo_model};
    /// let model = zoo_model("resnet20", (32, 32, 3), 5)?.last_activation(Activation::Sigmoid);
    /// assert!(model.build()?.gives_many_labels());
    /// # Ok::<(), lenslet_model::ModelError>(())
    /// ```
    pub fn last_activation(mut self, activation: Activation) -> Self {
        if let Some(last) = self.layers.last_mut() {
            last.layer.set_activation(activation);
        }
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

impl From<Sequential> for Graph {
    fn from(Sequential { name, input, layers }: Sequential) -> Self {
        Self { name, input, output: None, layers }
    }
}
