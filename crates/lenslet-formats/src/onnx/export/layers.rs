//! One layer after the other as operators.

use lenslet_model::layers::{GroupNormalization, Maxout, Normalization, PReLU};
use lenslet_model::{Activation, Borders, Layer, Node, Shape};

use super::super::attribute;
use super::activation::activate;
use super::builder::{Builder, Value, as_i64};
use super::window::{Filters, convolution, pooling};
use crate::FormatError;
use crate::permute::permuted;

/// Filters of `(height, width, channels, filters)` in ONNX's order.
const TO_OIHW: [usize; 4] = [3, 2, 0, 1];
/// Filters of `(height, width, channels, multiplier)`: the channel's filters behind one another.
const DEPTHWISE_TO_OIHW: [usize; 4] = [2, 3, 0, 1];

/// The value that a layer makes of its inputs.
pub(super) fn lower(
    b: &mut Builder<'_>,
    node: &Node,
    inputs: &[Value],
) -> Result<Value, FormatError> {
    check(inputs, node)?;
    let x = &inputs[0];
    match &node.layer {
        Layer::Conv2D(layer) => {
            let shape = layer.geometry(&node.input).expect("the network was built");
            let (kernel, weights) = b.parameter(node, "kernel").expect("it has filters");
            let filters = Filters {
                weights: permuted(weights, &kernel.shape, &TO_OIHW),
                dims: TO_OIHW.map(|axis| kernel.shape[axis]),
                groups: layer.groups,
                bias: bias(b, node),
            };
            let y = convolution(b, x, &filters, [shape.height, shape.width], "kernel");
            activate(b, y, layer.activation)
        }
        Layer::DepthwiseConv2D(layer) => {
            let shape = layer.geometry(&node.input).expect("the network was built");
            let filters = Filters { bias: bias(b, node), ..depthwise(b, node, "kernel") };
            let y = convolution(b, x, &filters, [shape.height, shape.width], "kernel");
            activate(b, y, layer.activation)
        }
        Layer::SeparableConv2D(layer) => {
            let first = layer.depthwise().geometry(&node.input).expect("the network was built");
            let filters = depthwise(b, node, "depthwise_kernel");
            let axes = [first.height, first.width];
            let between = convolution(b, x, &filters, axes, "depthwise_kernel");
            let (kernel, weights) = b.parameter(node, "pointwise_kernel").expect("it has filters");
            let filters = Filters {
                weights: permuted(weights, &kernel.shape, &TO_OIHW),
                dims: TO_OIHW.map(|axis| kernel.shape[axis]),
                groups: 1,
                bias: bias(b, node),
            };
            let shape = layer.pointwise().geometry(&Shape::new(between.dims.clone()));
            let shape = shape.expect("the network was built");
            let axes = [shape.height, shape.width];
            let y = convolution(b, &between, &filters, axes, "pointwise_kernel");
            activate(b, y, layer.activation)
        }
        Layer::MaxPool2D(layer) => {
            let shape = layer.geometry(&node.input).expect("the network was built");
            Ok(pooling(b, "MaxPool", x, shape, None))
        }
        Layer::AveragePool2D(layer) => {
            let shape = layer.geometry(&node.input).expect("the network was built");
            let inside = attribute::int("count_include_pad", 0);
            Ok(pooling(b, "AveragePool", x, shape, Some(inside)))
        }
        Layer::SumPool2D(layer) => {
            let shape = layer.geometry(&node.input).expect("the network was built");
            let all = attribute::int("count_include_pad", 1);
            let means = pooling(b, "AveragePool", x, shape, Some(all));
            let count = b.scalar("count", (shape.height.window * shape.width.window) as f64);
            Ok(b.like("Mul", &means, &[count], Vec::new()))
        }
        Layer::GlobalAveragePooling2D(_) => Ok(global(b, "GlobalAveragePool", x, node)),
        Layer::GlobalMaxPooling2D(_) => Ok(global(b, "GlobalMaxPool", x, node)),
        Layer::ZeroPadding2D(layer) => Ok(pad(b, x, layer.padding, node)),
        Layer::Cropping2D(layer) => Ok(crop(b, x, layer.cropping, node)),
        Layer::Reshape(_) | Layer::Flatten(_) => Ok(b.reshape(x, node.output.dims())),
        Layer::Dense(layer) => {
            let y = dense(b, x, node);
            activate(b, y, layer.activation)
        }
        Layer::Maxout(layer) => Ok(maxout(b, x, layer, node)),
        // They do nothing but in training.
        Layer::Dropout(_) | Layer::SpatialDropout2D(_) | Layer::GaussianNoise(_) => Ok(x.clone()),
        Layer::BatchNormalization(layer) => Ok(batch_norm(b, x, layer.epsilon, node)),
        Layer::LayerNormalization(layer) => Ok(layer_norm(b, x, layer.epsilon, node)),
        Layer::GroupNormalization(layer) => Ok(group_norm(b, x, layer, node)),
        Layer::Rescaling(layer) => {
            let scale = b.scalar("scale", layer.scale);
            let y = b.like("Mul", x, &[scale], Vec::new());
            let offset = b.scalar("offset", layer.offset);
            Ok(b.like("Add", &y, &[offset], Vec::new()))
        }
        Layer::Normalization(layer) => Ok(normalize(b, x, layer, node)),
        Layer::Add(_) => Ok(join(b, "Add", inputs)),
        Layer::Multiply(_) => Ok(join(b, "Mul", inputs)),
        Layer::Concatenate(_) => Ok(concatenate(b, inputs, node)),
        Layer::Activation(layer) => activate(b, x.clone(), layer.activation),
        Layer::ReLU(layer) => activate(b, x.clone(), layer.activation()),
        Layer::LeakyReLU(layer) => activate(b, x.clone(), layer.activation()),
        Layer::ELU(layer) => activate(b, x.clone(), layer.activation()),
        Layer::Softmax(_) => activate(b, x.clone(), Activation::Softmax),
        Layer::PReLU(layer) => Ok(p_re_lu(b, x, layer, node)),
        other => Err(FormatError::unsupported(
            format!("layer `{}` ({}) is not written to ONNX", node.name, other.kind()),
            "export to another format, or use other layers",
        )),
    }
}

