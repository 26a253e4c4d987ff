//! A network from another program's file, and what makes it one of Lenslet's.

use lenslet_model::layers::{Normalization, Rescaling};
use lenslet_model::{Activation, Graph, INPUT, Layer, ModelError, NamedLayer, Network, Problem};
use lenslet_store::{SavedModel, TrainedModel};

use crate::FormatError;

/// A network that was read from a file of another program.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The network.
    pub network: Network,
    /// Its flat parameter buffer.
    pub parameters: Vec<f32>,
    /// The classes' names, where the file has them.
    pub classes: Option<Vec<String>>,
    /// Whether the input is pixels as bytes (0 to 255), as the type of the file's input says; else
    /// it is what the file's network was trained on.
    pub bytes: bool,
}

impl Imported {
    /// With pixels from 0 to 1 as input, as all of Lenslet's networks have it: where the network
    /// wants bytes, a first layer multiplies by 255, or one that divided by it goes.
    ///
    /// # Errors
    /// Where the layers do not fit any more; never for a network that was read.
    pub fn with_unit_pixels(self) -> Result<Self, FormatError> {
        if !self.bytes {
            return Ok(self);
        }
        let mut graph = self.network.description().clone();
        match only_reader(&graph) {
            Some(first) if divides_by_255(&graph.layers[first].layer) && graph.layers.len() > 1 => {
                remove(&mut graph, first);
            }
            _ => prepend(&mut graph, Rescaling::new(255.0)),
        }
        Ok(Self { bytes: false, ..self.rebuilt(graph)? })
    }

    /// Whether the one layer that takes the input divides it by 255: then it most likely is
    /// [`bytes`](Self::bytes), even where the file has it as floating-point numbers, as Keras does.
    pub fn begins_with_division(&self) -> bool {
        let graph = self.network.description();
        only_reader(graph).is_some_and(|first| divides_by_255(&graph.layers[first].layer))
    }

    /// With `(x - mean) / std` of each channel before the first layer: what the network's pictures,
    /// from 0 to 1, went through before it saw them.
    ///
    /// # Errors
    /// Where there is not one number for each channel, or one for all, or a deviation is not above 0.
    pub fn with_normalization(self, mean: &[f64], std: &[f64]) -> Result<Self, FormatError> {
        if let Some(wrong) = std.iter().find(|&&std| !(std.is_finite() && std > 0.0)) {
            let problem = Problem::new(format!("{wrong} is out of range"), "give numbers above 0");
            return Err(ModelError::Setting { setting: "std".to_owned(), problem }.into());
        }
        let variance: Vec<f64> = std.iter().map(|std| std * std).collect();
        let mut graph = self.network.description().clone();
        prepend(&mut graph, Normalization::with(mean, variance));
        self.rebuilt(graph)
    }

    /// With a softmax behind the last layer, where there is none: PyTorch's networks end without.
    ///
    /// # Errors
    /// As [`Self::with_unit_pixels`].
    pub fn with_softmax(self) -> Result<Self, FormatError> {
        let last = self.network.nodes().last().expect("a network has layers");
        if gives_probabilities(&last.layer) {
            return Ok(self);
        }
        let (name, inputs) = (self.free_name("softmax"), vec![last.name.clone()]);
        let mut graph = self.network.description().clone();
        graph.output = Some(name.clone());
        let layer = Activation::Softmax.into();
        graph.layers.push(NamedLayer { name: Some(name), inputs, layer });
        self.rebuilt(graph)
    }

    /// As a model that can be saved, its classes called as given, else as in the file, else
    /// `class 0`, `class 1`, ...
    ///
    /// # Errors
    /// Where the names do not fit the network's output.
    pub fn into_trained(self, classes: Option<Vec<String>>) -> Result<TrainedModel, FormatError> {
        let count = self.network.output().last();
        let numbered = || (0..count).map(|index| format!("class {index}")).collect();
        let classes = classes.or(self.classes).unwrap_or_else(numbered);
        let saved = SavedModel::new(self.network.description().clone(), classes);
        let network = saved.check()?;
        Ok(TrainedModel { saved, network, parameters: self.parameters })
    }

    /// The same parameters in another graph: none of the layers that come and go has any.
    fn rebuilt(self, graph: Graph) -> Result<Self, FormatError> {
        let network = graph.build()?;
        assert_eq!(network.parameter_count(), self.parameters.len(), "no layer came with weights");
        Ok(Self { network, ..self })
    }

    fn free_name(&self, stem: &str) -> String {
        let taken = |name: &str| self.network.nodes().iter().any(|node| node.name == name);
        std::iter::once(stem.to_owned())
            .chain((1..).map(|n| format!("{stem}_{n}")))
            .find(|name| !taken(name))
            .expect("there is no end of names")
    }
}

/// The one layer that takes the network's input.
fn only_reader(graph: &Graph) -> Option<usize> {
    // The first one takes the input without saying so, as in a list.
    let takes_input = |&index: &usize| match &graph.layers[index].inputs[..] {
        [] => index == 0,
        inputs => inputs.iter().any(|name| name == INPUT),
    };
    let mut readers = (0..graph.layers.len()).filter(takes_input);
    let first = readers.next()?;
    readers.next().is_none().then_some(first)
}

fn divides_by_255(layer: &Layer) -> bool {
    let Layer::Rescaling(Rescaling { scale, offset }) = layer else { return false };
    (scale * 255.0 - 1.0).abs() < 1e-6 && *offset == 0.0
}

fn gives_probabilities(layer: &Layer) -> bool {
    let activation = match layer {
        Layer::Softmax(_) => return true,
        Layer::Activation(layer) => layer.activation,
        Layer::Dense(layer) => layer.activation,
        _ => return false,
    };
    matches!(activation, Activation::Softmax | Activation::Sigmoid)
}

/// Takes a layer of one input out.
fn remove(graph: &mut Graph, index: usize) {
    let removed = graph.layers.remove(index);
    rename(graph, removed.name.as_deref().unwrap_or_default(), INPUT);
}

/// Puts a layer before all that take the network's input.
pub(crate) fn prepend(graph: &mut Graph, layer: impl Into<Layer>) {
    let mut name = "preprocessing".to_owned();
    while graph.layers.iter().any(|layer| layer.name.as_deref() == Some(&name)) {
        name.push('_');
    }
    if let Some(first) = graph.layers.first_mut().filter(|first| first.inputs.is_empty()) {
        // It took the input by being the first.
        first.inputs.push(INPUT.to_owned());
    }
    rename(graph, INPUT, &name);
    let inputs = vec![INPUT.to_owned()];
    graph.layers.insert(0, NamedLayer { name: Some(name), inputs, layer: layer.into() });
}

/// Lets every layer that takes `from` take `to`.
fn rename(graph: &mut Graph, from: &str, to: &str) {
    for name in graph.layers.iter_mut().flat_map(|layer| &mut layer.inputs) {
        if name == from {
            to.clone_into(name);
        }
    }
}
