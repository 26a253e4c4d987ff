//! The layers lowered to operations on values.
//!
//! A value is what one layer hands to the next, for one image. Element-wise operations work in
//! place where nothing in the backward pass still needs what they would overwrite; layers that
//! compute nothing (`Flatten`) disappear.

use std::ops::Range;

use lenslet_kernels::{
    Activation as Function, Axis, Conv2dKernel, Conv2dShape, Kernels, Pool2dShape,
};
use lenslet_model::{Activation, Layer, Loss, Network, Node, Shape, Source};

use crate::EngineError;

/// Index of a value.
pub(crate) type Value = usize;

/// What is done to a value.
pub(crate) enum Op<K: Kernels> {
    /// Reads the image's bytes.
    Load,
    Conv2d {
        kernel: K::Conv2d,
        weights: Weights,
        packed: usize,
    },
    Dense {
        weights: Weights,
    },
    Pool {
        kind: Pool,
        shape: Pool2dShape,
    },
    Activate(Function),
    Softmax {
        classes: usize,
    },
    Dropout {
        rate: f64,
        purpose: u32,
    },
    MaxPieces {
        pieces: usize,
        units: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pool {
    Max,
    Average,
    Sum,
}

/// Where a layer's parameters lie in the flat buffers. An absent bias is an empty range.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    pub(crate) kernel: Range<usize>,
    pub(crate) bias: Range<usize>,
}

/// One operation. In place where `input == output`.
pub(crate) struct Step<K: Kernels> {
    pub(crate) op: Op<K>,
    pub(crate) input: Value,
    pub(crate) output: Value,
}

/// How the loss comes out of the last value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// The last value holds logits: softmax and cross-entropy together.
    Logits,
    /// The last value holds probabilities.
    Probabilities,
}

/// A network as a list of operations.
pub(crate) struct Program<K: Kernels> {
    pub(crate) steps: Vec<Step<K>>,
    /// Elements of each value.
    pub(crate) lens: Vec<usize>,
    pub(crate) head: Head,
    /// Whether the outputs for prediction are the softmax of the last value.
    pub(crate) softmax_outputs: bool,
    /// Elements of each convolution's packed filters.
    pub(crate) packed_lens: Vec<usize>,
    /// The first step with parameters: the backward pass ends there.
    pub(crate) first_trainable: usize,
    /// For each value, whether nothing goes back from where it is zero, whatever its gradient.
    pub(crate) rectified: Vec<bool>,
    /// For each step, what runs together with it, if it is a convolution.
    pub(crate) blocks: Vec<Option<Block>>,
    /// For each step, the network's node that it comes from.
    pub(crate) nodes: Vec<Option<usize>>,
}

/// A convolution and the steps behind it that work on its output while that is in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The activation, which works in place.
    pub(crate) activation: Option<usize>,
    /// The max-pooling of that.
    pub(crate) pool: Option<usize>,
    /// In the backward pass the output's gradient is not needed either: it is taken from the
    /// pool's, whose output a rectifier and perhaps this dropout made zero where nothing goes back.
    pub(crate) rectified: bool,
    pub(crate) dropout: Option<usize>,
}

impl Block {
    /// The step after those that the forward pass runs together, of a block that starts at `step`.
    pub(crate) fn end(&self, step: usize) -> usize {
        self.pool.or(self.activation).unwrap_or(step) + 1
    }
}

/// Random numbers for dropout: the purpose of the first node's stream.
const DROPOUT: u32 = 0x2_0000;

impl<K: Kernels> Program<K> {
    pub(crate) fn new(kernels: &K, network: &Network, loss: Loss) -> Result<Self, EngineError> {
        check(network)?;
        let mut lowering = Lowering {
            kernels,
            steps: vec![Step { op: Op::Load, input: 0, output: 0 }],
            lens: vec![network.input().elements()],
            needed: vec![Need::Nothing],
            packed_lens: Vec::new(),
            nodes: vec![None],
        };
        for (index, node) in network.nodes().iter().enumerate() {
            lowering.node(network, node, index as u32);
            lowering.nodes.resize(lowering.steps.len(), Some(index));
        }
        Ok(lowering.finish(loss))
    }

    /// The value that holds the network's output.
    pub(crate) fn last(&self) -> Value {
        self.lens.len() - 1
    }
}

/// What the backward pass reads of an operation's output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Nothing,
    /// Only whether each number is above zero. Dropout may work over it: it multiplies by zero or
    /// by a positive number, and where by zero no gradient comes back either.
    Sign,
    Numbers,
}

struct Lowering<'a, K: Kernels> {
    kernels: &'a K,
    steps: Vec<Step<K>>,
    lens: Vec<usize>,
    /// What the backward pass reads of each value.
    needed: Vec<Need>,
    packed_lens: Vec<usize>,
    nodes: Vec<Option<usize>>,
}

