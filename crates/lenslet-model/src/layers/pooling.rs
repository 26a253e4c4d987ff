//! What the pooling layers share: the window.

use lenslet_kernels::Pool2dShape;

use crate::padding::window_axes;
use crate::{Padding, Pair, Problem, Shape};

/// The geometry of a pooling window on pictures of the shape `input`.
pub(super) fn geometry(
    input: &Shape,
    pool_size: Pair,
    strides: Option<Pair>,
    padding: Padding,
) -> Result<Pool2dShape, Problem> {
    let [h, w, channels] = input.picture()?;
    let strides = strides.unwrap_or(pool_size);
    let [height, width] =
        window_axes([h, w], pool_size, strides, Pair(1, 1), padding, "pool_size")?;
    Ok(Pool2dShape { height, width, channels })
}

/// A pooling layer: the same settings, another thing done to the window.
macro_rules! pooling_layer {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $stem:literal) => {
        $(#[$doc])*
        ///
        /// `(height, width, channels)` becomes `(height', width', channels)`. No parameters.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Height and width of the window; (2, 2).
            pub pool_size: crate::Pair,
            /// Steps of the window; as large as the window itself, so that windows touch.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub strides: Option<crate::Pair>,
            /// At the border; valid. Padding takes no part in the result.
            pub padding: crate::Padding,
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(2)
            }
        }

        impl $name {
            /// Windows of `pool_size` that touch, valid padding.
            pub fn new(pool_size: impl Into<crate::Pair>) -> Self {
                Self {
                    pool_size: pool_size.into(),
                    strides: None,
                    padding: crate::Padding::Valid,
                }
            }

            /// Sets the steps of the window.
            pub fn strides(self, strides: impl Into<crate::Pair>) -> Self {
                Self { strides: Some(strides.into()), ..self }
            }

            /// Sets what happens at the border.
            pub fn padding(self, padding: crate::Padding) -> Self {
                Self { padding, ..self }
            }

            /// The geometry on pictures of the shape `input`.
            pub fn geometry(
                &self,
                input: &crate::Shape,
            ) -> Result<lenslet_kernels::Pool2dShape, crate::Problem> {
                super::pooling::geometry(input, self.pool_size, self.strides, self.padding)
            }
        }

        impl super::Describe for $name {
            const KIND: &'static str = $kind;
            const STEM: &'static str = $stem;

            fn output(&self, input: &crate::Shape) -> Result<crate::Shape, crate::Problem> {
                let shape = self.geometry(input)?;
                Ok(crate::Shape::new([shape.height.output, shape.width.output, shape.channels]))
            }
        }
    };
}

pub(super) use pooling_layer;
