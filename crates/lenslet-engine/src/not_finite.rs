//! Where numbers stopped being numbers.

use std::fmt;

use lenslet_kernels::Real;
use lenslet_model::{Network, Parameter};

use crate::numbers::Numbers;

/// A layer with numbers that are not finite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFinite {
    /// The layer's name.
    pub layer: String,
    /// The name of its first bad parameter.
    pub parameter: String,
    /// Whether the parameter's own numbers are bad.
    pub weights: bool,
    /// Whether its gradients are.
    pub gradients: bool,
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, parameter, weights, gradients } = self;
        let what = match (weights, gradients) {
            (true, true) => "weights and gradients",
            (true, false) => "weights",
            (false, _) => "gradients",
        };
        write!(f, "`{layer}` ({what} of its {parameter} are not finite)")
    }
}

/// The first bad parameter in the order of the layers.
pub(crate) fn first<R: Real>(network: &Network, numbers: &Numbers<R>) -> Option<NotFinite> {
    let of_layers = network.nodes().iter().flat_map(|node| network.parameters_of(node));
    of_layers.filter_map(|parameter| look(parameter, numbers)).next()
}

fn look<R: Real>(parameter: &Parameter, numbers: &Numbers<R>) -> Option<NotFinite> {
    // There are no gradients before training, nor of what is not trained.
    let bad = |numbers: &[R]| {
        let own = numbers.get(parameter.range.clone()).unwrap_or_default();
        own.iter().any(|x| !x.is_finite())
    };
    let (weights, gradients) = (bad(&numbers.parameters), bad(&numbers.gradients));
    let (layer, parameter) = parameter.name.rsplit_once('/').unwrap_or(("", &parameter.name));
    let found = || NotFinite {
        layer: layer.to_owned(),
        parameter: parameter.to_owned(),
        weights,
        gradients,
    };
    (weights || gradients).then(found)
}
