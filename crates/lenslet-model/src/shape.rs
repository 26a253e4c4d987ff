//! The shape of one sample, without the batch dimension.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Problem;

/// The most elements that one value of one sample may have (2^28: 1 GiB in `f32`).
const MOST_ELEMENTS: usize = 1 << 28;

/// The dimensions of one sample: `(height, width, channels)` of a picture, or `(features)`.
///
/// Displays as Keras writes it, with the batch dimension open: `(None, 32, 32, 3)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape of these dimensions.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        Self(dims.into())
    }

    /// The dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// Number of elements: the product of the dimensions.
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// The last dimension: channels of a picture, features of a vector.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }

    /// The same shape with another last dimension.
    pub(crate) fn with_last(&self, last: usize) -> Self {
        let mut dims = self.0.clone();
        if let Some(d) = dims.last_mut() {
            *d = last;
        }
        Self(dims)
    }

    /// Refuses zero dimensions and samples too large to be meant.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.0.is_empty() || self.0.contains(&0) {
            return Err(Problem::new(
                format!("the shape {self} is empty"),
                "every dimension must be at least 1",
            ));
        }
        let elements = self.0.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if elements.is_none_or(|n| n > MOST_ELEMENTS) {
            return Err(Problem::new(
                format!("the shape {self} is too large"),
                format!("one sample may hold at most {MOST_ELEMENTS} numbers"),
            ));
        }
        Ok(())
    }

    /// `(height, width, channels)`, for layers that need a picture.
    pub(crate) fn picture(&self) -> Result<[usize; 3], Problem> {
        self.0.as_slice().try_into().map_err(|_| {
            Problem::new(
                format!("needs a picture (height, width, channels), but its input is {self}"),
                "put it before any Flatten or Dense layer",
            )
        })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(None")?;
        for d in &self.0 {
            write!(f, ", {d}")?;
        }
        f.write_str(")")
    }
}

impl From<(usize, usize, usize)> for Shape {
    fn from((height, width, channels): (usize, usize, usize)) -> Self {
        Self(vec![height, width, channels])
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self(dims.to_vec())
    }
}

impl From<usize> for Shape {
    fn from(features: usize) -> Self {
        Self(vec![features])
    }
}
