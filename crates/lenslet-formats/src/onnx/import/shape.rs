//! Shapes, orders of axes, borders.

use lenslet_model::Borders;
use lenslet_model::layers::{Concatenate, Cropping2D, Flatten, Reshape, ZeroPadding2D};

use super::axes::from_end;
use super::grown::{Grown, permutation};
use super::operator::Operator;
use super::value::{Giver, Part, Scrambled, Value};
use crate::FormatError;

pub(super) fn transpose(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let perm = node.ints("perm")?;
    let x = node.whole(0, grown)?;
    let perm = perm.and_then(|perm| permutation(&perm, x.dims.len() + 1));
    let perm = perm.filter(|perm| perm[0] == 0);
    let perm =
        perm.ok_or_else(|| node.no_layer("it moves the batch or is no order of its axes"))?;
    let order = perm[1..].iter().map(|&axis| x.order[axis - 1]).collect();
    grown.give(node.output()?, Value { order, ..x });
    Ok(())
}

pub(super) fn flatten(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let axis = node.int("axis", 1)?;
    let x = node.whole(0, grown)?;
    if from_end(axis, x.dims.len() + 1) != Some(1) {
        return Err(node.no_layer(format!("axis = {axis} makes the batch another one")));
    }
    let y = vector(node, grown, &x);
    grown.give(node.output()?, y);
    Ok(())
}

/// All numbers of a sample in one row.
fn vector(node: &Operator<'_>, grown: &mut Grown, x: &Value) -> Value {
    if x.dims.len() == 1 {
        return x.clone();
    }
    let scrambled =
        (!x.lies_as_ours()).then(|| Scrambled { dims: x.dims.clone(), order: x.order.clone() });
    let giver = Giver::Layer(grown.add(node, Flatten::new(), &[x]));
    let dims = vec![x.dims.iter().product()];
    Value { giver, dims, order: vec![0], scrambled, ..x.clone() }
}

pub(super) fn squeeze(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let axes = node.whole_numbers(1, "axes", grown)?;
    let x = node.whole(0, grown)?;
    let theirs = x.graph_dims();
    let axes: Option<Vec<usize>> =
        axes.and_then(|axes| axes.iter().map(|&axis| from_end(axis, theirs.len() + 1)).collect());
    let axes = axes.ok_or_else(|| node.no_layer("it does not say which axes it leaves out"))?;
    let left: Vec<usize> = (1..=theirs.len()).filter(|axis| !axes.contains(axis)).collect();
    if axes.contains(&0) || left.len() != 1 {
        return Err(node.no_layer("it leaves more or less than a vector"));
    }
    if x.dims.iter().product::<usize>() != theirs[left[0] - 1] {
        return Err(node.error("an axis that it leaves out is not 1", "export it again"));
    }
    let y = vector(node, grown, &x);
    grown.give(node.output()?, y);
    Ok(())
}

pub(super) fn reshape(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let no_copies = node.int("allowzero", 0)? != 0;
    let target = node.whole_numbers(1, "shape", grown)?.ok_or_else(|| node.missing(1))?;
    let x = node.value(0, grown)?;
    let (theirs, output) = (x.graph_dims(), node.output()?);
    // The batch alone is 0 then, as a part of another value's shape.
    let empty = no_copies && target.iter().skip(1).any(|&size| size == 0);
    let dims = target_dims(&target, &theirs).filter(|_| !empty).ok_or_else(|| {
        let what = format!("it makes {theirs:?} of each sample {target:?} with the batch");
        node.no_layer(what)
    })?;
    if let Part::Grouped(_) = x.part {
        // The groups are channels again.
        if dims != theirs {
            return Err(node.no_layer("its input is on the way to a group normalisation"));
        }
        grown.give(output, Value { part: Part::Whole, ..x });
        return Ok(());
    }
    let x = node.whole(0, grown)?;
    let y = match dims[..] {
        _ if dims == theirs => x,
        [_] => vector(node, grown, &x),
        [groups, _] if is_grouped(&x, groups) && grown.is_for(output, "InstanceNormalization") => {
            Value { part: Part::Grouped(groups), ..x }
        }
        _ if x.lies_as_ours() => {
            let shape: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
            let giver = Giver::Layer(grown.add(node, Reshape::new(shape), &[&x]));
            let order = (0..dims.len()).collect();
            Value { giver, dims, order, ..x }
        }
        _ => return Err(node.no_layer("it mixes channels with rows and columns")),
    };
    grown.give(output, y);
    Ok(())
}