/// Refuses what the layers below do not write: other axes than the last, and values that are repeated.
fn check(inputs: &[Value], node: &Node) -> Result<(), FormatError> {
    let axis = match &node.layer {
        Layer::Softmax(layer) => &layer.axis,
        Layer::LayerNormalization(layer) => &layer.axis,
        Layer::Normalization(layer) => &layer.axis,
        Layer::Concatenate(layer) => &layer.axis,
        Layer::Add(_) | Layer::Multiply(_) if inputs.iter().any(|x| x.dims != inputs[0].dims) => {
            let words = format!("layer `{}` joins values of different shapes", node.name);
            return Err(FormatError::unsupported(words, "export to another format"));
        }
        _ => return Ok(()),
    };
    if axis.is_last() {
        return Ok(());
    }
    let words = format!("axis = {axis} of layer `{}` is not written to ONNX", node.name);
    Err(FormatError::unsupported(words, "export to another format, or keep to the last axis"))
}

fn bias<'a>(b: &Builder<'a>, node: &Node) -> Option<&'a [f32]> {
    b.parameter(node, "bias").map(|(_, values)| values)
}

/// A layer's filters of each channel by itself, without a bias.
fn depthwise<'a>(b: &Builder<'a>, node: &Node, name: &str) -> Filters<'a> {
    let (kernel, weights) = b.parameter(node, name).expect("it has filters");
    let [height, width, channels, multiplier] = kernel.shape[..] else {
        unreachable!("filters have four axes")
    };
    Filters {
        weights: permuted(weights, &kernel.shape, &DEPTHWISE_TO_OIHW),
        dims: [channels * multiplier, 1, height, width],
        groups: channels,
        bias: None,
    }
}

fn global(b: &mut Builder<'_>, op: &str, x: &Value, node: &Node) -> Value {
    let x = b.channels_first(x);
    let pixel = Value { dims: vec![1, 1, x.channels()], ..x.clone() };
    let y = b.node(op, vec![x.name], Vec::new(), pixel);
    if node.output.dims().len() == 1 { b.reshape(&y, node.output.dims()) } else { y }
}

/// What each axis of the graph begins and ends with.
fn sides(x: &Value, [rows, columns]: [i64; 2]) -> Vec<i64> {
    if x.channels_first { vec![0, 0, rows, columns] } else { vec![0, rows, columns, 0] }
}

