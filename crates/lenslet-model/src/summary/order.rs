//! The order in which Keras lists the layers of a graph.

use crate::{Network, Source};

/// Furthest from the output first; of those equally far, the one that a depth-first walk from the
/// output meets first. For a chain that is the order in which layers run.
pub(super) fn keras_order(network: &Network) -> Vec<usize> {
    let depths = depths(network);
    let met = met(network);
    let mut order: Vec<usize> = (0..network.nodes().len()).collect();
    order.sort_by_key(|&node| (std::cmp::Reverse(depths[node]), met[node]));
    order
}

/// Nodes on the longest way from each node to the output.
fn depths(network: &Network) -> Vec<usize> {
    let mut depths = vec![0; network.nodes().len()];
    for (index, node) in network.nodes().iter().enumerate().rev() {
        for source in &node.sources {
            if let Source::Node(source) = *source {
                depths[source] = depths[source].max(depths[index] + 1);
            }
        }
    }
    depths
}

/// When each node is met first on a walk from the output.
fn met(network: &Network) -> Vec<usize> {
    let last = network.nodes().len() - 1;
    let mut met = vec![usize::MAX; last + 1];
    let (mut next, mut count) = (vec![last], 0);
    while let Some(node) = next.pop() {
        if met[node] == usize::MAX {
            met[node] = count;
            count += 1;
            let sources = network.nodes()[node].sources.iter().rev();
            next.extend(sources.filter_map(|source| match source {
                Source::Node(source) => Some(*source),
                Source::Input => None,
            }));
        }
    }
    met
}
