//! Sums, differences, products and quotients: of values, or of a value and a constant.

use lenslet_model::layers::{Add, Multiply};
use lenslet_model::{Activation, Layer};

use super::affine::{Meets, biased, meets, rescaled, scaled, scaled_before};
use super::grown::Grown;
use super::operator::Operator;
use super::value::{Giver, Part, Value};
use crate::FormatError;

pub(super) fn apply(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let is_constant = |name: &String| grown.constant(name).is_some();
    match node.inputs() {
        [_, b] if node.op() != "Sum" && is_constant(b) => with_constant(node, grown, 0, 1),
        [a, _] if matches!(node.op(), "Add" | "Mul") && is_constant(a) => {
            with_constant(node, grown, 1, 0)
        }
        _ => of_values(node, grown),
    }
}

fn of_values(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    if doubles(node, grown)? || softsign(node, grown)? {
        return Ok(());
    }
    let layer: Layer = match node.op() {
        "Add" | "Sum" => Add::new().into(),
        "Mul" => Multiply::new().into(),
        _ => return Err(node.no_layer("both of its inputs are computed")),
    };
    let values: Result<Vec<_>, _> =
        (0..node.inputs().len()).map(|index| node.whole(index, grown)).collect();
    let values = values?;
    let (Some(first), true) = (values.first(), values.len() > 1) else {
        return Err(node.no_layer("it has fewer than two inputs"));
    };
    for other in &values {
        if other.dims != first.dims {
            let [a, b] = [first.graph_dims(), other.graph_dims()];
            return Err(node.no_layer(format!("its inputs have the shapes {a:?} and {b:?}")));
        }
        if (&other.order, &other.scrambled) != (&first.order, &first.scrambled) {
            return Err(node.no_layer("its inputs have their axes in different orders"));
        }
    }
    let index = grown.add(node, layer, &values.iter().collect::<Vec<_>>());
    let nonnegative = values.iter().all(|value| value.nonnegative);
    let value = Value { giver: Giver::Layer(index), nonnegative, ..first.clone() };
    grown.give(node.output()?, value);
    Ok(())
}

/// `x (1 + erf(x / sqrt(2)))`, on the way to GELU.
fn doubles(node: &Operator<'_>, grown: &mut Grown) -> Result<bool, FormatError> {
    if node.op() != "Mul" || node.inputs().len() != 2 {
        return Ok(false);
    }
    let (a, b) = (node.value(0, grown)?, node.value(1, grown)?);
    let (x, share) = if a.part == Part::Share { (b, a) } else { (a, b) };
    if x.part != Part::Whole || share.part != Part::Share || !x.is_of(&share) {
        return Ok(false);
    }
    grown.give(node.output()?, Value { part: Part::Doubled, ..x });
    Ok(true)
}

/// `x / (1 + |x|)`.
fn softsign(node: &Operator<'_>, grown: &mut Grown) -> Result<bool, FormatError> {
    if node.op() != "Div" || node.inputs().len() != 2 {
        return Ok(false);
    }
    let (x, above) = (node.value(0, grown)?, node.value(1, grown)?);
    if x.part != Part::Whole || above.part != Part::AboveOne || !x.is_of(&above) {
        return Ok(false);
    }
    let layer = grown.add(node, Activation::Softsign, &[&x]);
    grown.give(node.output()?, Value { giver: Giver::Layer(layer), nonnegative: false, ..x });
    Ok(true)
}

/// A value and a constant.
fn with_constant(
    node: &mut Operator<'_>,
    grown: &mut Grown,
    value: usize,
    constant: usize,
) -> Result<(), FormatError> {
    let x = node.value(value, grown)?;
    let (dims, numbers) = node.floats(constant, grown)?.ok_or_else(|| node.missing(constant))?;
    let Some(constant) = meets(&x, &dims, &numbers) else {
        let what = format!("a constant of the shape {dims:?} meets {:?}", x.graph_dims());
        return Err(node.no_layer(what));
    };
    let output = node.output()?;
    if let Some(part) = part(node, grown, &x, &constant) {
        let value = match part {
            // The last of GELU's operators.
            None => {
                let x = Value { part: Part::Whole, nonnegative: false, ..x };
                let layer = grown.add(node, Activation::GELU, &[&x]);
                Value { giver: Giver::Layer(layer), ..x }
            }
            Some(part) => Value { part, ..x },
        };
        grown.give(output, value);
        return Ok(());
    }
    let x = node.whole(value, grown)?;
    let value = match (node.op(), constant) {
        ("Add", Meets::All(number)) => rescaled(node, grown, &x, 1.0, number),
        ("Sub", Meets::All(number)) => rescaled(node, grown, &x, 1.0, -number),
        ("Mul", Meets::All(number)) => rescaled(node, grown, &x, number, 0.0),
        ("Div", Meets::All(number)) => rescaled(node, grown, &x, 1.0 / number, 0.0),
        ("Add", Meets::Channels(shift)) => {
            if biased(grown, &x, &shift) {
                Value { nonnegative: false, ..x }
            } else {
                scaled(node, grown, &x, None, Some(shift))
            }
        }
        ("Sub", Meets::Channels(shift)) => {
            let shift = shift.into_iter().map(|x| -x).collect();
            scaled(node, grown, &x, None, Some(shift))
        }
        ("Mul", Meets::Channels(scale)) => {
            if scaled_before(grown, &x, &scale) {
                Value { nonnegative: false, ..x }
            } else {
                scaled(node, grown, &x, Some(scale), None)
            }
        }
        (_, Meets::Channels(scale)) => {
            let scale = scale.into_iter().map(f32::recip).collect();
            scaled(node, grown, &x, Some(scale), None)
        }
        (op, Meets::All(_)) => return Err(node.no_layer(format!("{op} of a constant"))),
    };
    grown.give(output, value);
    Ok(())
}

/// What a value and a number are on the way to GELU or softsign; `None`: the whole of GELU.
fn part(node: &Operator<'_>, grown: &Grown, x: &Value, constant: &Meets) -> Option<Option<Part>> {
    let Meets::All(number) = constant else { return None };
    let near = |expected: f64| (f64::from(*number) - expected).abs() < 1e-6;
    let root = match node.op() {
        "Div" => near(std::f64::consts::SQRT_2),
        "Mul" => near(std::f64::consts::FRAC_1_SQRT_2),
        _ => false,
    };
    match (node.op(), x.part) {
        (_, Part::Whole) if root && grown.is_for(node.first_output().ok()?, "Erf") => {
            Some(Some(Part::Scaled))
        }
        ("Add", Part::Erf) if near(1.0) => Some(Some(Part::Share)),
        ("Add", Part::Absolute) if near(1.0) => Some(Some(Part::AboveOne)),
        ("Mul", Part::Doubled) if near(0.5) => Some(None),
        ("Div", Part::Doubled) if near(2.0) => Some(None),
        _ => None,
    }
}
