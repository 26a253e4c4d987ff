//! Every activation function, every rule of an optimiser and every loss, in every form.

use lenslet_kernels::{
    Activation, AdagradStep, AdamStep, Formula, LionStep, Loss, NadamStep, RmsPropStep, Rule,
    SgdStep,
};

/// Those whose derivative comes from the output, and then those that need the input.
pub(crate) const ACTIVATIONS: [Activation; 16] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu { negative_slope: 0.3 },
    Activation::Elu { alpha: 0.5 },
    Activation::Selu,
    Activation::Relu6,
    Activation::HardSigmoid,
    Activation::Softplus,
    Activation::Softsign,
    Activation::Exponential,
    Activation::Silu,
    Activation::HardSwish,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Mish,
];

/// The activation functions that need the input for their derivative, or those that do not.
pub(crate) fn activations(from_input: bool) -> impl Iterator<Item = Activation> {
    ACTIVATIONS.into_iter().filter(move |f| f.needs_input() == from_input)
}

pub(crate) const ADAM: AdamStep =
    AdamStep { alpha: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false };
const SGD: SgdStep = SgdStep { learning_rate: 0.1, momentum: 0.9, nesterov: false };
const RMSPROP: RmsPropStep =
    RmsPropStep { learning_rate: 1e-3, rho: 0.9, momentum: 0.0, epsilon: 1e-3, centered: false };

pub(crate) const RULES: [Rule; 12] = [
    Rule::Adam(ADAM),
    Rule::Adam(AdamStep { amsgrad: true, ..ADAM }),
    Rule::Sgd(SGD),
    Rule::Sgd(SgdStep::plain(0.1)),
    Rule::Sgd(SgdStep { nesterov: true, ..SGD }),
    Rule::RmsProp(RMSPROP),
    Rule::RmsProp(RmsPropStep { momentum: 0.5, ..RMSPROP }),
    // A large epsilon: these are no means of what the squares are of, and a root must be left.
    Rule::RmsProp(RmsPropStep { centered: true, epsilon: 1e4, ..RMSPROP }),
    Rule::RmsProp(RmsPropStep { centered: true, epsilon: 1e4, momentum: 0.5, ..RMSPROP }),
    Rule::Adagrad(AdagradStep { learning_rate: 0.01, epsilon: 1e-7 }),
    Rule::Nadam(NadamStep {
        by_m: 2e-3,
        by_g: 1e-3,
        by_root: 1.5,
        beta_1: 0.9,
        beta_2: 0.99,
        epsilon: 1e-7,
    }),
    Rule::Lion(LionStep { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.99 }),
];

const FORMULAS: [Formula; 7] = [
    Formula::SparseCategorical,
    Formula::Categorical,
    Formula::CategoricalFocal { alpha: 0.25, gamma: 2.0 },
    Formula::Binary,
    Formula::BinaryFocal { alpha: Some(0.25), gamma: 2.0 },
    Formula::BinaryFocal { alpha: None, gamma: 0.0 },
    Formula::MeanSquared,
];

/// Every formula of probabilities and of logits, with and without smoothing.
pub(crate) fn losses() -> impl Iterator<Item = Loss> {
    let forms = [(false, 0.0), (false, 0.1), (true, 0.0), (true, 0.1)];
    FORMULAS.into_iter().flat_map(move |formula| {
        forms.map(|(from_logits, label_smoothing)| Loss { formula, from_logits, label_smoothing })
    })
}
