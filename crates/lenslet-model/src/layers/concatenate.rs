//! Several values behind one another.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, Shape};

/// Puts values behind one another along the last axis: pictures of one size become one with the
/// channels of all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concatenate {}

impl Concatenate {
    /// Along the last axis.
    pub fn new() -> Self {
        Self {}
    }
}

impl Describe for Concatenate {
    const KIND: &'static str = "Concatenate";
    const STEM: &'static str = "concatenate";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        Err(Problem::new(
            format!("has one input, {input}, but joins at least two"),
            "give it inputs = [\"a\", \"b\"], the names of layers",
        ))
    }

    fn merge(&self, inputs: &[Shape]) -> Result<Shape, Problem> {
        let [first, others @ ..] = inputs else { unreachable!("every layer has an input") };
        if others.is_empty() {
            return self.output(first);
        }
        if let Some(other) = others.iter().find(|shape| shape.with_last(first.last()) != *first) {
            return Err(Problem::new(
                format!("its inputs have the shapes {first} and {other}"),
                "all dimensions but the last must be the same",
            ));
        }
        let last = inputs.iter().try_fold(0usize, |sum, shape| sum.checked_add(shape.last()));
        Ok(first.with_last(last.unwrap_or(usize::MAX)))
    }
}
