//! What modules are called.

use lenslet_model::{Network, Node, zoo_model};

/// The name of each node with parameters, in order: torchvision's where the network is one of
/// theirs, else the layer's own.
pub(super) fn names(network: &Network) -> Vec<String> {
    let nodes: Vec<&Node> = network.nodes().iter().filter(|node| has_parameters(node)).collect();
    let theirs = match network.name() {
        name @ "resnet18" if is_zoos(network, name) => resnet18(),
        name @ "mobilenet_v2" if is_zoos(network, name) => mobilenet_v2(),
        _ => return nodes.into_iter().map(|node| node.name.clone()).collect(),
    };
    assert_eq!(theirs.len(), nodes.len(), "torchvision has as many modules");
    theirs
}

pub(super) fn has_parameters(node: &Node) -> bool {
    !node.parameters.is_empty() || !node.state.is_empty()
}

fn is_zoos(network: &Network, name: &str) -> bool {
    let classes = network.output().last();
    zoo_model(name, network.input().clone(), classes).as_ref() == Ok(network.description())
}

/// `torchvision.models.resnet18`: in a block whose shortcut has layers, these come first.
fn resnet18() -> Vec<String> {
    let mut names = vec!["conv1".to_owned(), "bn1".to_owned()];
    for stage in 1..=4 {
        for block in 0..2 {
            let shortcut: &[&str] =
                if stage > 1 && block == 0 { &["downsample.0", "downsample.1"] } else { &[] };
            let parts = shortcut.iter().chain(&["conv1", "bn1", "conv2", "bn2"]);
            names.extend(parts.map(|part| format!("layer{stage}.{block}.{part}")));
        }
    }
    names.push("fc".to_owned());
    names
}

/// `torchvision.models.mobilenet_v2`: the first block does not widen.
fn mobilenet_v2() -> Vec<String> {
    let mut names = vec!["features.0.0".to_owned(), "features.0.1".to_owned()];
    for block in 1..=17 {
        let parts: &[&str] = match block {
            1 => &["0.0", "0.1", "1", "2"],
            _ => &["0.0", "0.1", "1.0", "1.1", "2", "3"],
        };
        names.extend(parts.iter().map(|part| format!("features.{block}.conv.{part}")));
    }
    names.extend(["features.18.0", "features.18.1", "classifier.1"].map(String::from));
    names
}
