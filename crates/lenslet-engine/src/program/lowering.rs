//! Layer by layer to operations.

use lenslet_kernels::{
    Activation as Function, Axis, Conv2dKernel, Conv2dShape, DepthwiseShape, Formula,
    GroupedConv2d, Kernels, Pool2dShape, Real,
};
use lenslet_model::layers::{BatchNormalization, Conv2D, Normalization};
use lenslet_model::{
    Activation, Borders, Layer, Loss, Network, Node, Problem, Regularizer, Shape, Source,
};

use super::{Broadcast, Frame, Norm, Op, Pool, Program, Step, Value, Weights, blocks, flow};
use crate::EngineError;
use crate::head::{Fused, Head, formula};
use crate::plan::Mode;

/// Random numbers for dropout: the purpose of the first node's stream.
const DROPOUT: u32 = 0x2_0000;

/// What the backward pass reads of an operation's output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Nothing,
    /// Only whether each number is above zero. Dropout may work over it: it multiplies by zero or
    /// by a positive number, and where by zero no gradient comes back either.
    Sign,
    Numbers,
}

pub(super) fn lower<K: Kernels>(
    kernels: &K,
    network: &Network,
    loss: &Loss,
    mode: Mode,
    fusion: bool,
) -> Result<Program<K>, EngineError> {
    let mut lowering = Lowering {
        kernels,
        network,
        mode,
        fusion,
        steps: vec![Step { op: Op::Load, input: 0, others: Vec::new(), output: 0 }],
        lens: vec![network.input().elements()],
        needed: vec![Need::Nothing],
        reads: vec![uses(network, Source::Input)],
        packed_lens: Vec::new(),
        norms: Vec::new(),
        nodes: vec![None],
        results: Vec::new(),
    };
    for index in 0..network.nodes().len() {
        lowering.node(index)?;
    }
    Ok(lowering.finish(loss))
}

/// How often layers take this result; the network's own is read by the loss.
fn uses(network: &Network, source: Source) -> usize {
    let takers = network.nodes().iter().flat_map(|node| &node.sources);
    let last = source == Source::Node(network.nodes().len() - 1);
    takers.filter(|&&taken| taken == source).count() + usize::from(last)
}

struct Lowering<'a, K: Kernels> {
    kernels: &'a K,
    network: &'a Network,
    mode: Mode,
    fusion: bool,
    steps: Vec<Step<K>>,
    lens: Vec<usize>,
    /// What the backward pass reads of each value.
    needed: Vec<Need>,
    /// How often each value is read after it was last written.
    reads: Vec<usize>,
    packed_lens: Vec<usize>,
    norms: Vec<Norm>,
    nodes: Vec<Option<usize>>,
    /// The value of each node's result.
    results: Vec<Value>,
}

