//! From names to a graph that is known to run: who takes whose result, and in which order.

use std::collections::{BTreeSet, HashMap};

use crate::{Graph, INPUT, ModelError, NamedLayer, Problem, Source, nearest};

/// A layer's index in the description, and where its inputs come from: indices there too.
pub(crate) struct Wired {
    pub(crate) layer: usize,
    pub(crate) inputs: Vec<Source>,
}

/// The layers in an order in which every one comes after its inputs, and in the description's
/// order where that leaves a choice; the last of them is the output.
pub(crate) fn order(graph: &Graph, names: &[String]) -> Result<Vec<Wired>, ModelError> {
    let place: HashMap<&str, usize> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let inputs = (0..names.len()).map(|layer| wire(graph, names, &place, layer));
    let inputs: Vec<Vec<Source>> = inputs.collect::<Result<_, _>>()?;
    let output = output(graph, names, &place)?;
    check_use(graph, names, &inputs, output)?;
    sort(names, inputs)
}

/// Where a layer's inputs come from.
fn wire(
    graph: &Graph,
    names: &[String],
    place: &HashMap<&str, usize>,
    layer: usize,
) -> Result<Vec<Source>, ModelError> {
    let given = &graph.layers[layer].inputs;
    if given.is_empty() {
        return Ok(vec![layer.checked_sub(1).map_or(Source::Input, Source::Node)]);
    }
    let source = |name: &String| match place.get(name.as_str()) {
        _ if name == INPUT => Ok(Source::Input),
        Some(&index) => Ok(Source::Node(index)),
        None => Err(at(graph, names, layer, unknown("takes", name, names))),
    };
    given.iter().map(source).collect()
}

fn output(
    graph: &Graph,
    names: &[String],
    place: &HashMap<&str, usize>,
) -> Result<usize, ModelError> {
    let Some(name) = &graph.output else { return Ok(names.len() - 1) };
    place.get(name.as_str()).copied().ok_or_else(|| ModelError::Setting {
        setting: "output".to_owned(),
        problem: unknown("names", name, names),
    })
}

fn unknown(verb: &str, name: &str, names: &[String]) -> Problem {
    let known = names.iter().map(String::as_str).chain([INPUT]);
    let remedy = match nearest(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("name a layer, or `{INPUT}` for the network's input"),
    };
    Problem::new(format!("{verb} `{name}`, which is no layer"), remedy)
}

/// Refuses layers whose result nobody takes.
fn check_use(
    graph: &Graph,
    names: &[String],
    inputs: &[Vec<Source>],
    output: usize,
) -> Result<(), ModelError> {
    let mut used = vec![false; names.len()];
    let mut next = vec![output];
    while let Some(layer) = next.pop() {
        if !std::mem::replace(&mut used[layer], true) {
            let nodes = inputs[layer].iter().filter_map(|source| match source {
                Source::Node(index) => Some(*index),
                Source::Input => None,
            });
            next.extend(nodes);
        }
    }
    let Some(idle) = used.iter().position(|used| !used) else { return Ok(()) };
    let problem = Problem::new(
        format!("its result does not reach the output `{}`", names[output]),
        "let a layer take it as one of its inputs, or leave it out",
    );
    Err(at(graph, names, idle, problem))
}

/// Kahn's algorithm, with the first layer that can run at each step.
fn sort(names: &[String], inputs: Vec<Vec<Source>>) -> Result<Vec<Wired>, ModelError> {
    let nodes = |sources: &[Source]| -> Vec<usize> {
        let node = |source: &Source| match source {
            Source::Node(index) => Some(*index),
            Source::Input => None,
        };
        sources.iter().filter_map(node).collect()
    };
    let mut readers = vec![Vec::new(); inputs.len()];
    let mut missing = Vec::new();
    for (layer, sources) in inputs.iter().enumerate() {
        let nodes = nodes(sources);
        missing.push(nodes.len());
        nodes.into_iter().for_each(|node: usize| readers[node].push(layer));
    }
    let mut ready: BTreeSet<usize> = (0..inputs.len()).filter(|&i| missing[i] == 0).collect();
    let mut sorted = Vec::new();
    while let Some(layer) = ready.pop_first() {
        sorted.push(Wired { layer, inputs: inputs[layer].clone() });
        for &reader in &readers[layer] {
            missing[reader] -= 1;
            if missing[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    if sorted.len() == inputs.len() {
        return Ok(sorted);
    }
    let stuck = names.iter().zip(&missing).filter(|(_, missing)| **missing > 0);
    let stuck: Vec<_> = stuck.map(|(name, _)| format!("`{name}`")).collect();
    Err(ModelError::Cycle(stuck.join(", ")))
}

fn at(graph: &Graph, names: &[String], layer: usize, problem: Problem) -> ModelError {
    let NamedLayer { layer: kind, .. } = &graph.layers[layer];
    ModelError::Layer {
        position: layer + 1,
        name: names[layer].clone(),
        kind: kind.kind(),
        problem,
    }
}