impl<K: Kernels> Lowering<'_, K> {
    fn node(&mut self, network: &Network, node: &Node, index: u32) {
        let input = &node.input;
        match &node.layer {
            Layer::Conv2D(layer) => {
                let shape = layer.geometry(input).expect("checked when the network was built");
                self.convolution(shape, weights(network, node));
                self.activation(layer.activation, &node.output);
            }
            Layer::Dense(layer) => {
                self.affine(input, layer.units, weights(network, node));
                self.activation(layer.activation, &node.output);
            }
            Layer::Maxout(layer) => {
                let (pieces, units) = (layer.pieces, layer.units);
                self.affine(input, pieces * units, weights(network, node));
                self.push(Op::MaxPieces { pieces, units }, node.output.elements());
            }
            Layer::MaxPool2D(layer) => self.pool(Pool::Max, layer.geometry(input)),
            Layer::AveragePool2D(layer) => self.pool(Pool::Average, layer.geometry(input)),
            Layer::SumPool2D(layer) => self.pool(Pool::Sum, layer.geometry(input)),
            Layer::Flatten(_) => {}
            Layer::Dropout(layer) if layer.rate == 0.0 => {}
            Layer::Dropout(layer) => {
                let rate = layer.rate;
                let op = Op::Dropout { rate, purpose: DROPOUT + index };
                self.in_place(op, Need::Sign, Need::Nothing);
            }
            Layer::Activation(layer) => self.activation(layer.activation, input),
            Layer::ReLU(layer) => self.activation(layer.activation(), input),
            Layer::LeakyReLU(layer) => self.activation(layer.activation(), input),
            Layer::ELU(layer) => self.activation(layer.activation(), input),
            Layer::Softmax(layer) => self.activation(layer.activation(), input),
            other => unreachable!("no lowering for {}", other.kind()),
        }
    }

    fn push(&mut self, op: Op<K>, len: usize) {
        let input = self.lens.len() - 1;
        self.lens.push(len);
        self.needed.push(Need::Nothing);
        self.steps.push(Step { op, input, output: input + 1 });
    }

    /// Appends an element-wise operation: in place where what it would overwrite is not needed
    /// beyond `allowed`, else on a copy. The backward pass will need `keeps` of its output.
    fn in_place(&mut self, op: Op<K>, allowed: Need, keeps: Need) {
        let value = self.lens.len() - 1;
        if self.needed[value] <= allowed {
            self.steps.push(Step { op, input: value, output: value });
        } else {
            self.push(op, self.lens[value]);
        }
        let last = self.needed.len() - 1;
        self.needed[last] = self.needed[last].max(keeps);
    }

    fn activation(&mut self, activation: Activation, shape: &Shape) {
        let (op, keeps) = match activation {
            Activation::Linear => return,
            Activation::Softmax => (Op::Softmax { classes: shape.last() }, Need::Numbers),
            Activation::Sigmoid => (Op::Activate(Function::Sigmoid), Need::Numbers),
            Activation::Tanh => (Op::Activate(Function::Tanh), Need::Numbers),
            Activation::Relu => (Op::Activate(Function::Relu), Need::Sign),
            Activation::LeakyRelu { negative_slope } => {
                (Op::Activate(Function::LeakyRelu { negative_slope }), Need::Sign)
            }
            Activation::Elu { alpha } => (Op::Activate(Function::Elu { alpha }), Need::Numbers),
            other => unreachable!("no lowering for {other}"),
        };
        self.in_place(op, Need::Nothing, keeps);
    }

    fn convolution(&mut self, shape: Conv2dShape, weights: Weights) {
        let kernel = self.kernels.conv2d(shape);
        let packed = self.packed_lens.len();
        self.packed_lens.push(kernel.packed_len());
        self.push(Op::Conv2d { kernel, weights, packed }, shape.output_len());
    }

    /// A dense layer; over pictures it is a convolution with 1x1 filters.
    fn affine(&mut self, input: &Shape, out: usize, weights: Weights) {
        let rows = input.elements() / input.last();
        if rows == 1 {
            return self.push(Op::Dense { weights }, out);
        }
        let axis = |n| Axis::valid(n, 1, 1, 1).expect("one tap fits");
        let (height, width) = (axis(rows), axis(1));
        let shape = Conv2dShape { height, width, in_channels: input.last(), out_channels: out };
        self.convolution(shape, weights);
    }

    fn pool(&mut self, kind: Pool, shape: Result<Pool2dShape, lenslet_model::Problem>) {
        let shape = shape.expect("checked when the network was built");
        self.push(Op::Pool { kind, shape }, shape.output_len());
    }

    fn finish(mut self, loss: Loss) -> Program<K> {
        let Loss::SparseCategoricalCrossentropy(loss) = loss else {
            unreachable!("no head for this loss")
        };
        let last = self.lens.len() - 1;
        let softmax = matches!(
            self.steps.last(),
            Some(Step { op: Op::Softmax { classes }, .. }) if *classes == self.lens[last]
        );
        let fused = softmax && !loss.from_logits;
        if fused && let Some(step) = self.steps.pop() {
            self.lens.truncate(step.input + 1);
        }
        let has_parameters =
            |step: &Step<K>| matches!(step.op, Op::Conv2d { .. } | Op::Dense { .. });
        Program {
            head: if fused || loss.from_logits { Head::Logits } else { Head::Probabilities },
            softmax_outputs: fused,
            first_trainable: self.steps.iter().position(has_parameters).unwrap_or(self.steps.len()),
            rectified: rectified(&self.steps, self.lens.len()),
            blocks: (0..self.steps.len()).map(|i| block(&self.steps, i)).collect(),
            steps: self.steps,
            lens: self.lens,
            packed_lens: self.packed_lens,
            nodes: self.nodes,
        }
    }
}

