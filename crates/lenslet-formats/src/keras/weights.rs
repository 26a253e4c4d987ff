//! Weights in HDF5, as Keras 3 lays them out.

use lenslet_model::{Network, Node, Parameter, nearest};

use super::order::{groups, order};
use crate::FormatError;
use crate::hdf5::{Dataset, Group, Item, Kind, Object, write};

/// The group that all layers' groups are in.
const LAYERS: &str = "layers";
/// The group of a layer's own variables.
const VARS: &str = "vars";
/// What Keras keeps of a training: the optimiser's numbers and the metrics'.
const OF_TRAINING: [&str; 2] = ["optimizer", "metrics"];
/// What layers of noise keep: how far their random numbers are.
const SEED: &str = "seed_generator";

const ANOTHER: &str =
    "are these the weights of another model, or one for pictures of another size?";

/// A node, and what the group of its weights is called.
pub(super) type Named<'a> = (String, &'a Node);

/// The nodes of a network as a Keras model of the same graph has them.
pub(super) fn in_order(network: &Network) -> Vec<Named<'_>> {
    let nodes: Vec<&Node> = order(network).iter().map(|&index| &network.nodes()[index]).collect();
    let names = groups(nodes.iter().map(|node| node.layer.kind()));
    names.into_iter().zip(nodes).collect()
}

/// The bytes of a `.weights.h5`.
pub(super) fn encode(network: &Network, parameters: &[f32]) -> Vec<u8> {
    let mut layers = Vec::new();
    for (group, node) in in_order(network) {
        let variables = network.parameters_of(node).enumerate().map(|(index, parameter)| {
            let numbers = &parameters[parameter.range.clone()];
            let item = match is_count(parameter) {
                true => Item::Int(numbers[0] as i64),
                false => Item::Floats(parameter.shape.clone(), numbers),
            };
            (index.to_string(), item)
        });
        let variables: Vec<_> = variables.collect();
        if !variables.is_empty() {
            let own = vec![(VARS.to_owned(), Item::Group(variables))];
            layers.push((group, Item::Group(own)));
        }
    }
    write(&[(LAYERS.to_owned(), Item::Group(layers)), (VARS.to_owned(), Item::Group(Vec::new()))])
}

/// The flat parameter buffer of `network` from a `.weights.h5` of Keras 3.
///
/// The file is one that `model.save_weights` has written, of a Keras model of the same layers. The
/// optimiser's numbers in it are left where they are.
///
/// # Errors
/// Where the bytes are no whole HDF5 file or hold what is not read of HDF5 (links, external and
/// virtual data, filters, chunks: it is named); where a variable is missing, one too many, of
/// another shape or no floating-point number: it is named. No memory is taken on a header's word.
pub fn keras_weights(bytes: &[u8], network: &Network) -> Result<Vec<f32>, FormatError> {
    decode(bytes, network, &in_order(network))
}

