//! A checked network: every shape known, every parameter placed.

use std::ops::Range;

use crate::names::automatic_names;
use crate::order::order;
use crate::{
    Activation, Graph, INPUT, Initializer, Layer, ModelError, NamedLayer, Problem, Regularizer,
    Shape,
};

/// The most parameters that a network may have (2^30: 4 GiB in `f32`).
const MOST_PARAMETERS: usize = 1 << 30;

/// A parameter of a layer, before it has its place.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Its name within the layer: `kernel`, `bias`.
    pub name: &'static str,
    /// Its shape, as Keras stores it.
    pub shape: Vec<usize>,
    /// What it holds before training.
    pub initializer: Initializer,
    /// Penalty on its numbers.
    pub regularizer: Regularizer,
    /// Whether an optimiser changes it; moving statistics follow the data instead.
    pub trainable: bool,
}

impl ParameterSpec {
    pub(crate) fn new(
        name: &'static str,
        shape: impl Into<Vec<usize>>,
        initializer: Initializer,
    ) -> Self {
        let (shape, regularizer) = (shape.into(), Regularizer::default());
        Self { name, shape, initializer, regularizer, trainable: true }
    }

    /// With a penalty.
    pub(crate) fn regularized(self, regularizer: Regularizer) -> Self {
        Self { regularizer, ..self }
    }

    /// Not for the optimiser.
    pub(crate) fn frozen(self) -> Self {
        Self { trainable: false, ..self }
    }

    /// Refuses settings that are out of range.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        self.initializer.check(&format!("{}_initializer", self.name), &self.shape)?;
        self.regularizer.check(&format!("{}_regularizer", self.name))
    }
}

/// A parameter in the network's flat buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `layer/parameter`, for example `conv2d/kernel`.
    pub name: String,
    /// Its shape, as Keras stores it.
    pub shape: Vec<usize>,
    /// What it holds before training.
    pub initializer: Initializer,
    /// Penalty on its numbers.
    pub regularizer: Regularizer,
    /// Whether an optimiser changes it.
    pub trainable: bool,
    /// Its place in the flat buffer, in elements.
    pub range: Range<usize>,
}

/// Where an input of a layer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The network's input.
    Input,
    /// The node of this index.
    Node(usize),
}

/// A layer with its name, shapes and parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique within the network.
    pub name: String,
    /// The description.
    pub layer: Layer,
    /// Where its inputs come from: nodes before it.
    pub sources: Vec<Source>,
    /// The shape that comes in; of several inputs, the first's.
    pub input: Shape,
    /// The shape that goes out.
    pub output: Shape,
    /// Its trainable parameters: indices into [`Network::parameters`].
    pub parameters: Range<usize>,
    /// Its parameters that are not trained: indices there too.
    pub state: Range<usize>,
}

/// A [`Graph`] in which everything was checked: layers in an order in which every one comes after
/// its inputs, the last of them the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    description: Graph,
    nodes: Vec<Node>,
    parameters: Vec<Parameter>,
    /// Elements of the trainable parameters, which lie first.
    trainable: usize,
}

impl Network {
    pub(crate) fn new(description: &Graph) -> Result<Self, ModelError> {
        description.input.check().map_err(ModelError::Input)?;
        if description.layers.is_empty() {
            return Err(ModelError::NoLayers);
        }
        let given = description.layers.iter().map(|l| (l.name.as_deref(), l.layer.stem()));
        let names = automatic_names(given)?;
        let sorted = order(description, &names)?;
        let mut node_of = vec![0; names.len()];
        let mut network = Self {
            description: description.clone(),
            nodes: Vec::new(),
            parameters: Vec::new(),
            trainable: 0,
        };
        for (node, wired) in sorted.iter().enumerate() {
            node_of[wired.layer] = node;
            let sources = wired.inputs.iter().map(|source| match source {
                Source::Input => Source::Input,
                Source::Node(layer) => Source::Node(node_of[*layer]),
            });
            let (name, layer) = (&names[wired.layer], &description.layers[wired.layer].layer);
            network.append(name, layer, sources.collect()).map_err(|problem| {
                let (position, kind) = (wired.layer + 1, layer.kind());
                ModelError::Layer { position, name: name.clone(), kind, problem }
            })?;
        }
        network.place()?;
        Ok(network)
    }

