//! Where each of a network's parameters is in PyTorch, and in which order its numbers lie there.

use std::ops::Range;

use lenslet_model::{Layer, Network, Node, Parameter, Source};

use super::names::{has_parameters, names};
use crate::FormatError;

/// A tensor of a `state_dict`.
pub(super) struct Place {
    /// Its name: `conv2d.weight`.
    pub(super) name: String,
    /// Its shape there.
    pub(super) shape: Vec<usize>,
    pub(super) content: Content,
}

/// What the tensor holds.
pub(super) enum Content {
    /// A parameter: of the shape `dims`, its axes in another order.
    Parameter { range: Range<usize>, dims: Vec<usize>, order: Vec<usize> },
    /// This number everywhere: what the layer does without.
    Always(f32),
    /// A counter (`num_batches_tracked`), which nothing here needs.
    Counter,
}

/// All tensors of a network.
///
/// # Errors
/// Where a layer's result depends on the order of numbers that PyTorch has in another one.
pub(super) fn places(network: &Network) -> Result<Vec<Place>, FormatError> {
    let mut modules = names(network).into_iter();
    let mut flat: Vec<Option<Picture>> = Vec::new();
    let mut places = Vec::new();
    for node in network.nodes() {
        let inputs: Vec<Option<Picture>> = node
            .sources
            .iter()
            .map(|source| match source {
                Source::Input => None,
                Source::Node(index) => flat[*index],
            })
            .collect();
        if has_parameters(node) {
            let module = modules.next().expect("every such node has a name");
            let module = Module { network, node, name: module, picture: inputs[0] };
            module.describe(&mut places);
        }
        flat.push(flattened(node, &inputs)?);
    }
    Ok(places)
}

/// The picture (height, width, channels) that a vector once was: PyTorch has its numbers with the
/// channels first.
type Picture = [usize; 3];

/// Which picture the result of a node once was, if that matters.
fn flattened(node: &Node, inputs: &[Option<Picture>]) -> Result<Option<Picture>, FormatError> {
    let refuse = || {
        let what = format!(
            "layer `{}` ({}) comes behind a Flatten, where PyTorch has the numbers in another order",
            node.name,
            node.layer.kind()
        );
        Err(FormatError::unsupported(what, "put a Dense layer in between, or export to ONNX"))
    };
    match &node.layer {
        Layer::Flatten(_) => match *node.input.dims() {
            [height, width, channels] if height * width > 1 && channels > 1 => {
                Ok(Some([height, width, channels]))
            }
            _ => Ok(inputs[0]),
        },
        Layer::Dense(_) | Layer::Maxout(_) => Ok(None),
        Layer::Reshape(_) | Layer::GroupNormalization(_) if inputs[0].is_some() => refuse(),
        Layer::Concatenate(_) if inputs.iter().any(Option::is_some) => refuse(),
        Layer::Add(_) | Layer::Multiply(_) if inputs.iter().any(|x| *x != inputs[0]) => refuse(),
        _ => Ok(inputs[0]),
    }
}

/// A node with parameters as a module.
struct Module<'a> {
    network: &'a Network,
    node: &'a Node,
    name: String,
    /// What its input once was.
    picture: Option<Picture>,
}