/// The flat parameter buffer, where the groups have these names.
pub(super) fn decode(
    bytes: &[u8],
    network: &Network,
    named: &[Named<'_>],
) -> Result<Vec<f32>, FormatError> {
    let root = Object::parse(bytes)?;
    let layers = check_root(&root)?;
    check_groups(layers, named)?;
    let mut found = Vec::new();
    for (group, node) in named {
        let path = format!("{LAYERS}/{group}/{VARS}");
        let variables = variables(layers, group);
        let wanted: Vec<&Parameter> = network.parameters_of(node).collect();
        for (index, parameter) in wanted.iter().enumerate() {
            let name = index.to_string();
            let dataset = variables.and_then(|variables| variables.get(&name));
            let Some(Object::Dataset(dataset)) = dataset else {
                let what = format!("it has no variable {path}/{name} ({})", parameter.name);
                return Err(FormatError::unsupported(what, ANOTHER));
            };
            check(dataset, parameter, &format!("{path}/{name}"))?;
            found.push((*parameter, dataset));
        }
        let names: Vec<String> = (0..wanted.len()).map(|index| index.to_string()).collect();
        let all = variables.map_or(&[][..], |variables| &variables.0);
        if let Some((name, _)) = all.iter().find(|(name, _)| !names.iter().any(|n| n == name)) {
            let what = format!(
                "it has a variable {path}/{name}, but the layer `{}` ({}) has {} of them",
                node.name,
                node.layer.kind(),
                wanted.len()
            );
            return Err(FormatError::unsupported(what, ANOTHER));
        }
    }
    let mut parameters = vec![0.0; network.parameter_count()];
    for (parameter, dataset) in found {
        let numbers = dataset.floats().expect("its type was checked");
        parameters[parameter.range.clone()].copy_from_slice(&numbers);
    }
    Ok(parameters)
}

/// The group of the layers; refuses another layout than Keras 3's.
fn check_root<'a, 'b>(root: &'b Group<'a>) -> Result<&'b Group<'a>, FormatError> {
    let known = |name: &str| name == LAYERS || name == VARS || OF_TRAINING.contains(&name);
    if let Some((name, _)) = root.0.iter().find(|(name, _)| !known(name)) {
        let what = format!("it has {name:?} beside \"layers\", which Keras 3 does not write");
        return Err(FormatError::unsupported(what, "save the weights with Keras 3"));
    }
    if let Some(path) = root.get(VARS).and_then(first_data) {
        let what = format!("the model itself has a variable, {VARS}/{path}: its class is its own");
        return Err(FormatError::unsupported(what, "save a Sequential or Functional model"));
    }
    match root.get(LAYERS) {
        Some(Object::Group(layers)) => Ok(layers),
        _ => Err(FormatError::unsupported("it has no group \"layers\"", "save it with Keras 3")),
    }
}

/// Refuses numbers of layers that there are not.
fn check_groups(layers: &Group<'_>, named: &[Named<'_>]) -> Result<(), FormatError> {
    for (name, object) in &layers.0 {
        let is_known = named.iter().any(|(group, _)| group == name);
        let Some(path) = (match object {
            _ if !is_known => first_data(object),
            Object::Group(own) => {
                let others = own.0.iter().filter(|(name, _)| ![VARS, SEED].contains(name));
                others.filter_map(|(name, it)| Some(joined(name, &first_data(it)?))).next()
            }
            Object::Dataset(_) => Some(String::new()),
        }) else {
            continue;
        };
        let path = joined(&format!("{LAYERS}/{name}"), &path);
        let near = nearest(name, named.iter().map(|(group, _)| group.as_str()));
        let near = near.filter(|_| !is_known);
        let near = near.map_or(String::new(), |near| format!(" (it has {LAYERS}/{near})"));
        let what = format!("it has a variable {path}, which the model has not{near}");
        return Err(FormatError::unsupported(what, ANOTHER));
    }
    Ok(())
}

/// Where in an object the first data set is, if there is any.
fn first_data(object: &Object<'_>) -> Option<String> {
    match object {
        Object::Dataset(_) => Some(String::new()),
        Object::Group(group) => {
            group.0.iter().find_map(|(name, object)| Some(joined(name, &first_data(object)?)))
        }
    }
}

fn joined(name: &str, rest: &str) -> String {
    if rest.is_empty() { name.to_owned() } else { format!("{name}/{rest}") }
}

fn variables<'a, 'b>(layers: &'b Group<'a>, group: &str) -> Option<&'b Group<'a>> {
    let Some(Object::Group(own)) = layers.get(group) else { return None };
    match own.get(VARS) {
        Some(Object::Group(variables)) => Some(variables),
        _ => None,
    }
}

/// A whole number: how many pictures the layer has seen.
fn is_count(parameter: &Parameter) -> bool {
    parameter.name.ends_with("/count")
}

fn check(dataset: &Dataset<'_>, parameter: &Parameter, path: &str) -> Result<(), FormatError> {
    let of = |what: &str| {
        let what = format!("the variable {path} ({}) is of {what}", parameter.name);
        Err(FormatError::unsupported(what, ANOTHER))
    };
    match (dataset.kind, is_count(parameter)) {
        (Kind::Float, false) | (Kind::Int, true) => {}
        (Kind::Int, false) => return of("whole numbers"),
        (Kind::Float, true) => return of("numbers that are not whole"),
        (Kind::Other(name), _) => {
            let what = format!("the variable {path} is of {name}");
            return Err(FormatError::unsupported(what, "save the model in float32"));
        }
    }
    if dataset.shape != parameter.shape || dataset.floats().is_none() {
        let (came, own, name) = (&dataset.shape, &parameter.shape, &parameter.name);
        let what = format!("the variable {path} ({name}) has the shape {came:?}, not {own:?}");
        return Err(FormatError::unsupported(what, ANOTHER));
    }
    Ok(())
}
