//! An activation function as a layer.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Activation, Problem, Shape};

/// Applies an activation function: `Activation` in Keras.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationLayer {
    /// The function.
    pub activation: Activation,
}

impl ActivationLayer {
    /// A layer that applies this function.
    pub fn new(activation: Activation) -> Self {
        Self { activation }
    }
}

impl Describe for ActivationLayer {
    const KIND: &'static str = "Activation";
    const STEM: &'static str = "activation";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.activation.check()?;
        Ok(input.clone())
    }
}
