//! The same numbers in another shape.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, Shape};

/// Reads the numbers of a sample as another shape, the last axis fastest. Nothing is computed or
/// moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// The new shape; one dimension may be -1: whatever is left.
    pub target_shape: Vec<i64>,
}

impl Reshape {
    /// To this shape, of which one dimension may be -1: whatever is left.
    pub fn new(target_shape: impl Into<Vec<i64>>) -> Self {
        Self { target_shape: target_shape.into() }
    }

    fn problem(&self, input: &Shape) -> Problem {
        Problem::new(
            format!(
                "target_shape = {:?} does not hold the {} numbers of its input {input}",
                self.target_shape,
                input.elements()
            ),
            "the dimensions' product must be that number; one may be -1, for whatever is left",
        )
    }
}

impl Describe for Reshape {
    const KIND: &'static str = "Reshape";
    const STEM: &'static str = "reshape";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        let elements = input.elements();
        let known = self.target_shape.iter().filter(|&&d| d != -1).try_fold(1usize, |n, &d| {
            usize::try_from(d).ok().filter(|&d| d > 0).and_then(|d| n.checked_mul(d))
        });
        let known = known.filter(|&known| elements.is_multiple_of(known));
        let known = known.ok_or_else(|| self.problem(input))?;
        let open = self.target_shape.iter().filter(|&&d| d == -1).count();
        if open > 1 || (open == 0 && known != elements) || self.target_shape.is_empty() {
            return Err(self.problem(input));
        }
        let dim = |&d: &i64| usize::try_from(d).unwrap_or(elements / known);
        Ok(Shape::new(self.target_shape.iter().map(dim).collect::<Vec<_>>()))
    }
}
