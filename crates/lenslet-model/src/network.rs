//! A checked network: every shape known, every parameter placed.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::{Initializer, Layer, ModelError, Problem, Sequential, Shape};

/// The most parameters that a network may have (2^30: 4 GiB in `f32`).
const MOST_PARAMETERS: usize = 1 << 30;

/// A parameter of a layer, before it has its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterSpec {
    /// Its name within the layer: `kernel`, `bias`.
    pub name: &'static str,
    /// Its shape, as Keras stores it.
    pub shape: Vec<usize>,
    /// What it holds before training.
    pub initializer: Initializer,
}

impl ParameterSpec {
    pub(crate) fn new(
        name: &'static str,
        shape: impl Into<Vec<usize>>,
        initializer: Initializer,
    ) -> Self {
        Self { name, shape: shape.into(), initializer }
    }
}

/// A parameter in the network's flat buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// `layer/parameter`, for example `conv2d/kernel`.
    pub name: String,
    /// Its shape, as Keras stores it.
    pub shape: Vec<usize>,
    /// What it holds before training.
    pub initializer: Initializer,
    /// Its place in the flat buffer, in elements.
    pub range: Range<usize>,
}

/// A layer with its name, shapes and parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique within the network.
    pub name: String,
    /// The description.
    pub layer: Layer,
    /// The shape that comes in.
    pub input: Shape,
    /// The shape that goes out.
    pub output: Shape,
    /// Its parameters: indices into [`Network::parameters`].
    pub parameters: Range<usize>,
}

/// A [`Sequential`] in which everything was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    description: Sequential,
    nodes: Vec<Node>,
    parameters: Vec<Parameter>,
}

impl Network {
    pub(crate) fn new(description: &Sequential) -> Result<Self, ModelError> {
        description.input.check().map_err(ModelError::Input)?;
        if description.layers.is_empty() {
            return Err(ModelError::NoLayers);
        }
        let names = layer_names(description)?;
        let mut network =
            Self { description: description.clone(), nodes: Vec::new(), parameters: Vec::new() };
        for (index, (name, named)) in names.into_iter().zip(&description.layers).enumerate() {
            network.append(&name, &named.layer).map_err(|problem| ModelError::Layer {
                position: index + 1,
                name,
                kind: named.layer.kind(),
                problem,
            })?;
        }
        Ok(network)
    }

    fn append(&mut self, name: &str, layer: &Layer) -> Result<(), Problem> {
        let input = self.output().clone();
        let output = layer.output(&input)?;
        output.check()?;
        let first = self.parameters.len();
        for spec in layer.parameters(&input) {
            let start = self.parameter_count();
            let end = spec.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            let end = end.and_then(|n| n.checked_add(start)).filter(|&n| n <= MOST_PARAMETERS);
            let end = end.ok_or_else(|| {
                Problem::new(
                    format!("with its {} the model is too large", spec.name),
                    format!("a model may have at most {MOST_PARAMETERS} parameters"),
                )
            })?;
            self.parameters.push(Parameter {
                name: format!("{name}/{}", spec.name),
                shape: spec.shape,
                initializer: spec.initializer,
                range: start..end,
            });
        }
        let parameters = first..self.parameters.len();
        let (name, layer) = (name.to_owned(), layer.clone());
        self.nodes.push(Node { name, layer, input, output, parameters });
        Ok(())
    }

    /// The description that it was built from.
    pub fn description(&self) -> &Sequential {
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

    /// The layers, in the order in which they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The parameters, in the order in which they lie in the flat buffer.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Length of the flat parameter buffer.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |p| p.range.end)
    }

    /// Parameters of one node.
    pub fn parameters_of(&self, node: &Node) -> &[Parameter] {
        &self.parameters[node.parameters.clone()]
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
}

/// The layers' names: the user's own, else Keras's automatic ones, counted by type.
fn layer_names(description: &Sequential) -> Result<Vec<String>, ModelError> {
    let mut taken = HashSet::new();
    for name in description.layers.iter().filter_map(|named| named.name.as_ref()) {
        let usable = !name.is_empty() && !name.contains('/') && !name.chars().any(char::is_control);
        if !usable {
            return Err(ModelError::Setting {
                setting: "layer name".to_owned(),
                problem: Problem::new(
                    format!("{name:?} cannot be a name"),
                    "use letters, digits, '_' and '-'",
                ),
            });
        }
        if !taken.insert(name.clone()) {
            return Err(ModelError::DuplicateName(name.clone()));
        }
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let automatic = |stem: &'static str, counts: &mut HashMap<&str, usize>| loop {
        let count = counts.entry(stem).or_insert(0);
        let name = if *count == 0 { stem.to_owned() } else { format!("{stem}_{count}") };
        *count += 1;
        if !taken.contains(&name) {
            return name;
        }
    };
    let names = description.layers.iter().map(|named| match &named.name {
        Some(name) => name.clone(),
        None => automatic(named.layer.stem(), &mut counts),
    });
    Ok(names.collect())
}
