//! Normalisations.

use std::iter;

use lenslet_model::layers::{BatchNormalization, GroupNormalization, LayerNormalization};

use super::grown::Grown;
use super::operator::Operator;
use super::value::{Giver, Part, Value};
use crate::FormatError;

/// An `f32` setting as the number that was meant: 0.001, not the `f32` next to it.
fn epsilon(node: &mut Operator<'_>) -> Result<f64, FormatError> {
    let epsilon = node.float("epsilon", 1e-5)?;
    Ok(epsilon.to_string().parse().expect("a number's own text"))
}

/// Input `index`: a number for each channel of `x`.
fn channels(
    node: &Operator<'_>,
    grown: &Grown,
    index: usize,
    x: &Value,
) -> Result<Vec<f32>, FormatError> {
    let numbers = numbers(node, grown, index, x.channels(), "channels")?;
    Ok(x.unscrambled(&numbers, 1))
}

/// Input `index`: one number for each of so many things.
fn numbers(
    node: &Operator<'_>,
    grown: &Grown,
    index: usize,
    count: usize,
    things: &str,
) -> Result<Vec<f32>, FormatError> {
    let (dims, numbers) = node.floats(index, grown)?.ok_or_else(|| node.missing(index))?;
    if numbers.len() == count {
        return Ok(numbers);
    }
    Err(node.no_layer(format!("input {index} has the shape {dims:?} for {count} {things}")))
}

fn need_channels_at(node: &Operator<'_>, x: &Value, axis: usize) -> Result<(), FormatError> {
    if x.has_channels_at(axis) {
        return Ok(());
    }
    Err(node.no_layer(format!("the axis {axis} of its input is not the channels")))
}

pub(super) fn batch(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    node.only("training_mode", 0)?;
    node.only("spatial", 1)?;
    // 0.9 in ONNX, as in Keras, is what stays.
    let momentum = f64::from(node.float("momentum", 0.9)?).clamp(0.0, 1.0);
    let momentum = (momentum * 1e6).round() / 1e6;
    let epsilon = epsilon(node)?;
    let x = node.whole(0, grown)?;
    need_channels_at(node, &x, 1)?;
    let names = ["gamma", "beta", "moving_mean", "moving_variance"];
    let mut numbers = Vec::new();
    for index in 1..=names.len() {
        numbers.push(channels(node, grown, index, &x)?);
    }
    let norm = BatchNormalization::new().epsilon(epsilon).momentum(momentum);
    let layer = grown.add(node, norm, &[&x]);
    for (name, numbers) in names.into_iter().zip(numbers) {
        grown.weigh(layer, name, numbers);
    }
    let value = Value { giver: Giver::Layer(layer), nonnegative: false, ..x };
    grown.give(node.first_output()?, value);
    Ok(())
}

pub(super) fn layer(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    node.only("stash_type", 1)?;
    let epsilon = epsilon(node)?;
    let x = node.whole(0, grown)?;
    let axes = x.dims.len() + 1;
    let axis = super::axes::from_end(node.int("axis", -1)?, axes);
    // A picture of one axis is all of it.
    if axis != Some(axes - 1) || !x.has_channels_at(axes - 1) {
        return Err(node.no_layer("it normalises other axes than the channels"));
    }
    let gamma = channels(node, grown, 1, &x)?;
    let beta = match node.input_name(2) {
        Some(_) => Some(channels(node, grown, 2, &x)?),
        None => None,
    };
    let norm = LayerNormalization::new().epsilon(epsilon).center(beta.is_some());
    let layer = grown.add(node, norm, &[&x]);
    grown.weigh(layer, "gamma", gamma);
    if let Some(beta) = beta {
        grown.weigh(layer, "beta", beta);
    }
    let value = Value { giver: Giver::Layer(layer), nonnegative: false, ..x };
    grown.give(node.output()?, value);
    Ok(())
}

/// `InstanceNormalization`: of each channel, or, behind a `Reshape`, of each group of them.
pub(super) fn instance(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let epsilon = epsilon(node)?;
    let x = node.value(0, grown)?;
    let Part::Grouped(groups) = x.part else {
        return each_group(node, grown, -1, epsilon, channels);
    };
    for (index, expected) in [(1, 1.0), (2, 0.0)] {
        let (_, numbers) = node.floats(index, grown)?.ok_or_else(|| node.missing(index))?;
        if numbers.len() != groups || numbers.iter().any(|x| *x != expected) {
            return Err(node.no_layer("its groups have scales or shifts of their own"));
        }
    }
    let groups = i64::try_from(groups).expect("it came from a shape");
    let norm = GroupNormalization::new(groups).epsilon(epsilon).scale(false).center(false);
    let layer = grown.add(node, norm, &[&x]);
    let value = Value { giver: Giver::Layer(layer), nonnegative: false, ..x };
    grown.give(node.output()?, value);
    Ok(())
}

/// `GroupNormalization`: with a scale and a shift for each channel, before version 21 for each group.
pub(super) fn group(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    if node.opset >= 21 {
        node.only("stash_type", 1)?;
    }
    let epsilon = epsilon(node)?;
    let groups = node.int("num_groups", 0)?;
    if groups < 1 {
        return Err(node.error(format!("num_groups = {groups}"), "export it again"));
    }
    if node.opset >= 21 {
        return each_group(node, grown, groups, epsilon, channels);
    }
    each_group(node, grown, groups, epsilon, |node, grown, index, x| {
        let count = usize::try_from(groups).expect("it is positive");
        let numbers = numbers(node, grown, index, count, "groups")?;
        // Where the groups are not equal the layer refuses them.
        let each = x.channels() / count;
        Ok(numbers.iter().flat_map(|&number| iter::repeat_n(number, each)).collect())
    })
}

/// Groups whose channels' numbers come by `numbers`.
fn each_group(
    node: &mut Operator<'_>,
    grown: &mut Grown,
    groups: i64,
    epsilon: f64,
    numbers: impl Fn(&Operator<'_>, &Grown, usize, &Value) -> Result<Vec<f32>, FormatError>,
) -> Result<(), FormatError> {
    let x = node.whole(0, grown)?;
    need_channels_at(node, &x, 1)?;
    if x.scrambled.is_some() {
        return Err(node.no_layer("its input is a picture made a vector"));
    }
    let (gamma, beta) = (numbers(node, grown, 1, &x)?, numbers(node, grown, 2, &x)?);
    let layer = grown.add(node, GroupNormalization::new(groups).epsilon(epsilon), &[&x]);
    grown.weigh(layer, "gamma", gamma);
    grown.weigh(layer, "beta", beta);
    let value = Value { giver: Giver::Layer(layer), nonnegative: false, ..x };
    grown.give(node.output()?, value);
    Ok(())
}
