//! Sum of several values.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, Shape};

/// The sum of several values of one shape: a shortcut around layers (He et al. 2016).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

impl Add {
    /// Of all its inputs.
    pub fn new() -> Self {
        Self {}
    }
}

impl Describe for Add {
    const KIND: &'static str = "Add";
    const STEM: &'static str = "add";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        Err(Problem::new(
            format!("has one input, {input}, but joins at least two"),
            "give it inputs = [\"a\", \"b\"], the names of layers",
        ))
    }

    fn merge(&self, inputs: &[Shape]) -> Result<Shape, Problem> {
        same_shape(self, inputs)
    }
}

/// The one shape of all inputs.
pub(super) fn same_shape(layer: &impl Describe, inputs: &[Shape]) -> Result<Shape, Problem> {
    let [first, others @ ..] = inputs else { unreachable!("every layer has an input") };
    if others.is_empty() {
        return layer.output(first);
    }
    match others.iter().find(|shape| *shape != first) {
        None => Ok(first.clone()),
        Some(other) => Err(Problem::new(
            format!("its inputs have the shapes {first} and {other}"),
            "they must be the same; a Conv2D with 1x1 filters changes channels, strides the size",
        )),
    }
}