    /// Adds a node; its parameters are not yet in their place.
    fn append(&mut self, name: &str, layer: &Layer, sources: Vec<Source>) -> Result<(), Problem> {
        let inputs: Vec<_> = sources.iter().map(|&source| self.shape_of(source).clone()).collect();
        let output = layer.merge(&inputs)?;
        output.check()?;
        let input = inputs.into_iter().next().expect("every layer has an input");
        let first = self.parameters.len();
        for spec in layer.parameters(&input) {
            let size = spec.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            let size =
                size.filter(|&n| n <= MOST_PARAMETERS).ok_or_else(|| too_large(spec.name))?;
            self.parameters.push(Parameter {
                name: format!("{name}/{}", spec.name),
                shape: spec.shape,
                initializer: spec.initializer,
                regularizer: spec.regularizer,
                trainable: spec.trainable,
                range: 0..size,
            });
        }
        let parameters = first..self.parameters.len();
        let (name, layer, state) = (name.to_owned(), layer.clone(), 0..0);
        self.nodes.push(Node { name, layer, sources, input, output, parameters, state });
        Ok(())
    }

    /// Lays the parameters out: the trainable ones of all layers, then the others.
    fn place(&mut self) -> Result<(), ModelError> {
        let mut rest = std::mem::take(&mut self.parameters).into_iter();
        let mut frozen = Vec::new();
        let mut nodes = std::mem::take(&mut self.nodes);
        for node in &mut nodes {
            let (first, first_frozen) = (self.parameters.len(), frozen.len());
            for parameter in rest.by_ref().take(node.parameters.len()) {
                if parameter.trainable {
                    self.parameters.push(parameter);
                } else {
                    frozen.push(parameter);
                }
            }
            node.parameters = first..self.parameters.len();
            node.state = first_frozen..frozen.len();
        }
        let trainable = self.parameters.len();
        self.parameters.extend(frozen);
        for node in &mut nodes {
            node.state = trainable + node.state.start..trainable + node.state.end;
        }
        self.nodes = nodes;
        let mut end = 0;
        for index in 0..self.parameters.len() {
            if index == trainable {
                self.trainable = end;
            }
            let range = &mut self.parameters[index].range;
            *range = end..end + range.len();
            end = range.end;
            if end > MOST_PARAMETERS {
                return Err(self.at_parameter(index));
            }
        }
        if trainable == self.parameters.len() {
            self.trainable = end;
        }
        Ok(())
    }

    /// The model is too large from this parameter on.
    fn at_parameter(&self, index: usize) -> ModelError {
        let owns = |node: &Node| node.parameters.contains(&index) || node.state.contains(&index);
        let position = self.nodes.iter().position(owns).expect("every parameter has a layer");
        let node = &self.nodes[position];
        let name = self.parameters[index].name.rsplit('/').next().unwrap_or_default();
        ModelError::Layer {
            position: position + 1,
            name: node.name.clone(),
            kind: node.layer.kind(),
            problem: too_large(name),
        }
    }

    /// The shape of a layer's input.
    pub fn shape_of(&self, source: Source) -> &Shape {
        match source {
            Source::Input => &self.description.input,
            Source::Node(index) => &self.nodes[index].output,
        }
    }

