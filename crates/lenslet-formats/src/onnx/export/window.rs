//! Convolutions and poolings: what has a window.

use lenslet_kernels::{Axis, Pool2dShape};

use super::super::attribute;
use super::super::proto::AttributeProto;
use super::builder::{Builder, Value, as_i64};

/// Filters as ONNX has them: `(filters, channels / groups, height, width)`.
pub(super) struct Filters<'a> {
    pub(super) weights: Vec<f32>,
    pub(super) dims: [usize; 4],
    pub(super) groups: usize,
    pub(super) bias: Option<&'a [f32]>,
}

pub(super) fn convolution(
    builder: &mut Builder<'_>,
    x: &Value,
    filters: &Filters<'_>,
    axes: [Axis; 2],
    name: &str,
) -> Value {
    let x = builder.channels_first(x);
    let kernel = builder.constant(name, &filters.dims, &filters.weights);
    let bias = filters.bias.map(|bias| builder.constant("bias", &[bias.len()], bias));
    let input = [Some(x.name), Some(kernel), bias].into_iter().flatten().collect();
    let mut settings = window(axes);
    settings.push(attribute::ints("dilations", as_i64(&axes.map(|axis| axis.dilation))));
    settings.push(attribute::int("group", filters.groups as i64));
    builder.node("Conv", input, settings, pictures(axes, filters.dims[0]))
}

/// `MaxPool` or `AveragePool`.
pub(super) fn pooling(
    builder: &mut Builder<'_>,
    op: &str,
    x: &Value,
    shape: Pool2dShape,
    extra: Option<AttributeProto>,
) -> Value {
    let x = builder.channels_first(x);
    let axes = [shape.height, shape.width];
    let mut settings = window(axes);
    settings.extend(extra);
    builder.node(op, vec![x.name], settings, pictures(axes, shape.channels))
}

fn pictures(axes: [Axis; 2], channels: usize) -> Value {
    let dims = vec![axes[0].output, axes[1].output, channels];
    Value { name: String::new(), dims, channels_first: true }
}

/// The window's size, steps and padding, each side by itself.
fn window(axes: [Axis; 2]) -> Vec<AttributeProto> {
    let before = axes.map(|axis| axis.pad_before);
    let pads = [before, axes.map(pad_after)].concat();
    vec![
        attribute::ints("kernel_shape", as_i64(&axes.map(|axis| axis.window))),
        attribute::ints("strides", as_i64(&axes.map(|axis| axis.stride))),
        attribute::ints("pads", as_i64(&pads)),
    ]
}

/// Zeros behind the last input that the last window reads.
fn pad_after(axis: Axis) -> usize {
    let end = (axis.output - 1) * axis.stride + (axis.window - 1) * axis.dilation + 1;
    end.saturating_sub(axis.pad_before + axis.input)
}
