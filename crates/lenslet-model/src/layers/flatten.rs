//! From a picture to a vector.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Problem, Shape};

/// Puts all numbers of a sample into one row: `(height, width, channels)` becomes
/// `(height * width * channels)`. Nothing is computed or moved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Flatten {
    /// A flattening.
    pub fn new() -> Self {
        Self {}
    }
}

impl Describe for Flatten {
    const KIND: &'static str = "Flatten";
    const STEM: &'static str = "flatten";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        Ok(Shape::new([input.elements()]))
    }
}
