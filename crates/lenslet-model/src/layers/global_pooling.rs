//! What the global pooling layers share: one window over the whole picture.

use lenslet_kernels::{Axis, Pool2dShape};

use crate::{Problem, Shape};

/// The window over all of a picture of the shape `input`.
pub(super) fn geometry(input: &Shape) -> Result<Pool2dShape, Problem> {
    let [height, width, channels] = input.picture()?;
    let whole =
        |n: usize| Axis { input: n, output: 1, window: n, stride: 1, dilation: 1, pad_before: 0 };
    Ok(Pool2dShape { height: whole(height), width: whole(width), channels })
}

/// A global pooling layer: the same settings, another thing done to the picture.
macro_rules! global_pooling_layer {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $stem:literal) => {
        $(#[$doc])*
        ///
        /// `(height, width, channels)` becomes `(channels)`, or `(1, 1, channels)` where the
        /// dimensions are kept. No parameters.
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Whether the result is still a picture, of one pixel; no.
            pub keepdims: bool,
        }

        impl $name {
            /// A vector of one number a channel.
            pub fn new() -> Self {
                Self::default()
            }

            super::setters! {
                /// Sets whether the result is still a picture.
                keepdims: bool,
            }

            /// The geometry on pictures of the shape `input`.
            ///
            /// # Errors
            /// Where that is no picture.
            pub fn geometry(
                &self,
                input: &crate::Shape,
            ) -> Result<lenslet_kernels::Pool2dShape, crate::Problem> {
                super::global_pooling::geometry(input)
            }
        }

        impl super::Describe for $name {
            const KIND: &'static str = $kind;
            const STEM: &'static str = $stem;

            fn output(&self, input: &crate::Shape) -> Result<crate::Shape, crate::Problem> {
                let channels = self.geometry(input)?.channels;
                Ok(if self.keepdims { [1, 1, channels].into() } else { channels.into() })
            }
        }
    };
}

pub(super) use global_pooling_layer;