/// Whether a first axis of `groups` is groups of channels.
fn is_grouped(x: &Value, groups: usize) -> bool {
    let first = x.dims.len() == 1 || x.is_channels_first();
    first
        && x.has_channels_at(1)
        && groups > 0
        && x.channels().is_multiple_of(groups)
        && x.scrambled.is_none()
}

/// The shape of a sample that a target means: 0 is as before, one -1 what is left.
fn target_dims(target: &[i64], theirs: &[usize]) -> Option<Vec<usize>> {
    let (batch, sizes) = target.split_first()?;
    let elements: usize = theirs.iter().product();
    // -1 for the batch means that all others are known. 1: it was exported for one sample.
    let free = matches!(batch, -1..=1);
    let mut dims = Vec::new();
    let mut open = None;
    for (axis, &size) in sizes.iter().enumerate() {
        dims.push(match size {
            -1 if open.is_none() && *batch != -1 => {
                open = Some(axis);
                1
            }
            0 => *theirs.get(axis)?,
            size => usize::try_from(size).ok().filter(|&size| size > 0)?,
        });
    }
    let known = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
    if let Some(axis) = open {
        dims[axis] = elements / known;
    }
    let all = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
    (free && !dims.is_empty() && all == elements).then_some(dims)
}

pub(super) fn concat(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let axis = node.int("axis", 1)?;
    let values: Result<Vec<_>, _> =
        (0..node.inputs().len()).map(|index| node.whole(index, grown)).collect();
    let values = values?;
    let first = values.first().ok_or_else(|| node.missing(0))?;
    let axis = from_end(axis, first.dims.len() + 1);
    if !axis.is_some_and(|axis| first.has_channels_at(axis)) {
        return Err(node.no_layer("it joins along another axis than the channels"));
    }
    let one_order = values.iter().all(|value| value.order == first.order);
    if !one_order || values.iter().any(|value| value.scrambled.is_some()) {
        return Err(node.no_layer("its inputs have their axes in different orders"));
    }
    let mut dims = first.dims.clone();
    *dims.last_mut().expect("it has channels") =
        values.iter().fold(0usize, |sum, value| sum.saturating_add(value.channels()));
    let layer = grown.add(node, Concatenate::new(), &values.iter().collect::<Vec<_>>());
    let nonnegative = values.iter().all(|value| value.nonnegative);
    let value = Value { giver: Giver::Layer(layer), dims, nonnegative, ..first.clone() };
    grown.give(node.output()?, value);
    Ok(())
}

pub(super) fn pad(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    if let Some(mode) = node.text("mode")?.filter(|mode| mode != "constant") {
        return Err(node.no_layer(format!("mode = {mode:?}")));
    }
    let filled = match node.opset {
        ..11 => vec![node.float("value", 0.0)?],
        _ => node.floats(2, grown)?.map_or(Vec::new(), |(_, numbers)| numbers),
    };
    if filled.iter().any(|x| *x != 0.0) || node.input_name(3).is_some() {
        return Err(node.no_layer("it pads with other numbers than 0, or certain axes"));
    }
    let pads = node.whole_numbers(1, "pads", grown)?.ok_or_else(|| node.missing(1))?;
    let x = node.whole(0, grown)?;
    let axes = x.dims.len() + 1;
    let pads: Option<Vec<usize>> = pads.iter().map(|&n| n.try_into().ok()).collect();
    let pads = pads.filter(|pads| pads.len() == 2 * axes && pads[0] == 0 && pads[axes] == 0);
    let pads = pads.ok_or_else(|| node.no_layer("it pads the batch, or takes something away"))?;
    // Before and behind, of each axis in Lenslet's order.
    let mut sides = vec![(0, 0); x.dims.len()];
    for (axis, &ours) in x.order.iter().enumerate() {
        sides[ours] = (pads[axis + 1], pads[axes + axis + 1]);
    }
    let y = match sides[..] {
        [rows, columns, (0, 0)] => pad_picture(node, grown, &x, [rows, columns]),
        [(0, 0), (0, 0), channels] => pad_channels(node, grown, &x, channels),
        _ => return Err(node.no_layer("its input is no picture")),
    };
    grown.give(node.output()?, y);
    Ok(())
}

