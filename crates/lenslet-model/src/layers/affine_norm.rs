//! What normalising layers share: a scale `gamma` and a shift `beta` for each channel.

use super::check_above_zero;
use crate::{Initializer, ParameterSpec, Problem, Regularizer};

/// Checks what the normalising layers have in common.
pub(super) fn check_epsilon(epsilon: f64) -> Result<(), Problem> {
    check_above_zero("epsilon", epsilon, "0.001")
}

/// `gamma` and `beta` as far as they are wanted.
pub(super) fn parameters(
    channels: usize,
    gamma: Option<(Initializer, Regularizer)>,
    beta: Option<(Initializer, Regularizer)>,
) -> Vec<ParameterSpec> {
    let spec = |name, (initializer, regularizer)| {
        ParameterSpec::new(name, [channels], initializer).regularized(regularizer)
    };
    let gamma = gamma.map(|gamma| spec("gamma", gamma));
    gamma.into_iter().chain(beta.map(|beta| spec("beta", beta))).collect()
}
