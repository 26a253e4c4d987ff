//! Whole axes made one number.

use lenslet_model::Layer;
use lenslet_model::layers::{GlobalAveragePooling2D, GlobalMaxPooling2D, Reshape};

use super::axes::from_end;
use super::grown::Grown;
use super::operator::Operator;
use super::value::{Giver, Value};
use crate::FormatError;

/// `GlobalAveragePool` and `GlobalMaxPool`.
pub(super) fn global(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let x = node.whole(0, grown)?;
    if !x.is_channels_first() {
        return Err(node.no_layer("its input is no picture with the channels first"));
    }
    let most = node.op() == "GlobalMaxPool";
    let y = picture(node, grown, &x, most, true);
    grown.give(node.output()?, y);
    Ok(())
}

/// `ReduceMean` and `ReduceMax` over the rows and columns, or over the first axis of two.
pub(super) fn reduce(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let axes = node.whole_numbers(1, "axes", grown)?;
    let keep = node.int("keepdims", 1)? != 0;
    node.only("noop_with_empty_axes", 0)?;
    let x = node.whole(0, grown)?;
    let all = x.dims.len() + 1;
    let ours = |axis: &i64| from_end(*axis, all)?.checked_sub(1).map(|axis| x.order[axis]);
    let axes: Option<Vec<usize>> = axes.and_then(|axes| axes.iter().map(ours).collect());
    let mut axes = axes.ok_or_else(|| node.no_layer("it reduces the batch or no certain axes"))?;
    axes.sort_unstable();
    let most = node.op() == "ReduceMax";
    let y = match (&axes[..], x.dims.len()) {
        ([0, 1], 3) => picture(node, grown, &x, most, keep),
        ([0], 2) if x.lies_as_ours() && !keep => {
            let [rows, channels] = [x.dims[0], x.dims[1]];
            let dims = vec![rows, 1, channels];
            let shape: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
            let layer = grown.add(node, Reshape::new(shape), &[&x]);
            let tall = Value { giver: Giver::Layer(layer), dims, order: vec![0, 1, 2], ..x };
            picture(node, grown, &tall, most, false)
        }
        _ => return Err(node.no_layer("it reduces other axes than the rows and columns")),
    };
    grown.give(node.output()?, y);
    Ok(())
}

fn picture(node: &Operator<'_>, grown: &mut Grown, x: &Value, most: bool, keep: bool) -> Value {
    let layer: Layer = match most {
        true => GlobalMaxPooling2D::new().keepdims(keep).into(),
        false => GlobalAveragePooling2D::new().keepdims(keep).into(),
    };
    let giver = Giver::Layer(grown.add(node, layer, &[x]));
    let channels = x.channels();
    match keep {
        true => Value { giver, dims: vec![1, 1, channels], ..x.clone() },
        false => Value { giver, dims: vec![channels], order: vec![0], ..x.clone() },
    }
}