/// Which values nothing goes back from where they are zero: what a rectifier made, and the largest of
/// that, even if dropout made some more of them zero.
fn rectified<K: Kernels>(steps: &[Step<K>], values: usize) -> Vec<bool> {
    let mut rectified = vec![false; values];
    for step in steps {
        rectified[step.output] = match step.op {
            Op::Activate(Function::Relu) => true,
            Op::Dropout { .. } | Op::Pool { kind: Pool::Max, .. } => rectified[step.input],
            _ => false,
        };
    }
    rectified
}

/// What runs together with a convolution.
fn block<K: Kernels>(steps: &[Step<K>], convolution: usize) -> Option<Block> {
    let Op::Conv2d { .. } = steps[convolution].op else { return None };
    let next = |i: usize| steps.get(i).map(|step| (i, step));
    let activation = next(convolution + 1)
        .filter(|(_, step)| matches!(step.op, Op::Activate(_)) && step.input == step.output);
    let pool = next(activation.map_or(convolution, |(i, _)| i) + 1)
        .filter(|(_, step)| matches!(step.op, Op::Pool { kind: Pool::Max, .. }));
    let dropout = pool
        .and_then(|(i, _)| next(i + 1))
        .filter(|(_, step)| matches!(step.op, Op::Dropout { .. }) && step.input == step.output);
    let relu = |(_, step): &(usize, &Step<K>)| matches!(step.op, Op::Activate(Function::Relu));
    let index = |found: Option<(usize, &Step<K>)>| found.map(|(i, _)| i);
    Some(Block {
        rectified: activation.as_ref().is_some_and(relu) && pool.is_some(),
        activation: index(activation),
        pool: index(pool),
        dropout: index(dropout),
    })
}

/// Refuses what has no lowering.
fn check(network: &Network) -> Result<(), EngineError> {
    for (index, node) in network.nodes().iter().enumerate() {
        let before = index.checked_sub(1).map_or(Source::Input, Source::Node);
        let (known, activation) = match &node.layer {
            Layer::Conv2D(layer) => (layer.groups == 1, layer.activation),
            Layer::Dense(layer) => (true, layer.activation),
            Layer::Activation(layer) => (true, layer.activation),
            Layer::MaxPool2D(_)
            | Layer::AveragePool2D(_)
            | Layer::SumPool2D(_)
            | Layer::Flatten(_)
            | Layer::Dropout(_)
            | Layer::ReLU(_)
            | Layer::LeakyReLU(_)
            | Layer::ELU(_)
            | Layer::Softmax(_)
            | Layer::Maxout(_) => (true, Activation::Linear),
            _ => (false, Activation::Linear),
        };
        let runs = matches!(
            activation,
            Activation::Linear
                | Activation::Sigmoid
                | Activation::Tanh
                | Activation::Relu
                | Activation::LeakyRelu { .. }
                | Activation::Elu { .. }
                | Activation::Softmax
        );
        let penalties = || network.parameters_of(node).any(|p| !p.regularizer.is_none());
        let what = if node.sources != [before] {
            "branches".to_owned()
        } else if !known {
            format!("{} with these settings", node.layer.kind())
        } else if !runs {
            format!("the activation {activation}")
        } else if penalties() || !node.layer.activity_regularizer().is_none() {
            "regularizers".to_owned()
        } else {
            continue;
        };
        return Err(EngineError::Unsupported { layer: node.name.clone(), what });
    }
    Ok(())
}

fn weights(network: &Network, node: &Node) -> Weights {
    let range = |name: &str| {
        let mut own = network.parameters_of(node);
        own.find(|p| p.name.ends_with(name)).map(|p| p.range.clone())
    };
    let kernel = range("/kernel").expect("every affine layer has a kernel");
    let bias = range("/bias").unwrap_or(kernel.end..kernel.end);
    Weights { kernel, bias }
}