impl Module<'_> {
    fn describe(&self, to: &mut Vec<Place>) {
        match &self.node.layer {
            Layer::BatchNormalization(_) => {
                self.affine(to);
                self.channels(to, "running_mean", "moving_mean", 0.0);
                self.channels(to, "running_var", "moving_variance", 1.0);
                let name = format!("{}.num_batches_tracked", self.name);
                to.push(Place { name, shape: Vec::new(), content: Content::Counter });
            }
            Layer::LayerNormalization(_) | Layer::GroupNormalization(_) => self.affine(to),
            Layer::PReLU(layer) => {
                let alpha = self.parameter("alpha").expect("it has slopes");
                // One number a channel is a vector in PyTorch, anything else a picture.
                let a_channel =
                    layer.alpha_shape(&self.node.input).iter().rev().skip(1).all(|&d| d == 1);
                if a_channel && self.picture.is_none() {
                    let dims = vec![alpha.range.len()];
                    self.put(to, "weight", alpha, dims.clone(), vec![0], dims);
                } else {
                    let (dims, order) = self.channels_first(alpha.shape.clone());
                    let shape = order.iter().map(|&axis| dims[axis]).collect();
                    self.put(to, "weight", alpha, dims, order, shape);
                }
            }
            _ => {
                for parameter in self.network.parameters_of(self.node) {
                    self.weights(to, parameter);
                }
            }
        }
    }

    /// A convolution's, a dense layer's, or another layer's plain numbers.
    fn weights(&self, to: &mut Vec<Place>, parameter: &Parameter) {
        let separable = matches!(self.node.layer, Layer::SeparableConv2D(_));
        let depthwise = matches!(self.node.layer, Layer::DepthwiseConv2D(_));
        let own = parameter.name.rsplit('/').next().unwrap_or_default();
        let name = match own {
            "kernel" => "weight",
            "depthwise_kernel" => "depthwise.weight",
            "pointwise_kernel" => "pointwise.weight",
            "bias" if separable => "pointwise.bias",
            other => other,
        };
        let dims = parameter.shape.clone();
        match dims[..] {
            [height, width, channels, multiplier] if depthwise || own == "depthwise_kernel" => {
                let shape = vec![channels * multiplier, 1, height, width];
                self.put(to, name, parameter, dims, vec![2, 3, 0, 1], shape);
            }
            [height, width, channels, filters] => {
                let shape = vec![filters, channels, height, width];
                self.put(to, name, parameter, dims, vec![3, 2, 0, 1], shape);
            }
            [inputs, outputs] => {
                let shape = vec![outputs, inputs];
                match self.picture {
                    Some([height, width, channels]) => {
                        let dims = vec![height, width, channels, outputs];
                        self.put(to, name, parameter, dims, vec![3, 2, 0, 1], shape);
                    }
                    None => self.put(to, name, parameter, dims, vec![1, 0], shape),
                }
            }
            _ => {
                let order = (0..dims.len()).collect();
                self.put(to, name, parameter, dims.clone(), order, dims);
            }
        }
    }

    /// `weight` and `bias` of a normalisation: both, or none.
    fn affine(&self, to: &mut Vec<Place>) {
        let batch = matches!(self.node.layer, Layer::BatchNormalization(_));
        if batch || self.parameter("gamma").is_some() || self.parameter("beta").is_some() {
            self.channels(to, "weight", "gamma", 1.0);
            self.channels(to, "bias", "beta", 0.0);
        }
    }

    /// A number for each channel: a parameter, or `otherwise`.
    fn channels(&self, to: &mut Vec<Place>, name: &str, own: &str, otherwise: f32) {
        match self.parameter(own) {
            Some(parameter) => {
                let shape = parameter.shape.clone();
                let (dims, order) = self.channels_first(shape.clone());
                self.put(to, name, parameter, dims, order, shape);
            }
            None => to.push(Place {
                name: format!("{}.{name}", self.name),
                shape: vec![self.node.input.last()],
                content: Content::Always(otherwise),
            }),
        }
    }

    /// The shape and the order of axes of numbers that lie as the input does.
    fn channels_first(&self, dims: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
        let dims = match self.picture {
            Some(picture) if dims.len() == 1 => picture.to_vec(),
            _ => dims,
        };
        let mut order: Vec<usize> = (0..dims.len()).collect();
        order.rotate_right(1);
        (dims, order)
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        let is = |p: &&Parameter| p.name.rsplit('/').next() == Some(name);
        self.network.parameters_of(self.node).find(is)
    }

    fn put(
        &self,
        to: &mut Vec<Place>,
        name: &str,
        parameter: &Parameter,
        dims: Vec<usize>,
        order: Vec<usize>,
        shape: Vec<usize>,
    ) {
        let content = Content::Parameter { range: parameter.range.clone(), dims, order };
        to.push(Place { name: format!("{}.{name}", self.name), shape, content });
    }
}
