//! Convolutions and poolings.

use lenslet_kernels::Axis;
use lenslet_model::layers::{AveragePool2D, Conv2D, DepthwiseConv2D, MaxPool2D};
use lenslet_model::{Layer, Padding, Pair};

use super::grown::Grown;
use super::operator::Operator;
use super::shape::pad_picture;
use super::value::{Giver, Value};
use crate::FormatError;
use crate::permute::permuted;

/// The largest window, step or border.
const MOST: i64 = 1 << 12;
/// ONNX's filters in Lenslet's order.
const TO_HWIO: [usize; 4] = [2, 3, 1, 0];

/// A window that slides over a picture.
struct Window {
    size: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    border: Border,
}

/// What is around the picture.
enum Border {
    /// Nothing, or what `Padding::Same` puts there.
    Padding(Padding),
    /// Zeros before and behind the rows and the columns.
    Zeros([(usize, usize); 2]),
}

impl Window {
    /// The settings of a node on a picture.
    fn of(node: &mut Operator<'_>, x: &Value, size: [usize; 2]) -> Result<Self, FormatError> {
        let strides = pair(node, "strides")?.unwrap_or([1, 1]);
        let dilations = pair(node, "dilations")?.unwrap_or([1, 1]);
        let auto = node.text("auto_pad")?;
        let pads = numbers::<4>(node, "pads", 0)?.unwrap_or([0; 4]);
        let same: Vec<(usize, usize)> =
            (0..2).map(|i| same(x.dims[i], size[i], strides[i], dilations[i])).collect();
        let same = [same[0], same[1]];
        let border = match auto.as_deref() {
            None | Some("NOTSET") => {
                let [top, left, bottom, right] = pads;
                let zeros = [(top, bottom), (left, right)];
                if pads == [0; 4] {
                    Border::Padding(Padding::Valid)
                } else if zeros == same {
                    Border::Padding(Padding::Same)
                } else {
                    Border::Zeros(zeros)
                }
            }
            Some("VALID") => Border::Padding(Padding::Valid),
            Some("SAME_UPPER") => Border::Padding(Padding::Same),
            Some("SAME_LOWER") => Border::Zeros(same.map(|(before, behind)| (behind, before))),
            Some(other) => return Err(node.no_layer(format!("auto_pad = {other:?}"))),
        };
        Ok(Self { size, strides, dilations, border })
    }

    /// The picture with its border, where that is a layer of its own; else how the window's layer
    /// pads.
    fn bordered(&self, node: &Operator<'_>, grown: &mut Grown, x: &Value) -> (Value, Padding) {
        match self.border {
            Border::Padding(padding) => (x.clone(), padding),
            Border::Zeros(zeros) => (pad_picture(node, grown, x, zeros), Padding::Valid),
        }
    }

    /// Rows and columns of the result.
    fn output(
        &self,
        node: &Operator<'_>,
        x: &Value,
        padding: Padding,
    ) -> Result<[usize; 2], FormatError> {
        let axis = |i: usize| {
            let (input, window) = (x.dims[i], self.size[i]);
            let (stride, dilation) = (self.strides[i], self.dilations[i]);
            match padding {
                Padding::Valid => Axis::valid(input, window, stride, dilation),
                Padding::Same => Axis::same(input, window, stride, dilation),
            }
        };
        match (axis(0), axis(1)) {
            (Some(rows), Some(columns)) => Ok([rows.output, columns.output]),
            _ => Err(node.error("its window is larger than the picture", "export it again")),
        }
    }
}

/// What `Padding::Same` puts before and behind an axis.
fn same(input: usize, window: usize, stride: usize, dilation: usize) -> (usize, usize) {
    let Some(axis) = Axis::same(input, window, stride, dilation) else { return (0, 0) };
    let end = (axis.output - 1) * stride + (window - 1) * dilation + 1;
    (axis.pad_before, end.saturating_sub(axis.pad_before + input))
}

/// An attribute of `N` whole numbers, each at least `least`.
fn numbers<const N: usize>(
    node: &mut Operator<'_>,
    name: &'static str,
    least: i64,
) -> Result<Option<[usize; N]>, FormatError> {
    let Some(numbers) = node.ints(name)? else { return Ok(None) };
    let fits = |&n: &i64| (least..=MOST).contains(&n).then_some(n as usize);
    let all: Option<Vec<usize>> = numbers.iter().map(fits).collect();
    match all.and_then(|all| all.try_into().ok()) {
        Some(numbers) => Ok(Some(numbers)),
        None => Err(node.no_layer(format!("{name} = {numbers:?}"))),
    }
}

fn pair(node: &mut Operator<'_>, name: &'static str) -> Result<Option<[usize; 2]>, FormatError> {
    numbers::<2>(node, name, 1)
}

fn need_picture(node: &Operator<'_>, x: &Value) -> Result<(), FormatError> {
    if x.is_channels_first() {
        return Ok(());
    }
    Err(node.no_layer("its input is no picture with the channels first"))
}

