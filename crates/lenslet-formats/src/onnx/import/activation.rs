//! Functions of single numbers, and what does nothing.

use lenslet_model::{Activation, Layer};

use super::super::proto::DataType;
use super::grown::Grown;
use super::operator::Operator;
use super::value::{Giver, Part, Value};
use crate::FormatError;

/// An operator that is an activation function.
pub(super) fn apply(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    match node.op() {
        "Erf" => return erf(node, grown),
        "Abs" => {
            let x = node.whole(0, grown)?;
            grown.give(node.output()?, Value { part: Part::Absolute, ..x });
            return Ok(());
        }
        _ => {}
    }
    let activation = activation(node, grown)?;
    let x = node.whole(0, grown)?;
    if activation == Activation::Softmax {
        softmax_axis(node, &x)?;
    }
    let y = activated(node, grown, &x, activation);
    grown.give(node.output()?, y);
    Ok(())
}

/// `x` with an activation: that of the layer before, where it has none yet, else a layer's own.
pub(super) fn activated(
    node: &Operator<'_>,
    grown: &mut Grown,
    x: &Value,
    activation: Activation,
) -> Value {
    use Activation::{HardSigmoid, Relu, Relu6, Sigmoid, Softmax, Softplus};
    let nonnegative =
        matches!(activation, HardSigmoid | Relu | Relu6 | Sigmoid | Softmax | Softplus);
    let own = match grown.behind(x).map(|(_, layer)| layer) {
        Some(Layer::Conv2D(layer)) => Some(&mut layer.activation),
        Some(Layer::DepthwiseConv2D(layer)) => Some(&mut layer.activation),
        Some(Layer::Dense(layer)) => Some(&mut layer.activation),
        _ => None,
    };
    match own {
        Some(own) if *own == Activation::Linear => {
            *own = activation;
            Value { nonnegative, ..x.clone() }
        }
        _ => {
            let layer = grown.add(node, activation, &[x]);
            Value { giver: Giver::Layer(layer), nonnegative, ..x.clone() }
        }
    }
}

fn activation(node: &mut Operator<'_>, grown: &Grown) -> Result<Activation, FormatError> {
    Ok(match node.op() {
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Relu" => Activation::Relu,
        "Clip" => clip(node, grown)?,
        "LeakyRelu" => Activation::LeakyRelu { negative_slope: slope(node, 0.01)? },
        "Elu" => Activation::Elu { alpha: slope(node, 1.0)? },
        "Selu" => {
            let near = |came: f32, expected: f32| (came - expected).abs() < 1e-5;
            let (alpha, gamma) =
                (node.float("alpha", 1.673_263_2)?, node.float("gamma", 1.050_701)?);
            if !(near(alpha, 1.673_263_2) && near(gamma, 1.050_701)) {
                return Err(node.no_layer(format!("alpha = {alpha}, gamma = {gamma}")));
            }
            Activation::Selu
        }
        "HardSigmoid" => {
            let (alpha, beta) = (node.float("alpha", 0.2)?, node.float("beta", 0.5)?);
            if (alpha - 1.0 / 6.0).abs() > 1e-6 || beta != 0.5 {
                return Err(node.no_layer(format!("alpha = {alpha}, beta = {beta}")));
            }
            Activation::HardSigmoid
        }
        "HardSwish" => Activation::HardSwish,
        "Softplus" => Activation::Softplus,
        "Softsign" => Activation::Softsign,
        "Mish" => Activation::Mish,
        "Exp" => Activation::Exponential,
        "Softmax" => Activation::Softmax,
        "Swish" => {
            let alpha = node.float("alpha", 1.0)?;
            if alpha != 1.0 {
                return Err(node.no_layer(format!("alpha = {alpha}")));
            }
            Activation::Silu
        }
        "Gelu" => match node.text("approximate")?.as_deref() {
            None | Some("none") => Activation::GELU,
            Some("tanh") => Activation::Gelu { approximate: true },
            Some(other) => return Err(node.no_layer(format!("approximate = {other:?}"))),
        },
        other => return Err(node.no_layer(format!("the operator {other:?} is not known here"))),
    })
}

/// A setting as the number that was meant: 0.01, not the `f32` next to it.
fn slope(node: &mut Operator<'_>, otherwise: f32) -> Result<f64, FormatError> {
    let slope = node.float("alpha", otherwise)?;
    Ok(slope.to_string().parse().expect("a number's own text"))
}

fn clip(node: &mut Operator<'_>, grown: &Grown) -> Result<Activation, FormatError> {
    let (low, high) = if node.opset < 11 {
        (node.float("min", f32::MIN)?, node.float("max", f32::MAX)?)
    } else {
        let limit = |index, otherwise: f32| -> Result<f32, FormatError> {
            match node.floats(index, grown)? {
                None => Ok(otherwise),
                Some((_, numbers)) => match numbers[..] {
                    [number] => Ok(number),
                    _ => Err(node.no_layer("a limit is no single number")),
                },
            }
        };
        (limit(1, f32::MIN)?, limit(2, f32::MAX)?)
    };
    match (low, high) {
        (0.0, 6.0) => Ok(Activation::Relu6),
        (0.0, high) if high >= f32::MAX => Ok(Activation::Relu),
        _ => Err(node.no_layer(format!("it clips to {low} and {high}"))),
    }
}

/// Lenslet's softmax is over the last axis: the channels.
fn softmax_axis(node: &mut Operator<'_>, x: &Value) -> Result<(), FormatError> {
    let axes = x.dims.len() + 1;
    // Before version 13 all axes from this one on were one.
    let axis = node.int("axis", if node.opset < 13 { 1 } else { -1 })?;
    let axis = super::axes::from_end(axis, axes);
    let flattens = node.opset < 13 && axes > 2 && axis != Some(axes - 1);
    if flattens || !axis.is_some_and(|axis| x.has_channels_at(axis)) {
        return Err(node.no_layer("it is not over the channels"));
    }
    Ok(())
}

fn erf(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let x = node.value(0, grown)?;
    if x.part != Part::Scaled {
        return Err(node.no_layer("it is not a part of GELU"));
    }
    grown.give(node.output()?, Value { part: Part::Erf, ..x });
    Ok(())
}

/// What does nothing at prediction.
pub(super) fn identity(node: &mut Operator<'_>, grown: &mut Grown) -> Result<(), FormatError> {
    let mut x = node.value(0, grown)?;
    match node.op() {
        "Cast" => {
            let to = node.int("to", 0)?;
            if to != DataType::Float as i64 {
                return Err(node.no_layer(format!("it casts to type {to}, not to float")));
            }
            node.ignore("saturate");
            x.bytes = false;
        }
        "Dropout" => ["ratio", "seed", "is_test"].into_iter().for_each(|name| node.ignore(name)),
        _ => {}
    }
    grown.give(node.first_output()?, x);
    Ok(())
}
