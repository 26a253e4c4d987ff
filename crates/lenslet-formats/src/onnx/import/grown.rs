//! The network as far as it has grown.

use std::collections::{HashMap, HashSet};

use lenslet_model::{INPUT, Layer, NamedLayer, Network};

use super::super::Tensor;
use super::super::proto::GraphProto;
use super::operator::Operator;
use super::value::{Giver, Value};
use crate::FormatError;

pub(super) struct Grown {
    constants: HashMap<String, Tensor>,
    values: HashMap<String, Value>,
    /// How often each value is taken.
    uses: HashMap<String, usize>,
    /// Which operators take a value.
    takers: HashMap<String, HashSet<String>>,
    /// Layers whose result more than one node takes.
    shared: HashSet<usize>,
    layers: Vec<NamedLayer>,
    names: HashSet<String>,
    /// The last number behind a name that was taken.
    numbers: HashMap<String, usize>,
    weights: Weights,
}

/// Numbers of the layers' parameters, in Lenslet's order.
#[derive(Default)]
pub(super) struct Weights(HashMap<(usize, &'static str), Vec<f32>>);

impl Grown {
    pub(super) fn new(graph: &GraphProto) -> Result<Self, FormatError> {
        let mut constants = HashMap::new();
        for initializer in &graph.initializer {
            constants.insert(initializer.name.clone(), Tensor::new(initializer)?);
        }
        let mut uses = HashMap::new();
        let outputs = graph.output.iter().map(|output| &output.name);
        for name in graph.node.iter().flat_map(|node| &node.input).chain(outputs) {
            *uses.entry(name.clone()).or_insert(0) += 1;
        }
        let mut takers: HashMap<String, HashSet<String>> = HashMap::new();
        for node in &graph.node {
            for name in &node.input {
                takers.entry(name.clone()).or_default().insert(node.op_type.clone());
            }
        }
        let (values, shared, layers) = (HashMap::new(), HashSet::new(), Vec::new());
        let (names, numbers) = (HashSet::from([INPUT.to_owned()]), HashMap::new());
        let weights = Weights::default();
        Ok(Self { constants, values, uses, takers, shared, layers, names, numbers, weights })
    }

    pub(super) fn constant(&self, name: &str) -> Option<&Tensor> {
        self.constants.get(name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Says what `name` stands for from here on.
    pub(super) fn give(&mut self, name: &str, value: Value) {
        if let (Giver::Layer(layer), Some(2..)) = (value.giver, self.uses.get(name)) {
            self.shared.insert(layer);
        }
        self.values.insert(name.to_owned(), value);
    }

    /// Whether this operator takes a value, and no other does.
    pub(super) fn is_for(&self, name: &str, op: &str) -> bool {
        self.takers.get(name).is_some_and(|takers| takers.len() == 1 && takers.contains(op))
    }

    /// Adds a layer behind `inputs`.
    pub(super) fn add(
        &mut self,
        node: &Operator<'_>,
        layer: impl Into<Layer>,
        inputs: &[&Value],
    ) -> usize {
        let name = self.free_name(node);
        let inputs = inputs.iter().map(|value| match value.giver {
            Giver::Input => INPUT.to_owned(),
            Giver::Layer(index) => self.layers[index].name.clone().expect("all have names"),
        });
        let inputs = inputs.collect();
        self.layers.push(NamedLayer { name: Some(name), inputs, layer: layer.into() });
        self.layers.len() - 1
    }

    /// A name after the node's: `/layer1/conv1/Conv` and `layer1.conv1/Conv` become `layer1.conv1`.
    fn free_name(&mut self, node: &Operator<'_>) -> String {
        let op = node.op();
        let given = node.name().trim_start_matches('/');
        let stem = given.strip_suffix(op).map_or(given, |stem| stem.trim_end_matches('/'));
        let plain = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '.' };
        let stem: String = stem.chars().take(100).map(plain).collect();
        let op: String = op.chars().filter(char::is_ascii_alphanumeric).collect();
        let op = if op.is_empty() { "layer".to_owned() } else { op.to_lowercase() };
        let first = if stem.is_empty() { op.clone() } else { stem.clone() };
        let second = if stem.is_empty() { op } else { format!("{stem}_{op}") };
        let from = self.numbers.get(&second).copied().unwrap_or(1);
        let more = (from..).map(|n| (n, format!("{second}_{n}")));
        let mut all = [(from, first), (from, second.clone())].into_iter().chain(more);
        let free = all.find(|(_, name)| !self.names.contains(name));
        let (number, name) = free.expect("there is no end of names");
        self.numbers.insert(second, number);
        self.names.insert(name.clone());
        name
    }

    /// The layer that gives this value, to be changed, where nobody else takes its result.
    pub(super) fn behind(&mut self, value: &Value) -> Option<(usize, &mut Layer)> {
        match value.giver {
            Giver::Layer(index) if !self.shared.contains(&index) => {
                Some((index, &mut self.layers[index].layer))
            }
            _ => None,
        }
    }

    /// Numbers of a layer's parameter.
    pub(super) fn weigh(&mut self, layer: usize, parameter: &'static str, numbers: Vec<f32>) {
        self.weights.0.insert((layer, parameter), numbers);
    }

    /// Says that `name` is a constant from here on.
    pub(super) fn fix(&mut self, name: &str, constant: Tensor) {
        self.constants.insert(name.to_owned(), constant);
    }

    /// The layers, the last one's name, and their weights.
    pub(super) fn finish(
        mut self,
        output: &str,
    ) -> Result<(Vec<NamedLayer>, String, Weights), FormatError> {
        let again = "export it again";
        let value = self.values.remove(output).ok_or_else(|| {
            FormatError::damaged(format!("no node gives the output {output:?}"), again)
        })?;
        let refuse = |what| Err(FormatError::unsupported(what, "let it end in a Softmax or Gemm"));
        if value.part != super::value::Part::Whole || value.bytes {
            return refuse("its output is no layer's result");
        }
        if !value.lies_as_ours() {
            return refuse("its output is a picture or was one, with the channels first");
        }
        let Giver::Layer(last) = value.giver else {
            return refuse("its output is its input: nothing is computed");
        };
        let name = self.layers[last].name.clone().expect("all have names");
        Ok((self.layers, name, self.weights))
    }
}

/// An order of `axes` axes, each once; negative ones count from the end.
pub(super) fn permutation(perm: &[i64], axes: usize) -> Option<Vec<usize>> {
    let mut seen = vec![false; axes];
    let mut order = Vec::with_capacity(axes);
    for &axis in perm {
        let axis = super::axes::from_end(axis, axes)?;
        if std::mem::replace(&mut seen[axis], true) {
            return None;
        }
        order.push(axis);
    }
    (order.len() == axes).then_some(order)
}

impl Weights {
    /// The flat buffer of the network that the layers make.
    pub(super) fn fill(&self, network: &Network) -> Result<Vec<f32>, FormatError> {
        let layers = &network.description().layers;
        let index: HashMap<&str, usize> = (layers.iter().enumerate())
            .filter_map(|(index, layer)| Some((layer.name.as_deref()?, index)))
            .collect();
        let given: &HashMap<(usize, &str), Vec<f32>> = &self.0;
        let mut all = Vec::new();
        for node in network.nodes() {
            for parameter in network.parameters_of(node) {
                let own = parameter.name.rsplit('/').next().unwrap_or_default();
                let numbers = given.get(&(index[node.name.as_str()], own));
                let length = parameter.range.len();
                let numbers =
                    numbers.filter(|numbers| numbers.len() == length).ok_or_else(|| {
                        let what = format!("{:?} does not have {length} numbers", parameter.name);
                        FormatError::damaged(what, "export the model again")
                    })?;
                all.push((parameter.range.clone(), numbers));
            }
        }
        let mut parameters = vec![0.0; network.parameter_count()];
        for (range, numbers) in all {
            parameters[range].copy_from_slice(numbers);
        }
        Ok(parameters)
    }
}