/// Zeros around a picture, before and behind its rows and columns.
pub(super) fn pad_picture(
    node: &Operator<'_>,
    grown: &mut Grown,
    x: &Value,
    [(top, bottom), (left, right)]: [(usize, usize); 2],
) -> Value {
    let borders = Borders { top, bottom, left, right };
    let giver = Giver::Layer(grown.add(node, ZeroPadding2D::new(borders), &[x]));
    let mut dims = x.dims.clone();
    dims[0] = dims[0].saturating_add(top).saturating_add(bottom);
    dims[1] = dims[1].saturating_add(left).saturating_add(right);
    Value { giver, dims, ..x.clone() }
}

/// Channels of zeros: columns of the picture of pixels by channels.
fn pad_channels(
    node: &Operator<'_>,
    grown: &mut Grown,
    x: &Value,
    (before, behind): (usize, usize),
) -> Value {
    let [height, width, channels] = [x.dims[0], x.dims[1], x.dims[2]];
    let all = channels.saturating_add(before).saturating_add(behind);
    let [rows, height, width, channels, filled] = [height * width, height, width, channels, all]
        .map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let with = |layer, dims: &[i64]| {
        let dims = dims.iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX)).collect();
        Value { giver: Giver::Layer(layer), dims, ..x.clone() }
    };
    let flat = [rows, channels, 1];
    let y = with(grown.add(node, Reshape::new(flat), &[x]), &flat);
    let borders = Borders { top: 0, bottom: 0, left: before, right: behind };
    let y = with(grown.add(node, ZeroPadding2D::new(borders), &[&y]), &[rows, filled, 1]);
    let whole = [height, width, filled];
    with(grown.add(node, Reshape::new(whole), &[&y]), &whole)
}

/// `Slice` of rows and columns.
pub(super) fn slice(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let starts = node.whole_numbers(1, "starts", grown)?.ok_or_else(|| node.missing(1))?;
    let ends = node.whole_numbers(2, "ends", grown)?.ok_or_else(|| node.missing(2))?;
    let axes = node.whole_numbers(3, "axes", grown)?;
    let steps = match node.input_name(4) {
        Some(_) => node.whole_numbers(4, "steps", grown)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let x = node.whole(0, grown)?;
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    if steps.iter().any(|&step| step != 1)
        || axes.len() != starts.len()
        || ends.len() != starts.len()
    {
        return Err(node.no_layer("it takes steps, or not as many ends as starts"));
    }
    // What is taken off before and behind, of each axis in Lenslet's order.
    let mut off = vec![(0, 0); x.dims.len()];
    for ((&axis, &start), &end) in axes.iter().zip(&starts).zip(&ends) {
        let axis = from_end(axis, x.dims.len() + 1).and_then(|axis| axis.checked_sub(1));
        let axis = axis.ok_or_else(|| node.no_layer("it takes a part of the batch"))?;
        let ours = x.order[axis];
        let size = i64::try_from(x.dims[ours]).expect("a shape was checked");
        let place = |at: i64| if at < 0 { at.saturating_add(size) } else { at }.clamp(0, size);
        let (start, end) = (place(start), place(end));
        if start >= end {
            return Err(node.error("it leaves nothing", "export it again"));
        }
        off[ours] = (start as usize, (size - end) as usize);
    }
    let [(top, bottom), (left, right), (0, 0)] = off[..] else {
        return Err(node.no_layer("it takes a part of something else than rows and columns"));
    };
    let borders = Borders { top, bottom, left, right };
    let giver = Giver::Layer(grown.add(node, Cropping2D::new(borders), &[&x]));
    let dims = vec![x.dims[0] - top - bottom, x.dims[1] - left - right, x.dims[2]];
    grown.give(node.output()?, Value { giver, dims, ..x });
    Ok(())
}