impl<K: Kernels> Lowering<'_, K> {
    fn node(&mut self, index: usize) -> Result<(), EngineError> {
        let network = self.network;
        let node = &network.nodes()[index];
        let inputs: Vec<Value> = node.sources.iter().map(|&source| self.value_of(source)).collect();
        let before = self.steps.len();
        let result = self.layer(node, index as u32, &inputs)?;
        let result = self.penalty(node.layer.activity_regularizer(), result);
        let uses = uses(network, Source::Node(index));
        if self.steps.len() == before {
            // Another name for its input: who takes it reads that.
            self.reads[result] += uses - 1;
        } else {
            self.reads[result] = uses;
        }
        self.nodes.resize(self.steps.len(), Some(index));
        self.results.push(result);
        Ok(())
    }

    fn value_of(&self, source: Source) -> Value {
        match source {
            Source::Input => 0,
            Source::Node(index) => self.results[index],
        }
    }

    fn layer(&mut self, node: &Node, index: u32, inputs: &[Value]) -> Result<Value, EngineError> {
        let (x, input, output) = (inputs[0], &node.input, &node.output);
        Ok(match &node.layer {
            Layer::Conv2D(layer) => {
                let (shape, x) = self.conv_shape(layer, node, x);
                let weights = self.weights(node, "kernel");
                let y = match layer.groups {
                    // A group of one channel and one filter: there is a kernel for that.
                    groups
                        if groups > 1 && [shape.in_channels, shape.out_channels] == [groups; 2] =>
                    {
                        let Conv2dShape { height, width, in_channels: channels, .. } = shape;
                        self.depthwise(Pool2dShape { height, width, channels }, 1, weights, x)
                    }
                    groups => self.convolution(shape, groups, weights, x),
                };
                self.activation(layer.activation, output, y, node)?
            }
            Layer::DepthwiseConv2D(layer) => {
                let window = known(layer.geometry(input));
                let multiplier = layer.depth_multiplier;
                let y = self.depthwise(window, multiplier, self.weights(node, "kernel"), x);
                self.activation(layer.activation, output, y, node)?
            }
            Layer::SeparableConv2D(layer) => {
                let window = known(layer.depthwise().geometry(input));
                let Weights { kernel, .. } = self.weights(node, "depthwise_kernel");
                let weights = Weights { bias: kernel.end..kernel.end, kernel };
                let between = self.depthwise(window, layer.depth_multiplier, weights, x);
                let channels = input.last() * layer.depth_multiplier;
                let shape = one_by_one(output.elements() / output.last(), channels, layer.filters);
                let y = self.convolution(shape, 1, self.weights(node, "pointwise_kernel"), between);
                self.activation(layer.activation, output, y, node)?
            }
            Layer::Dense(layer) => {
                let y = self.affine(node, layer.units, x);
                self.activation(layer.activation, output, y, node)?
            }
            Layer::Maxout(layer) => {
                let (pieces, units) = (layer.pieces, layer.units);
                let z = self.affine(node, pieces * units, x);
                self.push(Op::MaxPieces { pieces, units }, z, output.elements())
            }
            Layer::MaxPool2D(layer) => self.pool(Pool::Max, layer.geometry(input), x),
            Layer::AveragePool2D(layer) => self.pool(Pool::Average, layer.geometry(input), x),
            Layer::SumPool2D(layer) => self.pool(Pool::Sum, layer.geometry(input), x),
            Layer::GlobalAveragePooling2D(layer) => {
                self.pool(Pool::Average, layer.geometry(input), x)
            }
            Layer::GlobalMaxPooling2D(layer) => self.pool(Pool::Max, layer.geometry(input), x),
            Layer::Flatten(_) | Layer::Reshape(_) => x,
            Layer::ZeroPadding2D(layer) if layer.padding == Borders::default() => x,
            Layer::ZeroPadding2D(layer) => {
                let frame = frame(layer.padding, input);
                self.push(Op::Pad(frame), x, output.elements())
            }
            Layer::Cropping2D(layer) => {
                let frame = frame(layer.cropping, output);
                self.push(Op::Crop(frame), x, output.elements())
            }
            Layer::Dropout(layer) if layer.rate == 0.0 || self.mode == Mode::Predict => x,
            Layer::Dropout(layer) => {
                let rate = layer.rate;
                let op = Op::Dropout { rate, purpose: DROPOUT + index };
                self.in_place(op, x, Need::Sign, Need::Nothing)
            }
            Layer::Activation(layer) => self.activation(layer.activation, input, x, node)?,
            Layer::ReLU(layer) => self.activation(layer.activation(), input, x, node)?,
            Layer::LeakyReLU(layer) => self.activation(layer.activation(), input, x, node)?,
            Layer::ELU(layer) => self.activation(layer.activation(), input, x, node)?,
            Layer::Softmax(layer) => {
                let classes = known(layer.classes(input));
                self.in_place(Op::Softmax { classes }, x, Need::Nothing, Need::Numbers)
            }
            Layer::Rescaling(layer) => {
                let period = period(1, input.elements());
                let [scale, shift] =
                    [layer.scale, layer.offset].map(|x| vec![K::Real::from_f64(x); period]);
                self.in_place(Op::ScaleShift { scale, shift }, x, Need::Nothing, Need::Nothing)
            }
            Layer::Normalization(layer) => self.normalization(layer, node, x),
            Layer::BatchNormalization(layer) => self.batch_norm(layer, node, x),
            Layer::LayerNormalization(layer) => {
                let (channels, weights) = (known(layer.width(input)), self.scales(node));
                self.keep(x, Need::Numbers);
                let op = Op::LayerNorm { channels, epsilon: layer.epsilon, weights };
                self.push(op, x, input.elements())
            }
            Layer::GroupNormalization(layer) => {
                let channels = input.last();
                let (weights, epsilon) = (self.scales(node), layer.epsilon);
                let shape = [channels, known(layer.groups_of(channels))];
                let scratch = self.kernels.group_norm_scratch(channels);
                self.keep(x, Need::Numbers);
                let op = Op::GroupNorm { shape, epsilon, weights, scratch };
                self.push(op, x, input.elements())
            }
            Layer::PReLU(layer) => {
                // The kernel takes slopes over and over again: an axis in front is shared by that.
                let alpha = layer.alpha_shape(input);
                let shared = alpha.iter().take_while(|&&slopes| slopes == 1).count();
                let (own, dims) = (&alpha[shared..], &input.dims()[shared..]);
                let slopes = dims.iter().product();
                let repeated = Broadcast::new(own, dims).map(|repeated| (repeated, slopes));
                let kernel = self.range(node, "alpha").expect("it has slopes");
                let weights = Weights { bias: kernel.end..kernel.end, kernel };
                self.keep(x, Need::Numbers);
                self.push(Op::PRelu { weights, repeated }, x, input.elements())
            }
            Layer::SpatialDropout2D(layer) if layer.rate == 0.0 || self.mode == Mode::Predict => x,
            Layer::SpatialDropout2D(layer) => {
                let (rate, purpose, channels) = (layer.rate, DROPOUT + index, input.last());
                let op = Op::SpatialDropout { rate, purpose, channels };
                self.in_place(op, x, Need::Sign, Need::Nothing)
            }
            Layer::GaussianNoise(layer) if layer.stddev == 0.0 || self.mode == Mode::Predict => x,
            Layer::GaussianNoise(layer) => {
                let op = Op::Noise { stddev: layer.stddev, purpose: DROPOUT + index };
                self.in_place(op, x, Need::Nothing, Need::Nothing)
            }
            Layer::Add(_) => self.add(inputs, self.repeats(node), output.elements()),
            Layer::Multiply(_) => {
                self.push_all(Op::Multiply(self.repeats(node)), inputs, output.elements())
            }
            Layer::Concatenate(layer) => {
                let axis = known(layer.dimension(input));
                let rows: usize = output.dims()[..axis].iter().product();
                let widths = inputs.iter().map(|&input| self.lens[input] / rows).collect();
                self.push_all(Op::Concatenate { widths }, inputs, output.elements())
            }
            _ => return Err(unsupported(node, node.layer.kind())),
        })
    }

    fn push(&mut self, op: Op<K>, input: Value, len: usize) -> Value {
        self.push_all(op, &[input], len)
    }

    fn push_all(&mut self, op: Op<K>, inputs: &[Value], len: usize) -> Value {
        let output = self.lens.len();
        self.lens.push(len);
        self.needed.push(Need::Nothing);
        self.reads.push(1);
        self.steps.push(Step { op, input: inputs[0], others: inputs[1..].to_vec(), output });
        output
    }

    /// Appends an element-wise operation: in place where nobody else reads what it would overwrite,
    /// nor the backward pass more than `allowed` of it, else on a copy. The backward pass will need
    /// `keeps` of its output.
    fn in_place(&mut self, op: Op<K>, value: Value, allowed: Need, keeps: Need) -> Value {
        let output = if self.reads[value] == 1 && self.needed[value] <= allowed {
            self.steps.push(Step { op, input: value, others: Vec::new(), output: value });
            value
        } else {
            self.push(op, value, self.lens[value])
        };
        self.keep(output, keeps);
        output
    }

    /// The backward pass will read this much of a value.
    fn keep(&mut self, value: Value, need: Need) {
        if self.mode == Mode::Train {
            self.needed[value] = self.needed[value].max(need);
        }
    }

    fn activation(
        &mut self,
        activation: Activation,
        shape: &Shape,
        x: Value,
        node: &Node,
    ) -> Result<Value, EngineError> {
        let (function, keeps) = match activation {
            Activation::Linear => return Ok(x),
            Activation::Softmax => {
                let op = Op::Softmax { classes: shape.last() };
                return Ok(self.in_place(op, x, Need::Nothing, Need::Numbers));
            }
            Activation::Sigmoid => (Function::Sigmoid, Need::Numbers),
            Activation::Tanh => (Function::Tanh, Need::Numbers),
            Activation::Relu => (Function::Relu, Need::Sign),
            Activation::Relu6 => (Function::Relu6, Need::Numbers),
            Activation::LeakyRelu { negative_slope } => {
                (Function::LeakyRelu { negative_slope }, Need::Sign)
            }
            Activation::Elu { alpha } => (Function::Elu { alpha }, Need::Numbers),
            Activation::Selu => (Function::Selu, Need::Numbers),
            Activation::HardSigmoid => (Function::HardSigmoid, Need::Numbers),
            Activation::Softplus => (Function::Softplus, Need::Numbers),
            Activation::Softsign => (Function::Softsign, Need::Numbers),
            Activation::Exponential => (Function::Exponential, Need::Numbers),
            Activation::Silu => (Function::Silu, Need::Nothing),
            Activation::HardSwish => (Function::HardSwish, Need::Nothing),
            Activation::Gelu { approximate: false } => (Function::Gelu, Need::Nothing),
            Activation::Gelu { approximate: true } => (Function::GeluTanh, Need::Nothing),
            Activation::Mish => (Function::Mish, Need::Nothing),
            other => return Err(unsupported(node, &format!("the activation {other}"))),
        };
        if function.needs_input() {
            self.keep(x, Need::Numbers);
        }
        Ok(self.in_place(Op::Activate(function), x, Need::Nothing, keeps))
    }

    /// The sum, in place of the first input that nobody else reads.
    fn add(&mut self, inputs: &[Value], repeats: Vec<Option<Broadcast>>, len: usize) -> Value {
        let free = |&&input: &&Value| {
            let unread = self.reads[input] == 1 && self.needed[input] == Need::Nothing;
            unread && self.lens[input] == len
        };
        match inputs.iter().find(free).copied() {
            None => self.push_all(Op::Add(repeats), inputs, len),
            Some(output) => {
                let (input, others) = (inputs[0], inputs[1..].to_vec());
                self.steps.push(Step { op: Op::Add(repeats), input, others, output });
                output
            }
        }
    }

    /// How each of a node's inputs is repeated to the shape of its output.
    fn repeats(&self, node: &Node) -> Vec<Option<Broadcast>> {
        let shapes = node.sources.iter().map(|&source| self.network.shape_of(source));
        shapes.map(|shape| Broadcast::new(shape.dims(), node.output.dims())).collect()
    }

    fn penalty(&mut self, Regularizer { l1, l2 }: Regularizer, value: Value) -> Value {
        if (l1, l2) != (0.0, 0.0) {
            let (op, others) = (Op::Penalty { l1, l2 }, Vec::new());
            self.steps.push(Step { op, input: value, others, output: value });
            self.keep(value, Need::Numbers);
        }
        value
    }

    /// The geometry of a convolution and what it reads: zeros in front of it become its own.
    fn conv_shape(&mut self, layer: &Conv2D, node: &Node, x: Value) -> (Conv2dShape, Value) {
        let mut shape = known(layer.geometry(&node.input));
        let pads = self.steps.last().is_some_and(|step| {
            matches!(step.op, Op::Pad(_)) && step.output == x && self.reads[x] == 1
        });
        let unpadded = shape.height.pad_before == 0
            && shape.width.pad_before == 0
            && layer.padding == lenslet_model::Padding::Valid;
        if !(self.fusion && pads && unpadded) {
            return (shape, x);
        }
        let step = self.steps.pop().expect("just looked at");
        let Op::Pad(frame) = step.op else { unreachable!("just looked at") };
        self.forget_last_value();
        let within =
            |axis: Axis, before: usize, input: usize| Axis { input, pad_before: before, ..axis };
        shape.height = within(shape.height, frame.borders.top, frame.rows);
        shape.width = within(shape.width, frame.borders.left, frame.width / frame.channels);
        (shape, step.input)
    }

    /// The last value was dropped with the step that made it.
    fn forget_last_value(&mut self) {
        self.lens.pop();
        self.needed.pop();
        self.reads.pop();
        self.nodes.truncate(self.steps.len());
    }

    fn convolution(
        &mut self,
        shape: Conv2dShape,
        groups: usize,
        weights: Weights,
        x: Value,
    ) -> Value {
        let kernel = GroupedConv2d::new(self.kernels, shape, groups);
        let packed = self.packed_lens.len();
        self.packed_lens.push(kernel.packed_len());
        self.keep(x, Need::Numbers);
        let op = Op::Conv2d { kernel, weights, packed, folded: None };
        self.push(op, x, shape.output_len())
    }

    fn depthwise(
        &mut self,
        window: Pool2dShape,
        multiplier: usize,
        weights: Weights,
        x: Value,
    ) -> Value {
        let shape = DepthwiseShape { window, multiplier };
        let packed = self.packed_lens.len();
        self.packed_lens.push(shape.weights_len());
        self.keep(x, Need::Numbers);
        let op = Op::Depthwise { shape, weights, packed, folded: None };
        self.push(op, x, shape.output_len())
    }

    /// A dense layer; over pictures it is a convolution with 1x1 filters.
    fn affine(&mut self, node: &Node, out: usize, x: Value) -> Value {
        let (input, weights) = (&node.input, self.weights(node, "kernel"));
        let rows = input.elements() / input.last();
        if rows > 1 {
            return self.convolution(one_by_one(rows, input.last(), out), 1, weights, x);
        }
        self.keep(x, Need::Numbers);
        let kept = self.network.parameters_of(node).any(|p| !p.regularizer.is_none());
        self.push(Op::Dense { weights, kept }, x, out)
    }

    fn pool(&mut self, kind: Pool, shape: Result<Pool2dShape, Problem>, x: Value) -> Value {
        let shape = known(shape);
        // A block goes back by way of the pool's zeros.
        let relu =
            |step: &Step<K>| matches!(step.op, Op::Activate(Function::Relu)) && step.output == x;
        let rectified = kind == Pool::Max && self.steps.last().is_some_and(relu);
        let y = self.push(Op::Pool { kind, shape }, x, shape.output_len());
        self.keep(y, if rectified { Need::Sign } else { Need::Nothing });
        y
    }

    /// By numbers that are given, or by those among the parameters.
    fn normalization(&mut self, layer: &Normalization, node: &Node, x: Value) -> Value {
        let places = known(layer.places(&node.input));
        let period = period(places, node.input.elements());
        let op = match layer.given(places) {
            Some([mean, variance]) => {
                let in_turn = |i: usize| affine::<K::Real>(mean[i % places], variance[i % places]);
                let (scale, shift) = (0..period).map(in_turn).unzip();
                Op::ScaleShift { scale, shift }
            }
            None => {
                let range = |name| self.range(node, name).expect("it has statistics");
                Op::Standardize { mean: range("mean"), variance: range("variance"), period }
            }
        };
        self.in_place(op, x, Need::Nothing, Need::Nothing)
    }

    fn batch_norm(&mut self, layer: &BatchNormalization, node: &Node, x: Value) -> Value {
        let norm = self.norms.len();
        let channels = node.input.last();
        let range = |name| self.range(node, name).unwrap_or(0..0);
        let mut description = Norm {
            channels,
            pixels: node.input.elements() / channels,
            gamma: range("gamma"),
            beta: range("beta"),
            moving_mean: range("moving_mean"),
            moving_variance: range("moving_variance"),
            epsilon: layer.epsilon,
            momentum: layer.momentum,
            values: [x; 3],
        };
        let y = match self.mode {
            Mode::Predict => self.frozen(norm, channels, x),
            Mode::Train => {
                let moments = self.push(Op::Moments { norm }, x, 2 * channels);
                let (op, others) = (Op::Combine { norm }, Vec::new());
                self.steps.push(Step { op, input: moments, others, output: moments });
                self.keep(x, Need::Numbers);
                let y = self.push_all(Op::Normalize { norm }, &[x, moments], self.lens[x]);
                description.values = [x, moments, y];
                y
            }
        };
        self.norms.push(description);
        y
    }

    /// A normalisation by the moving statistics: part of the convolution in front of it, where
    /// nothing lies between and nobody else reads that. Behind a `Flatten` its channels are not the
    /// convolution's.
    fn frozen(&mut self, norm: usize, channels: usize, x: Value) -> Value {
        let alone = self.fusion && self.reads[x] == 1;
        let in_front = self.steps.last_mut().filter(|step| alone && step.output == x);
        let folded = match in_front.map(|step| &mut step.op) {
            Some(Op::Conv2d { kernel, folded, .. }) => Some((kernel.shape().out_channels, folded)),
            Some(Op::Depthwise { shape, folded, .. }) => Some((shape.out_channels(), folded)),
            _ => None,
        };
        match folded {
            Some((filters, folded @ None)) if filters == channels => {
                *folded = Some(norm);
                x
            }
            _ => self.in_place(Op::Frozen { norm }, x, Need::Nothing, Need::Nothing),
        }
    }

    fn range(&self, node: &Node, name: &str) -> Option<std::ops::Range<usize>> {
        let mut own = self.network.parameters_of(node);
        let has_name = |full: &str| full.rsplit('/').next() == Some(name);
        own.find(|p| has_name(&p.name)).map(|p| p.range.clone())
    }

    /// `gamma` and `beta`, as far as they are there.
    fn scales(&self, node: &Node) -> Weights {
        let range = |name| self.range(node, name).unwrap_or(0..0);
        Weights { kernel: range("gamma"), bias: range("beta") }
    }

    /// A kernel of this name, and the bias.
    fn weights(&self, node: &Node, kernel: &str) -> Weights {
        let kernel = self.range(node, kernel).expect("every affine layer has a kernel");
        let bias = self.range(node, "bias").unwrap_or(kernel.end..kernel.end);
        Weights { kernel, bias }
    }

    /// What the last step does, if the loss does it better: then nothing is lost where a
    /// probability comes near 0 or 1.
    fn fused(&self, formula: Formula, last: Value) -> Option<Fused> {
        match (&self.steps.last()?.op, formula) {
            (Op::Softmax { classes }, Formula::SparseCategorical | Formula::Categorical)
                if *classes == self.lens[last] =>
            {
                Some(Fused::Softmax)
            }
            (Op::Activate(Function::Sigmoid), Formula::Binary) => Some(Fused::Sigmoid),
            _ => None,
        }
    }

    fn finish(mut self, loss: &Loss) -> Program<K> {
        let mut last = *self.results.last().expect("a network has layers");
        let (formula, from_logits) = formula(loss.function);
        let fused = if from_logits { None } else { self.fused(formula, last) };
        if fused.is_some()
            && let Some(step) = self.steps.pop()
        {
            last = step.input;
            self.lens.truncate(self.lens.len() - usize::from(step.input != step.output));
            self.nodes.truncate(self.steps.len());
        }
        let head = Head {
            loss: lenslet_kernels::Loss {
                formula,
                from_logits: from_logits || fused.is_some(),
                label_smoothing: loss.function.label_smoothing(),
            },
            fused,
            class_weights: loss.class_weights.clone(),
        };
        let (steps, values) = (&self.steps, self.lens.len());
        let blocks = blocks::blocks(steps, &flow::readers(steps, values, last), self.fusion);
        Program {
            head,
            wanted: flow::wanted(steps, values),
            adds: flow::adds(steps, values, last),
            rectified: flow::rectified(steps, values),
            taken_back: blocks::taken_back(&blocks),
            blocks,
            last,
            steps: self.steps,
            lens: self.lens,
            packed_lens: self.packed_lens,
            norms: self.norms,
            nodes: self.nodes,
            fusion: self.fusion,
        }
    }
}

