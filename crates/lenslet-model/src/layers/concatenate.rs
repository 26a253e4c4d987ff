//! Several values behind one another.

use serde::{Deserialize, Serialize};

use super::{Axes, Describe, broadcast, setters};
use crate::{Problem, Shape};

/// Puts values behind one another along one axis: along the last, pictures of one size become one
/// with the channels of all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Concatenate {
    /// The axis, which may be any of a sample's; -1, the last.
    #[serde(skip_serializing_if = "Axes::is_last")]
    pub axis: Axes,
}

impl Concatenate {
    /// Along the last axis.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the axis.
        axis: Axes,
    }

    /// Which of a sample's dimensions the axis is, counted from 0.
    ///
    /// # Errors
    /// Where the input has no such axis, or where there are several.
    pub fn dimension(&self, input: &Shape) -> Result<usize, Problem> {
        match self.axis.of(input)?[..] {
            [axis] => Ok(axis),
            _ => Err(Problem::new(format!("axis = {} is not one axis", self.axis), "name one")),
        }
    }
}

impl Describe for Concatenate {
    const KIND: &'static str = "Concatenate";
    const STEM: &'static str = "concatenate";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        Err(broadcast::alone(input))
    }

    fn merge(&self, inputs: &[Shape]) -> Result<Shape, Problem> {
        let [first, others @ ..] = inputs else { unreachable!("every layer has an input") };
        if others.is_empty() {
            return self.output(first);
        }
        let axis = self.dimension(first)?;
        let mut dims = first.dims().to_vec();
        for other in others {
            let own = other.dims().get(axis).copied().unwrap_or(0);
            let mut fitting = first.dims().to_vec();
            fitting[axis] = own;
            if fitting != other.dims() {
                let all_but = if axis + 1 == dims.len() { "the last" } else { "that axis" };
                return Err(Problem::new(
                    format!("its inputs have the shapes {first} and {other}"),
                    format!("all dimensions but {all_but} must be the same"),
                ));
            }
            dims[axis] = dims[axis].saturating_add(own);
        }
        Ok(Shape::new(dims))
    }
}
