//! What is done to each number by itself, softmax and dropout.

use lenslet_model::layers::{
    ActivationLayer, Axes, Dropout, ELU, LeakyReLU, PReLU, Rescaling, Softmax,
};
use lenslet_model::{Activation, Tensor};

use super::{Outputs, first, one};
use crate::case::{Array, Case};
use crate::run::{Weight, outputs};

pub(super) fn run(case: &Case) -> Result<Outputs, String> {
    let x = first(case)?;
    if case.node.op_type == "PRelu" {
        return p_relu(case, x);
    }
    let number = |name: &str, default: f64| case.float(name, default);
    let bound = |index: usize, name: &str| {
        let given = case.input(index).map(|bound| f64::from(bound.data[0]));
        given.or_else(|| {
            case.node.attribute.iter().any(|a| a.name == name).then(|| number(name, 0.0))
        })
    };
    let named = |x: &Tensor, activation: Activation| x.apply(activation);
    let affine =
        |x: &Tensor, scale: f64, offset: f64| x.apply(Rescaling::new(scale).offset(offset));
    let build = |x: &Tensor| -> Result<Tensor, String> {
        Ok(match case.node.op_type.as_str() {
            "Relu" => named(x, Activation::Relu),
            "LeakyRelu" => x.apply(LeakyReLU::new(number("alpha", 0.01))),
            "Elu" => x.apply(ELU::new(number("alpha", 1.0))),
            "Selu" if case.node.attribute.is_empty() => named(x, Activation::Selu),
            "Selu" => {
                affine(&x.apply(ELU::new(number("alpha", 1.67326))), number("gamma", 1.0507), 0.0)
            }
            "Celu" => {
                let alpha = number("alpha", 1.0);
                affine(&affine(x, 1.0 / alpha, 0.0).apply(ELU::new(1.0)), alpha, 0.0)
            }
            "Sigmoid" => named(x, Activation::Sigmoid),
            // Keras's has slope 1/6 and 1/2 at 0.
            "HardSigmoid" => {
                let (alpha, beta) = (number("alpha", 0.2), number("beta", 0.5));
                named(&affine(x, 6.0 * alpha, 6.0 * beta - 3.0), Activation::HardSigmoid)
            }
            "HardSwish" => named(x, Activation::HardSwish),
            "Softplus" => named(x, Activation::Softplus),
            "Softsign" => named(x, Activation::Softsign),
            "Tanh" => named(x, Activation::Tanh),
            "Exp" => named(x, Activation::Exponential),
            "Mish" => named(x, Activation::Mish),
            "Gelu" => {
                let approximate = case.text("approximate", "none") == "tanh";
                named(x, Activation::Gelu { approximate })
            }
            "Swish" => {
                let alpha = number("alpha", 1.0);
                affine(&named(&affine(x, alpha, 0.0), Activation::Silu), 1.0 / alpha, 0.0)
            }
            "Identity" => x.apply(ActivationLayer::new(Activation::Linear)),
            "Neg" => affine(x, -1.0, 0.0),
            "Clip" => match (bound(1, "min"), bound(2, "max")) {
                (None, None) => x.apply(ActivationLayer::new(Activation::Linear)),
                (Some(low), None) => {
                    affine(&named(&affine(x, 1.0, -low), Activation::Relu), 1.0, low)
                }
                (None, Some(high)) => {
                    affine(&named(&affine(x, -1.0, high), Activation::Relu), -1.0, high)
                }
                (Some(low), Some(high)) if low < high => {
                    let above = affine(&named(&affine(x, 1.0, -low), Activation::Relu), 1.0, low);
                    affine(&named(&affine(&above, -1.0, high), Activation::Relu), -1.0, high)
                }
                _ => return Err("its lower bound lies above the upper one".to_owned()),
            },
            "ThresholdedRelu" => return Err("there is no such layer".to_owned()),
            other => unreachable!("{other} is no activation"),
        })
    };
    let mut failure = None;
    let y = outputs(&[&x.as_sample()], &[], |x| {
        build(&x[0]).unwrap_or_else(|reason| {
            failure = Some(reason);
            x[0].clone()
        })
    });
    failure.map_or(Ok(()), Err)?;
    Ok(one(y?.reshaped(x.dims.clone())))
}

/// Slopes that are repeated along axes of length 1, or that they lack.
fn p_relu(case: &Case, x: &Array) -> Result<Outputs, String> {
    let slope = case.input(1).ok_or("it has no slopes")?;
    let missing = x.dims.len() - slope.dims.len();
    let dims = |axis: usize| if axis < missing { 1 } else { slope.dims[axis - missing] };
    let shared = (0..x.dims.len()).filter(|&axis| dims(axis) == 1).map(|axis| axis + 1);
    let layer = PReLU::new().shared_axes(shared.collect::<Vec<_>>());
    let weights: [Weight; 1] = [("slopes", "alpha", slope.data.clone())];
    let y = outputs(&[&x.as_sample()], &weights, |x| x[0].apply_named("slopes", layer))?;
    Ok(one(y.reshaped(x.dims.clone())))
}

/// Over one axis, which is made the last: ours is.
pub(super) fn softmax(case: &Case) -> Result<Outputs, String> {
    if case.node.op_type == "LogSoftmax" {
        return Err("there is no layer of the softmax's logarithm".to_owned());
    }
    let x = first(case)?;
    let rank = x.dims.len();
    let axis = case.int("axis", -1).rem_euclid(rank as i64) as usize;
    if case.opset < 13 {
        return Err("an older softmax, over all axes from one on".to_owned());
    }
    let mut order: Vec<usize> = (0..rank).filter(|&i| i != axis).collect();
    order.push(axis);
    let back: Vec<usize> =
        (0..rank).map(|i| order.iter().position(|&o| o == i).unwrap_or(0)).collect();
    let last = x.transposed(&order);
    let y =
        outputs(&[&last.as_sample()], &[], |x| x[0].apply(Softmax::new().axis(Axes::from(-1))))?;
    Ok(one(y.reshaped(last.dims).transposed(&back)))
}

/// Nothing at prediction; in training what is drawn is each program's own.
pub(super) fn dropout(case: &Case) -> Result<Outputs, String> {
    let x = first(case)?;
    let rate = match case.input(1) {
        Some(ratio) => f64::from(ratio.data[0]),
        None => case.float("ratio", 0.5),
    };
    let training = case.input(2).is_some_and(|training| training.data[0] != 0.0);
    if training && rate > 0.0 {
        return Err("it draws random numbers of its own".to_owned());
    }
    let y = outputs(&[&x.as_sample()], &[], |x| x[0].apply(Dropout::new(rate)))?;
    let mut all = one(y.reshaped(x.dims.clone()));
    // Which numbers were kept is no output of the layer.
    all.resize(case.outputs.len(), None);
    Ok(all)
}