/// How many numbers are done at once, where `places` numbers are taken in turn for as many
/// `elements`: a multiple, which fills a few vectors.
fn period(places: usize, elements: usize) -> usize {
    let turns = elements / places;
    let copies = (1..=64 / places).rev().find(|copies| turns.is_multiple_of(*copies));
    places * copies.unwrap_or(1)
}

/// Scale and shift that take the mean away and divide by the deviation, which for this is at least
/// Keras's 1e-7.
pub(crate) fn affine<R: Real>(mean: f64, variance: f64) -> (R, R) {
    let scale = 1.0 / variance.sqrt().max(1e-7);
    (R::from_f64(scale), R::from_f64(-mean * scale))
}

/// What was checked when the network was built.
fn known<T>(checked: Result<T, Problem>) -> T {
    checked.expect("checked when the network was built")
}

fn unsupported(node: &Node, what: &str) -> EngineError {
    EngineError::Unsupported { layer: node.name.clone(), what: what.to_owned() }
}

fn one_by_one(rows: usize, in_channels: usize, out_channels: usize) -> Conv2dShape {
    let axis = |n| Axis::valid(n, 1, 1, 1).expect("one tap fits");
    Conv2dShape { height: axis(rows), width: axis(1), in_channels, out_channels }
}

/// Borders around a picture of this shape.
fn frame(borders: Borders, inner: &Shape) -> Frame {
    let [rows, columns, channels] = inner.dims() else { unreachable!("checked: a picture") };
    Frame { borders, rows: *rows, width: columns * channels, channels: *channels }
}
