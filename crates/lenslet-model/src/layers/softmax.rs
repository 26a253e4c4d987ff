//! Softmax, as a layer.

use serde::{Deserialize, Serialize};

use super::{Axes, Describe, setters};
use crate::{Problem, Shape};

/// `exp(x) / sum(exp(x))` over the last axis, or the last few together: probabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Softmax {
    /// The axes over which the sum goes: the last ones; -1, the last.
    #[serde(skip_serializing_if = "Axes::is_last")]
    pub axis: Axes,
}

impl Softmax {
    /// A softmax over the last axis.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the axes.
        axis: Axes,
    }

    /// How many numbers, which lie behind one another, sum to 1.
    ///
    /// # Errors
    /// Where the axes are not the input's last ones.
    pub fn classes(&self, input: &Shape) -> Result<usize, Problem> {
        let dims = input.dims();
        match self.axis.trailing(input)? {
            0 => Err(Problem::new("axis = [] names no axis", "name the last one, -1, or more")),
            axes => Ok(dims[dims.len() - axes..].iter().product()),
        }
    }
}

impl Describe for Softmax {
    const KIND: &'static str = "Softmax";
    const STEM: &'static str = "softmax";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.classes(input)?;
        Ok(input.clone())
    }
}
