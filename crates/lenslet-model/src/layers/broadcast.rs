//! What layers of several inputs make of different shapes.

use super::Describe;
use crate::{Problem, Shape};

/// The shape to which all inputs are repeated, as NumPy's broadcasting has it: shapes are laid over
/// each other from the last axis on, and an axis of length 1, or one that is missing, is repeated
/// as often as the others ask for.
pub(super) fn broadcast(layer: &impl Describe, inputs: &[Shape]) -> Result<Shape, Problem> {
    let [first, others @ ..] = inputs else { unreachable!("every layer has an input") };
    if others.is_empty() {
        return layer.output(first);
    }
    let rank = inputs.iter().map(|shape| shape.dims().len()).max().unwrap_or(0);
    let mut dims = vec![1; rank];
    for shape in inputs {
        for (to, &dim) in dims.iter_mut().rev().zip(shape.dims().iter().rev()) {
            if *to == 1 {
                *to = dim;
            } else if dim != 1 && dim != *to {
                return Err(Problem::new(
                    format!("its inputs have the shapes {first} and {shape}"),
                    "they must be the same but for axes of length 1, which are repeated; a \
                     Conv2D with 1x1 filters changes channels, strides the size",
                ));
            }
        }
    }
    Ok(Shape::new(dims))
}

/// A layer that joins its inputs number by number.
macro_rules! joining_layer {
    ($(#[$doc:meta])* $name:ident, $stem:literal) => {
        $(#[$doc])*
        ///
        /// Axes of length 1 are repeated, as in NumPy: `(height, width, channels)` goes with
        /// `(1, 1, channels)`, one number a channel, and with `(channels)`, too.
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {}

        impl $name {
            /// Of all its inputs.
            pub fn new() -> Self {
                Self {}
            }
        }

        impl super::Describe for $name {
            const KIND: &'static str = stringify!($name);
            const STEM: &'static str = $stem;

            fn output(&self, input: &crate::Shape) -> Result<crate::Shape, crate::Problem> {
                Err(super::broadcast::alone(input))
            }

            fn merge(&self, inputs: &[crate::Shape]) -> Result<crate::Shape, crate::Problem> {
                super::broadcast::broadcast(self, inputs)
            }
        }
    };
}

pub(super) use joining_layer;

/// What is wrong with a joining layer of one input.
pub(super) fn alone(input: &Shape) -> Problem {
    Problem::new(
        format!("has one input, {input}, but joins at least two"),
        "give it inputs = [\"a\", \"b\"], the names of layers",
    )
}
