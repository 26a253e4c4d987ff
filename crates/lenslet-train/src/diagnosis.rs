//! Where numbers first stopped being numbers.

use std::fmt;

use lenslet_engine::{Cpu, Engine, EngineError, NotFinite, Options};
use lenslet_model::{Graph, INPUT, Loss, NamedLayer, Network, SGD, Source};

/// What went bad first in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bad {
    /// What comes into a layer.
    Input {
        /// The layer's name.
        layer: String,
        /// The name of the layer that made it, out of finite numbers.
        from: String,
    },
    /// The weights of a layer, or their gradients.
    Parameters(NotFinite),
    /// The loss: all that is before it is finite, but for the network's outputs perhaps.
    Loss,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { layer, from } => {
                write!(f, "the first layer to go bad is `{layer}` (its input is, from `{from}`)")
            }
            Self::Parameters(bad) => write!(f, "the first layer to go bad is {bad}"),
            Self::Loss => f.write_str("no layer before it went bad"),
        }
    }
}

/// What is behind a step on `samples` samples that left no numbers: of a loss that is not `finite`,
/// what came before it, else what came after.
pub(crate) fn diagnose(engine: &dyn Engine, finite: bool, pixels: &[u8], samples: usize) -> Bad {
    if let Some(bad) = engine.not_finite().filter(|bad| finite || bad.weights) {
        return Bad::Parameters(bad);
    }
    let network = engine.network();
    let weights = engine.weights();
    for index in 0..network.nodes().len() {
        // What cannot be run by itself is passed over: the next layer shows it, too.
        let Ok(outputs) = outputs_of(network, index, &weights, pixels, samples) else { continue };
        if outputs.iter().all(|x| x.is_finite()) {
            continue;
        }
        let takes = |source: &Source| *source == Source::Node(index);
        let taker = network.nodes().iter().find(|node| node.sources.iter().any(takes));
        let Some(taker) = taker else { break };
        let from = network.nodes()[index].name.clone();
        return Bad::Input { layer: taker.name.clone(), from };
    }
    Bad::Loss
}

/// What the layer of this index makes of the samples, as at prediction.
fn outputs_of(
    network: &Network,
    index: usize,
    weights: &[f32],
    pixels: &[u8],
    samples: usize,
) -> Result<Vec<f32>, EngineError> {
    let part = until(network, index).build()?;
    let options = Options { threads: 1, ..Options::default() };
    let mut engine = Cpu::blank(part, Loss::default(), SGD::new(0.01).into(), options)?;
    let own = engine.network().parameters().to_vec();
    for parameter in own {
        let same = network.parameters().iter().find(|other| other.name == parameter.name);
        let same = same.expect("it is a part of the network").range.clone();
        engine.parameters_mut()[parameter.range].copy_from_slice(&weights[same]);
    }
    let mut outputs = Vec::new();
    engine.predict(pixels, samples, &mut outputs)?;
    Ok(outputs)
}

/// The layer of this index and all that it needs.
fn until(network: &Network, index: usize) -> Graph {
    let nodes = network.nodes();
    let mut needed = vec![false; nodes.len()];
    needed[index] = true;
    for node in (0..=index).rev() {
        for source in &nodes[node].sources {
            if let (true, Source::Node(before)) = (needed[node], source) {
                needed[*before] = true;
            }
        }
    }
    let name = |source: &Source| match source {
        Source::Input => INPUT.to_owned(),
        Source::Node(node) => nodes[*node].name.clone(),
    };
    let layers = nodes.iter().zip(&needed).filter(|(_, needed)| **needed);
    let layers = layers.map(|(node, _)| NamedLayer {
        name: Some(node.name.clone()),
        inputs: node.sources.iter().map(name).collect(),
        layer: node.layer.clone(),
    });
    Graph {
        name: network.name().to_owned(),
        input: network.input().clone(),
        output: Some(nodes[index].name.clone()),
        layers: layers.collect(),
    }
}
