//! Operators as Lenslet's layers, losses and optimisers.

mod activation;
mod affine;
mod join;
mod loss;
mod norm;
mod optimizer;
mod shape;
mod window;

use crate::case::{Array, Case};

/// What an operator gave: its outputs, of which some may be none of the layer's.
pub(crate) type Outputs = Vec<Option<Array>>;

/// Runs a case, or says why the layers cannot.
pub(crate) type Operator = fn(&Case) -> Result<Outputs, String>;

/// The operators that have a layer, a loss or an optimiser, or are near enough to one that a test
/// of theirs may be expected here.
pub(crate) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "Relu" | "LeakyRelu" | "Elu" | "Selu" | "Celu" | "PRelu" | "Sigmoid" | "HardSigmoid"
        | "HardSwish" | "Softplus" | "Softsign" | "Tanh" | "Exp" | "Mish" | "Gelu" | "Swish"
        | "Clip" | "ThresholdedRelu" | "Identity" | "Neg" => activation::run,
        "Softmax" | "LogSoftmax" => activation::softmax,
        "Dropout" => activation::dropout,
        "Conv" => affine::conv,
        "ConvTranspose" => affine::conv_transpose,
        "Gemm" => affine::gemm,
        "MatMul" => affine::mat_mul,
        "MaxPool" => window::max_pool,
        "AveragePool" => window::average_pool,
        "GlobalAveragePool" | "GlobalMaxPool" => window::global_pool,
        "BatchNormalization" => norm::batch,
        "InstanceNormalization" | "GroupNormalization" => norm::group,
        "LayerNormalization" => norm::layer,
        "Add" | "Sub" | "Sum" | "Mean" | "Mul" => join::run,
        "Concat" => join::concat,
        "Pad" => shape::pad,
        "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => shape::reshape,
        "SoftmaxCrossEntropyLoss" => loss::softmax_cross_entropy,
        "NegativeLogLikelihoodLoss" => loss::negative_log_likelihood,
        "Adam" | "Adagrad" | "Momentum" => optimizer::run,
        _ => return None,
    })
}

/// A case's one input that is always there.
fn first(case: &Case) -> Result<&Array, String> {
    case.input(0).ok_or_else(|| "its first input is left out".to_owned())
}

/// A single output.
fn one(output: Array) -> Outputs {
    vec![Some(output)]
}