fn pad(b: &mut Builder<'_>, x: &Value, borders: Borders, node: &Node) -> Value {
    let [top, bottom, left, right] = as_array(borders);
    let pads = [sides(x, [top, left]), sides(x, [bottom, right])].concat();
    let pads = b.whole_numbers("pads", pads);
    let output = Value { dims: node.output.dims().to_vec(), ..x.clone() };
    b.node("Pad", vec![x.name.clone(), pads], Vec::new(), output)
}

fn crop(b: &mut Builder<'_>, x: &Value, borders: Borders, node: &Node) -> Value {
    let [top, _, left, _] = as_array(borders);
    let [height, width, _] = as_i64(node.output.dims())[..] else { unreachable!("a picture") };
    let axes = if x.channels_first { vec![2, 3] } else { vec![1, 2] };
    let starts = b.whole_numbers("starts", vec![top, left]);
    let ends = b.whole_numbers("ends", vec![top + height, left + width]);
    let axes = b.whole_numbers("axes", axes);
    let output = Value { dims: node.output.dims().to_vec(), ..x.clone() };
    b.node("Slice", vec![x.name.clone(), starts, ends, axes], Vec::new(), output)
}

fn as_array(borders: Borders) -> [i64; 4] {
    let Borders { top, bottom, left, right } = borders;
    [top, bottom, left, right].map(|n| i64::try_from(n).expect("borders were checked"))
}

/// `x kernel + bias` over the last axis.
fn dense(b: &mut Builder<'_>, x: &Value, node: &Node) -> Value {
    let x = b.channels_last(x);
    let (kernel, weights) = b.parameter(node, "kernel").expect("it has a kernel");
    let bias = bias(b, node);
    let dims = [&x.dims[..x.dims.len() - 1], &kernel.shape[1..]].concat();
    let output = Value { dims, ..x.clone() };
    let kernel = b.constant("kernel", &kernel.shape, weights);
    let bias = bias.map(|bias| b.constant("bias", &[bias.len()], bias));
    if output.dims.len() == 1 {
        let input = [Some(x.name), Some(kernel), bias].into_iter().flatten().collect();
        return b.node("Gemm", input, Vec::new(), output);
    }
    let product = b.node("MatMul", vec![x.name, kernel], Vec::new(), output);
    match bias {
        Some(bias) => b.like("Add", &product, &[bias], Vec::new()),
        None => product,
    }
}

fn maxout(b: &mut Builder<'_>, x: &Value, layer: &Maxout, node: &Node) -> Value {
    let pieces = dense(b, x, node);
    let before = &pieces.dims[..pieces.dims.len() - 1];
    let apart = [before, &[layer.pieces, layer.units]].concat();
    let apart = b.reshape_as_it_lies(&pieces, Value { dims: apart, ..pieces.clone() });
    let settings = vec![attribute::ints("axes", vec![-2]), attribute::int("keepdims", 0)];
    let output = Value { dims: node.output.dims().to_vec(), ..apart.clone() };
    b.node("ReduceMax", vec![apart.name], settings, output)
}

/// A layer's parameter of one number a channel, or this number for each.
fn by_channel(b: &mut Builder<'_>, node: &Node, name: &str, channels: usize, x: f32) -> String {
    match b.parameter(node, name) {
        Some((_, values)) => b.constant(name, &[channels], values),
        None => b.constant(name, &[channels], &vec![x; channels]),
    }
}

fn batch_norm(b: &mut Builder<'_>, x: &Value, epsilon: f64, node: &Node) -> Value {
    let x = b.channels_first(x);
    let channels = x.channels();
    let parameters =
        [("gamma", 1.0), ("beta", 0.0), ("moving_mean", 0.0), ("moving_variance", 1.0)];
    let parameters = parameters.map(|(name, x)| by_channel(b, node, name, channels, x));
    let settings = vec![attribute::float("epsilon", epsilon)];
    b.like("BatchNormalization", &x, &parameters, settings)
}

fn layer_norm(b: &mut Builder<'_>, x: &Value, epsilon: f64, node: &Node) -> Value {
    let x = b.channels_last(x);
    let channels = x.channels();
    let parameters =
        [("gamma", 1.0), ("beta", 0.0)].map(|(name, x)| by_channel(b, node, name, channels, x));
    let settings = vec![attribute::int("axis", -1), attribute::float("epsilon", epsilon)];
    b.like("LayerNormalization", &x, &parameters, settings)
}