pub(super) fn convolution(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let x = node.whole(0, grown)?;
    need_picture(node, &x)?;
    let (shape, weights) = node.floats(1, grown)?.ok_or_else(|| node.missing(1))?;
    let [filters, channels, height, width] = shape[..] else {
        return Err(node.no_layer(format!("its filters have the shape {shape:?}")));
    };
    let size = [height, width];
    if pair(node, "kernel_shape")?.is_some_and(|said| said != size)
        || weights.is_empty()
        || size.iter().any(|&n| n > MOST as usize)
    {
        return Err(node.error(format!("its filters have the shape {shape:?}"), "export it again"));
    }
    let groups = node.int("group", 1)?;
    let groups = usize::try_from(groups).ok().filter(|&groups| {
        groups > 0
            && channels.checked_mul(groups) == Some(x.channels())
            && filters.is_multiple_of(groups)
    });
    let groups = groups.ok_or_else(|| {
        let what = format!("filters of {channels} channels do not fit {}", x.channels());
        node.error(what, "export it again")
    })?;
    let window = Window::of(node, &x, size)?;
    let bias = node.floats(2, grown)?.map(|(_, bias)| bias);
    if bias.as_ref().is_some_and(|bias| bias.len() != filters) {
        return Err(node.error("its bias is not one number a filter", "export it again"));
    }
    let (bordered, padding) = window.bordered(node, grown, &x);
    let [rows, columns] = window.output(node, &bordered, padding)?;
    let depthwise = groups > 1 && channels == 1;
    let layer = layer(&window, padding, filters, groups, depthwise, bias.is_some());
    let layer = grown.add(node, layer, &[&bordered]);
    grown.weigh(
        layer,
        "kernel",
        if depthwise {
            // The filters of a channel behind one another.
            let dims = [groups, filters / groups, height, width];
            permuted(&weights, &dims, &[2, 3, 0, 1])
        } else {
            permuted(&weights, &shape, &TO_HWIO)
        },
    );
    if let Some(bias) = bias {
        grown.weigh(layer, "bias", bias);
    }
    let value = Value::new(Giver::Layer(layer), vec![rows, columns, filters], x.order);
    grown.give(node.output()?, value);
    Ok(())
}

fn layer(
    window: &Window,
    padding: Padding,
    filters: usize,
    groups: usize,
    depthwise: bool,
    use_bias: bool,
) -> Layer {
    let [size, strides, dilations] =
        [window.size, window.strides, window.dilations].map(|[a, b]| Pair(a, b));
    if depthwise {
        return DepthwiseConv2D::new(size)
            .strides(strides)
            .dilation_rate(dilations)
            .padding(padding)
            .depth_multiplier(filters / groups)
            .use_bias(use_bias)
            .into();
    }
    Conv2D::new(filters, size)
        .strides(strides)
        .dilation_rate(dilations)
        .padding(padding)
        .groups(groups)
        .use_bias(use_bias)
        .into()
}

/// `MaxPool` and `AveragePool`.
pub(super) fn pooling(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    node.only("storage_order", 0)?;
    let most = node.op() == "MaxPool";
    let mut counts_border = !most && node.int("count_include_pad", 0)? != 0;
    let rounds_up = node.int("ceil_mode", 0)? != 0;
    let x = node.whole(0, grown)?;
    need_picture(node, &x)?;
    let size = pair(node, "kernel_shape")?;
    let size = size.ok_or_else(|| node.error("it has no kernel_shape", "export it again"))?;
    let mut window = Window::of(node, &x, size)?;
    if window.dilations != [1, 1] {
        return Err(node.no_layer(format!("dilations = {:?}", window.dilations)));
    }
    if rounds_up && !fits(&window, &x) {
        if !is_same_behind(&window, &x) {
            return Err(node.no_layer("ceil_mode = 1, and its windows reach over the border"));
        }
        window.border = Border::Padding(Padding::Same);
        // What a window has beyond the border never counts.
        counts_border = false;
    }
    if let (true, Border::Padding(Padding::Same)) = (counts_border, &window.border) {
        let zeros = [0, 1].map(|i| same(x.dims[i], size[i], window.strides[i], 1));
        window.border = Border::Zeros(zeros);
    }
    if matches!(window.border, Border::Zeros(_)) {
        let harmless = if most { x.nonnegative } else { counts_border };
        if !harmless {
            return Err(node.no_layer("its border takes no part in the result, and is no `same`"));
        }
    }
    let (bordered, padding) = window.bordered(node, grown, &x);
    let [rows, columns] = window.output(node, &bordered, padding)?;
    let [size, strides] = [size, window.strides].map(|[a, b]| Pair(a, b));
    let layer: Layer = if most {
        MaxPool2D::new(size).strides(strides).padding(padding).into()
    } else {
        AveragePool2D::new(size).strides(strides).padding(padding).into()
    };
    let giver = Giver::Layer(grown.add(node, layer, &[&bordered]));
    let dims = vec![rows, columns, x.channels()];
    grown.give(node.output()?, Value { giver, dims, ..x });
    Ok(())
}

/// Whether windows that reach over the far border, where nothing is, are those of `Padding::Same`.
fn is_same_behind(window: &Window, x: &Value) -> bool {
    matches!(window.border, Border::Padding(Padding::Valid))
        && (0..2).all(|i| {
            let (input, size, stride) = (x.dims[i], window.size[i], window.strides[i]);
            let rounded_up = input.checked_sub(size).map(|rest| rest.div_ceil(stride) + 1);
            same(input, size, stride, 1).0 == 0 && rounded_up == Some(input.div_ceil(stride))
        })
}

/// Whether windows end where the picture and its border do, so that rounding changes nothing.
fn fits(window: &Window, x: &Value) -> bool {
    (0..2).all(|i| {
        let (before, behind) = match window.border {
            Border::Zeros(zeros) => zeros[i],
            Border::Padding(Padding::Valid) => (0, 0),
            Border::Padding(Padding::Same) => return true,
        };
        let all = x.dims[i] + before + behind;
        all.checked_sub(window.size[i]).is_some_and(|rest| rest.is_multiple_of(window.strides[i]))
    })
}
