//! A number for each channel, or for all.

use lenslet_model::Layer;
use lenslet_model::layers::{BatchNormalization, PReLU, Rescaling};

use super::grown::Grown;
use super::operator::Operator;
use super::value::{Giver, Value, inverse};
use crate::FormatError;
use crate::permute::permuted;

/// What a constant is to a value that it meets.
pub(super) enum Meets {
    /// One number for all.
    All(f32),
    /// One number for each channel, in Lenslet's order.
    Channels(Vec<f32>),
}

/// How a constant of the shape `dims` meets `x` (ONNX's broadcasting, from the last axis).
pub(super) fn meets(x: &Value, dims: &[usize], numbers: &[f32]) -> Option<Meets> {
    if let [number] = numbers {
        return Some(Meets::All(*number));
    }
    let axis = dims.iter().position(|&d| d != 1)?;
    let from_end = dims.len() - axis;
    let theirs = (x.dims.len() + 1).checked_sub(from_end)?;
    if dims[axis] != x.channels() || numbers.len() != x.channels() || !x.has_channels_at(theirs) {
        return None;
    }
    Some(Meets::Channels(x.unscrambled(numbers, 1)))
}

/// `x * scale + shift`, channel by channel: a batch normalisation of mean 0 and variance 1.
///
/// `variance + epsilon` is 1 exactly.
pub(super) fn scaled(
    node: &Operator<'_>,
    grown: &mut Grown,
    x: &Value,
    scale: Option<Vec<f32>>,
    shift: Option<Vec<f32>>,
) -> Value {
    const EPSILON: f32 = 1.0 / 1024.0;
    let (channels, with_scale, with_shift) = (x.channels(), scale.is_some(), shift.is_some());
    let norm = BatchNormalization::new().epsilon(f64::from(EPSILON));
    let layer = grown.add(node, norm.scale(with_scale).center(with_shift), &[x]);
    let given = [("gamma", scale), ("beta", shift)];
    for (name, numbers) in given {
        if let Some(numbers) = numbers {
            grown.weigh(layer, name, numbers);
        }
    }
    grown.weigh(layer, "moving_mean", vec![0.0; channels]);
    grown.weigh(layer, "moving_variance", vec![1.0 - EPSILON; channels]);
    Value { giver: Giver::Layer(layer), nonnegative: false, ..x.clone() }
}

/// `x * scale + offset` with the same numbers for all.
pub(super) fn rescaled(
    node: &Operator<'_>,
    grown: &mut Grown,
    x: &Value,
    scale: f32,
    offset: f32,
) -> Value {
    let rescaling = Rescaling::new(f64::from(scale)).offset(f64::from(offset));
    let layer = grown.add(node, rescaling, &[x]);
    let nonnegative = x.nonnegative && scale >= 0.0 && offset >= 0.0;
    Value { giver: Giver::Layer(layer), nonnegative, ..x.clone() }
}

/// Gives the layer that makes `x` a bias, where it has none and nothing came after it.
pub(super) fn biased(grown: &mut Grown, x: &Value, bias: &[f32]) -> bool {
    let Some((index, layer)) = grown.behind(x) else { return false };
    let (has, parameter) = match layer {
        Layer::Dense(layer) if layer.activation.name() == "linear" => (&mut layer.use_bias, "bias"),
        Layer::Conv2D(layer) if layer.activation.name() == "linear" => {
            (&mut layer.use_bias, "bias")
        }
        Layer::GroupNormalization(layer) => (&mut layer.center, "beta"),
        _ => return false,
    };
    if std::mem::replace(has, true) {
        return false;
    }
    grown.weigh(index, parameter, bias.to_vec());
    true
}

/// Gives the group normalisation that makes `x` a scale, where it has none.
pub(super) fn scaled_before(grown: &mut Grown, x: &Value, scale: &[f32]) -> bool {
    let Some((index, Layer::GroupNormalization(layer))) = grown.behind(x) else {
        return false;
    };
    if layer.center || std::mem::replace(&mut layer.scale, true) {
        return false;
    }
    grown.weigh(index, "gamma", scale.to_vec());
    true
}

/// `PRelu`: slopes for each channel, or for every number.
pub(super) fn p_re_lu(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let x = node.whole(0, grown)?;
    let (dims, slopes) = node.floats(1, grown)?.ok_or_else(|| node.missing(1))?;
    let theirs = x.graph_dims();
    let (shared, alpha) = if dims == theirs && x.scrambled.is_none() {
        (Vec::new(), permuted(&slopes, &dims, &inverse(&x.order)))
    } else {
        let all_but_last = (1..x.dims.len()).collect();
        match meets(&x, &dims, &slopes) {
            Some(Meets::All(slope)) => (all_but_last, vec![slope; x.channels()]),
            Some(Meets::Channels(slopes)) => (all_but_last, slopes),
            None => {
                let what = format!("its slopes have the shape {dims:?}, its input {theirs:?}");
                return Err(node.no_layer(what));
            }
        }
    };
    let layer = grown.add(node, PReLU::new().shared_axes(shared), &[&x]);
    grown.weigh(layer, "alpha", alpha);
    grown.give(node.output()?, Value { giver: Giver::Layer(layer), nonnegative: false, ..x });
    Ok(())
}