/// Each group of channels as one channel, normalised by itself: opset 17 has no operator for it.
fn group_norm(b: &mut Builder<'_>, x: &Value, layer: &GroupNormalization, node: &Node) -> Value {
    let x = b.channels_first(x);
    let channels = x.channels();
    let groups = layer.groups_of(channels).expect("the network was built");
    let elements: usize = x.dims.iter().product();
    let name = String::new();
    let apart = Value { name, dims: vec![elements / groups, groups], channels_first: true };
    let apart = b.reshape_as_it_lies(&x, apart);
    let ones = b.constant("scale", &[groups], &vec![1.0; groups]);
    let zeros = b.constant("shift", &[groups], &vec![0.0; groups]);
    let settings = vec![attribute::float("epsilon", layer.epsilon)];
    let normal = b.like("InstanceNormalization", &apart, &[ones, zeros], settings);
    let mut y = b.reshape_as_it_lies(&normal, x);
    for (op, name) in [("Mul", "gamma"), ("Add", "beta")] {
        if let Some((_, values)) = b.parameter(node, name) {
            let constant = channel_constant(b, &y, name, values);
            y = b.like(op, &y, &[constant], Vec::new());
        }
    }
    y
}

/// A constant of one number a channel that meets the channels of `x`.
fn channel_constant(b: &mut Builder<'_>, x: &Value, name: &str, values: &[f32]) -> String {
    let mut dims = vec![values.len()];
    if x.channels_first {
        dims.resize(x.dims.len(), 1);
    }
    b.constant(name, &dims, values)
}

fn normalize(b: &mut Builder<'_>, x: &Value, layer: &Normalization, node: &Node) -> Value {
    let learnt = |name| {
        let (_, values) = b.parameter(node, name).expect("it takes them from the data");
        values.iter().map(|&x| f64::from(x)).collect()
    };
    let [mean, variance] =
        layer.given(x.channels()).unwrap_or_else(|| [learnt("mean"), learnt("variance")]);
    let mean: Vec<f32> = mean.into_iter().map(|x| x as f32).collect();
    let deviation: Vec<f32> = variance.into_iter().map(|x| x.sqrt().max(1e-7) as f32).collect();
    let mean = channel_constant(b, x, "mean", &mean);
    let centred = b.like("Sub", x, &[mean], Vec::new());
    let deviation = channel_constant(b, x, "deviation", &deviation);
    b.like("Div", &centred, &[deviation], Vec::new())
}

fn p_re_lu(b: &mut Builder<'_>, x: &Value, layer: &PReLU, node: &Node) -> Value {
    let mut dims = layer.alpha_shape(&node.input);
    let (_, alpha) = b.parameter(node, "alpha").expect("it has slopes");
    let mut alpha = alpha.to_vec();
    if x.channels_first {
        let mut order: Vec<usize> = (0..dims.len()).collect();
        order.rotate_right(1);
        alpha = permuted(&alpha, &dims, &order);
        dims.rotate_right(1);
    }
    let slopes = b.constant("alpha", &dims, &alpha);
    b.like("PRelu", x, &[slopes], Vec::new())
}

/// All inputs in the layout of the first.
fn alike(b: &mut Builder<'_>, inputs: &[Value]) -> Vec<Value> {
    let first = inputs[0].channels_first;
    let alike = |x| if first { b.channels_first(x) } else { b.channels_last(x) };
    inputs.iter().map(alike).collect()
}

fn join(b: &mut Builder<'_>, op: &str, inputs: &[Value]) -> Value {
    let inputs = alike(b, inputs);
    let (first, others) = inputs.split_first().expect("every layer has an input");
    let mut y = first.clone();
    for other in others {
        y = b.like(op, &y, std::slice::from_ref(&other.name), Vec::new());
    }
    y
}

fn concatenate(b: &mut Builder<'_>, inputs: &[Value], node: &Node) -> Value {
    let inputs = alike(b, inputs);
    let axis = attribute::int("axis", inputs[0].channel_axis() as i64);
    let output = Value { dims: node.output.dims().to_vec(), ..inputs[0].clone() };
    let names = inputs.into_iter().map(|x| x.name).collect();
    b.node("Concat", names, vec![axis], output)
}
