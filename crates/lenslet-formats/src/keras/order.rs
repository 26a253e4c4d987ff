//! The order of Keras's layers, and what the groups of their weights are called.

use std::collections::HashMap;

use lenslet_model::{Network, Source};

/// The nodes in the order of a Keras model's `layers`: as listed in a `Sequential`; in a graph those
/// furthest from the output come first, and of equal ones those that are met first on the way back
/// from the output (`map_graph` in Keras's `ops/function.py`).
pub(super) fn order(network: &Network) -> Vec<usize> {
    let nodes = network.nodes();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    if network.description().is_sequential() {
        return order;
    }
    let mut distance = vec![0usize; nodes.len()];
    // Every node lies behind its inputs.
    for (index, node) in nodes.iter().enumerate().rev() {
        for source in &node.sources {
            if let Source::Node(before) = *source {
                distance[before] = distance[before].max(distance[index] + 1);
            }
        }
    }
    let met = met(network);
    order.sort_by_key(|&node| (std::cmp::Reverse(distance[node]), met[node]));
    order
}

/// When each node is met, going back from the output, first inputs first, into the depth.
fn met(network: &Network) -> Vec<usize> {
    let nodes = network.nodes();
    let mut met = vec![usize::MAX; nodes.len()];
    let (mut next, mut count) = (vec![nodes.len() - 1], 0);
    while let Some(node) = next.pop() {
        if met[node] != usize::MAX {
            continue;
        }
        met[node] = count;
        count += 1;
        next.extend(nodes[node].sources.iter().rev().filter_map(|source| match source {
            Source::Node(before) => Some(*before),
            Source::Input => None,
        }));
    }
    met
}

/// The names of groups of weights for layers of these classes, in their order: `conv2d`,
/// `conv2d_1`, `dense`.
pub(super) fn groups<'a>(classes: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let name = |class: &'a str| {
        let count = counts.entry(class).or_insert(0);
        *count += 1;
        let stem = snake_case(class);
        if *count == 1 { stem } else { format!("{stem}_{}", *count - 1) }
    };
    classes.into_iter().map(name).collect()
}

/// `GlobalAveragePooling2D` becomes `global_average_pooling2d` (Keras's `to_snake_case`): a line
/// before a capital that a small letter follows or precedes.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let is_small = |letter: Option<&char>| letter.is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase()
            && before.is_some()
            && (is_small(before.as_ref()) || is_small(letters.get(index + 1)))
        {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use lenslet_model::layers::{Conv2D, Dense, Flatten};
    use lenslet_model::{Input, concatenate};

    use super::*;

    #[test]
    fn names_are_those_of_keras() {
        for (class, name) in [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("PReLU", "p_re_lu"),
            ("ReLU", "re_lu"),
            ("ELU", "elu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("BatchNormalization", "batch_normalization"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("ZeroPadding2D", "zero_padding2d"),
        ] {
            assert_eq!(snake_case(class), name);
        }
        let names = groups(["Dense", "Conv2D", "Dense", "Dense"]);
        assert_eq!(names, ["dense", "conv2d", "dense_1", "dense_2"]);
    }

    /// What `[layer.name for layer in model.layers]` is in Keras 3.15 for this graph, made in this
    /// order: c, e, flat, a (of e), sum (of a and c), out.
    #[test]
    fn a_graph_is_in_keras_order() {
        let input = Input::new((4, 4, 3));
        let c = input.apply_named("c", Conv2D::new(3, 1));
        let e = input.apply_named("e", Conv2D::new(3, 1));
        let a = e.apply_named("a", Conv2D::new(3, 1));
        let sum = lenslet_model::add([a, c.clone()]);
        let both = concatenate([c, sum]).apply(Flatten::new());
        let output = both.apply_named("out", Dense::new(2));
        let network = lenslet_model::Graph::new(&input, &output).unwrap().build().unwrap();
        let names: Vec<_> =
            order(&network).into_iter().map(|node| network.nodes()[node].name.as_str()).collect();
        assert_eq!(names, ["e", "c", "a", "add", "concatenate", "flatten", "out"]);
    }
}
