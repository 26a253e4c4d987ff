//! Rectifier with slopes that are learnt.

use serde::{Deserialize, Serialize};

use super::{Describe, setters, zeros};
use crate::{Initializer, ParameterSpec, Problem, Regularizer, Shape};

/// `x` above zero, `alpha * x` below, where `alpha` is learnt (He et al. 2015).
///
/// Parameter: `alpha` of the input's shape, with 1 for the shared axes; zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PReLU {
    /// What `alpha` holds before training; zeros.
    #[serde(skip_serializing_if = "Initializer::is_zeros")]
    pub alpha_initializer: Initializer,
    /// Penalty on `alpha`; none.
    #[serde(skip_serializing_if = "Regularizer::is_none")]
    pub alpha_regularizer: Regularizer,
    /// Axes along which `alpha` is the same, counted from 1; none. `[1, 2]` gives one `alpha` a
    /// channel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_axes: Vec<usize>,
}

impl Default for PReLU {
    fn default() -> Self {
        Self {
            alpha_initializer: zeros(),
            alpha_regularizer: Regularizer::default(),
            shared_axes: Vec::new(),
        }
    }
}

impl PReLU {
    /// A slope for each number.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets what `alpha` holds before training.
        alpha_initializer: Initializer,
        /// Sets the penalty on `alpha`.
        alpha_regularizer: Regularizer,
        /// Sets the axes along which `alpha` is the same, counted from 1.
        shared_axes: Vec<usize>,
    }

    /// The shape of `alpha` for this input.
    pub fn alpha_shape(&self, input: &Shape) -> Vec<usize> {
        let dims = input.dims().iter().enumerate();
        dims.map(|(i, &d)| if self.shared_axes.contains(&(i + 1)) { 1 } else { d }).collect()
    }
}

impl Describe for PReLU {
    const KIND: &'static str = "PReLU";
    const STEM: &'static str = "p_re_lu";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        let axes = input.dims().len();
        if let Some(axis) = self.shared_axes.iter().find(|axis| !(1..=axes).contains(axis)) {
            return Err(Problem::new(
                format!("shared_axes holds {axis}, but its input {input} has axes 1 to {axes}"),
                "use [1, 2] for one alpha a channel of a picture",
            ));
        }
        for spec in self.parameters(input) {
            spec.check()?;
        }
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let alpha = ParameterSpec::new("alpha", self.alpha_shape(input), self.alpha_initializer);
        vec![alpha.regularized(self.alpha_regularizer)]
    }
}