    /// The part that gives the result of one node, as a description; its layers have the names that
    /// they have here.
    ///
    /// # Panics
    /// Where there is no such node.
    pub fn up_to(&self, node: usize) -> Graph {
        let mut needed = vec![false; self.nodes.len()];
        needed[node] = true;
        for index in (0..=node).rev() {
            let is_needed = needed[index];
            for source in &self.nodes[index].sources {
                if let Source::Node(before) = *source {
                    needed[before] |= is_needed;
                }
            }
        }
        let name_of = |source: &Source| match source {
            Source::Input => INPUT.to_owned(),
            Source::Node(index) => self.nodes[*index].name.clone(),
        };
        let layers = self.nodes.iter().zip(needed).filter(|(_, needed)| *needed);
        let layers = layers.map(|(node, _)| NamedLayer {
            name: Some(node.name.clone()),
            inputs: node.sources.iter().map(name_of).collect(),
            layer: node.layer.clone(),
        });
        let Graph { name, input, .. } = self.description.clone();
        Graph { name, input, output: None, layers: layers.collect() }
    }

    /// The description that it was built from.
    pub fn description(&self) -> &Graph {
        &self.description
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// The shape of one sample.
    pub fn input(&self) -> &Shape {
        &self.description.input
    }

    /// The shape of one result.
    pub fn output(&self) -> &Shape {
        self.nodes.last().map_or(&self.description.input, |node| &node.output)
    }

    /// The layers, in the order in which they run; the last one's result is the network's.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The parameters, in the order in which they lie in the flat buffer: the trainable ones layer
    /// by layer, then the others layer by layer.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Length of the flat parameter buffer.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |p| p.range.end)
    }

    /// Length of its first part, which an optimiser changes.
    pub fn trainable_count(&self) -> usize {
        self.trainable
    }

    /// Parameters of one node, in Keras's order.
    pub fn parameters_of(&self, node: &Node) -> impl Iterator<Item = &Parameter> + Clone {
        let parameters = &self.parameters[node.parameters.clone()];
        parameters.iter().chain(&self.parameters[node.state.clone()])
    }

    /// Multiplications with a weight that one sample takes: those of convolutions and dense
    /// layers. Twice as many are the floating-point operations that papers count.
    pub fn multiply_adds(&self) -> u64 {
        self.nodes.iter().map(|node| node.layer.multiply_adds(&node.input, &node.output)).sum()
    }

    /// Checks that the output can name one of `classes` classes.
    ///
    /// # Errors
    /// Where the output is no vector of that length.
    pub fn check_classes(&self, classes: usize) -> Result<(), ModelError> {
        if self.output().dims() == [classes] {
            return Ok(());
        }
        let position = self.nodes.len();
        let node = &self.nodes[position - 1];
        Err(ModelError::Layer {
            position,
            name: node.name.clone(),
            kind: node.layer.kind(),
            problem: Problem::new(
                format!("its output {} does not fit {classes} classes", node.output),
                format!(
                    "let the model end in Flatten and Dense layers, the last with units = {classes}"
                ),
            ),
        })
    }

    /// Whether each output is a probability by itself, so that a sample can have any number of labels:
    /// the last layer ends with a sigmoid.
    pub fn gives_many_labels(&self) -> bool {
        let last = self.nodes.last().and_then(|node| node.layer.activation());
        matches!(last, Some(Activation::Sigmoid | Activation::HardSigmoid))
    }

    /// Refuses a network that cannot give any number of labels.
    ///
    /// # Errors
    /// Where the last layer ends with another activation than a sigmoid; names it.
    pub fn check_many_labels(&self) -> Result<(), ModelError> {
        let position = self.nodes.len();
        let node = &self.nodes[position - 1];
        let activation = match node.layer.activation() {
            Some(other) if !self.gives_many_labels() => other,
            _ => return Ok(()),
        };
        let why = match activation {
            Activation::Softmax => "ends with softmax, whose outputs add up to 1".to_owned(),
            other => format!("ends with {}, whose outputs are no probabilities", other.name()),
        };
        Err(ModelError::Layer {
            position,
            name: node.name.clone(),
            kind: node.layer.kind(),
            problem: Problem::new(
                format!("{why}: it cannot give several labels at once"),
                "let it end with activation = \"sigmoid\"",
            ),
        })
    }
}

fn too_large(parameter: &str) -> Problem {
    Problem::new(
        format!("with its {parameter} the model is too large"),
        format!("a model may have at most {MOST_PARAMETERS} parameters"),
    )
}
