//! Activation functions as operators of opset 17.

use lenslet_model::Activation;

use super::super::attribute;
use super::builder::{Builder, Value};
use crate::FormatError;

pub(super) fn activate(
    b: &mut Builder<'_>,
    x: Value,
    activation: Activation,
) -> Result<Value, FormatError> {
    let alpha = |value| vec![attribute::float("alpha", value)];
    let (op, settings) = match activation {
        Activation::Linear => return Ok(x),
        Activation::Sigmoid => ("Sigmoid", Vec::new()),
        Activation::Tanh => ("Tanh", Vec::new()),
        Activation::Relu => ("Relu", Vec::new()),
        Activation::Relu6 => {
            let limits = [b.scalar("least", 0.0), b.scalar("most", 6.0)];
            return Ok(b.like("Clip", &x, &limits, Vec::new()));
        }
        Activation::LeakyRelu { negative_slope } => ("LeakyRelu", alpha(negative_slope)),
        Activation::Elu { alpha: limit } => ("Elu", alpha(limit)),
        Activation::Selu => ("Selu", Vec::new()),
        Activation::Gelu { approximate: false } => return Ok(gelu(b, &x)),
        Activation::Gelu { approximate: true } => return Ok(gelu_by_tanh(b, &x)),
        Activation::Silu => {
            let share = b.like("Sigmoid", &x, &[], Vec::new());
            return Ok(b.like("Mul", &x, &[share.name], Vec::new()));
        }
        Activation::HardSwish => ("HardSwish", Vec::new()),
        Activation::HardSigmoid => ("HardSigmoid", alpha(1.0 / 6.0)),
        Activation::Softplus => ("Softplus", Vec::new()),
        Activation::Softsign => ("Softsign", Vec::new()),
        Activation::Mish => {
            let softplus = b.like("Softplus", &x, &[], Vec::new());
            let share = b.like("Tanh", &softplus, &[], Vec::new());
            return Ok(b.like("Mul", &x, &[share.name], Vec::new()));
        }
        Activation::Exponential => ("Exp", Vec::new()),
        Activation::Softmax => {
            let axis = attribute::int("axis", x.channel_axis() as i64);
            ("Softmax", vec![axis])
        }
        other => {
            return Err(FormatError::unsupported(
                format!("the activation `{other}` has no counterpart in ONNX"),
                "export to another format, or use another activation",
            ));
        }
    };
    Ok(b.like(op, &x, &[], settings))
}

/// `x / 2 (1 + erf(x / sqrt(2)))`.
fn gelu(b: &mut Builder<'_>, x: &Value) -> Value {
    let root = b.scalar("root", std::f64::consts::SQRT_2);
    let scaled = b.like("Div", x, &[root], Vec::new());
    let erf = b.like("Erf", &scaled, &[], Vec::new());
    halved(b, x, &erf)
}

/// `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
fn gelu_by_tanh(b: &mut Builder<'_>, x: &Value) -> Value {
    let [cubic, root] = [0.044715, (2.0 / std::f64::consts::PI).sqrt()];
    let again = std::slice::from_ref(&x.name);
    let square = b.like("Mul", x, again, Vec::new());
    let cube = b.like("Mul", &square, again, Vec::new());
    let cubic = b.scalar("cubic", cubic);
    let part = b.like("Mul", &cube, &[cubic], Vec::new());
    let sum = b.like("Add", x, &[part.name], Vec::new());
    let root = b.scalar("root", root);
    let scaled = b.like("Mul", &sum, &[root], Vec::new());
    let tanh = b.like("Tanh", &scaled, &[], Vec::new());
    halved(b, x, &tanh)
}

/// `x (1 + share) / 2`.
fn halved(b: &mut Builder<'_>, x: &Value, share: &Value) -> Value {
    let [one, half] = [b.scalar("one", 1.0), b.scalar("half", 0.5)];
    let sum = b.like("Add", share, &[one], Vec::new());
    let product = b.like("Mul", x, &[sum.name], Vec::new());
    b.like("Mul", &product, &[half], Vec::new())
}
