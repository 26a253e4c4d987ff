//! Product of several values.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, Shape};

/// The product, number by number, of several values of one shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiply {}

impl Multiply {
    /// Of all its inputs.
    pub fn new() -> Self {
        Self {}
    }
}

impl Describe for Multiply {
    const KIND: &'static str = "Multiply";
    const STEM: &'static str = "multiply";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        Err(Problem::new(
            format!("has one input, {input}, but joins at least two"),
            "give it inputs = [\"a\", \"b\"], the names of layers",
        ))
    }

    fn merge(&self, inputs: &[Shape]) -> Result<Shape, Problem> {
        super::add::same_shape(self, inputs)
    }
}
