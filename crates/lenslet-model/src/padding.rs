//! What a sliding window does at the border.

use lenslet_kernels::Axis;
use serde::{Deserialize, Serialize};

use crate::{Pair, Problem};

/// Padding of convolution and pooling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// None: every window lies inside the picture, so the output shrinks.
    #[default]
    Valid,
    /// Zeros around the picture, so that the output is `ceil(input / stride)` long; of an odd
    /// number of zeros the larger part goes below and to the right, as in TensorFlow.
    Same,
}

/// Both axes of a sliding window over `height x width`.
pub(crate) fn window_axes(
    [height, width]: [usize; 2],
    window: Pair,
    strides: Pair,
    dilation: Pair,
    padding: Padding,
    setting: &str,
) -> Result<[Axis; 2], Problem> {
    for (name, pair) in [(setting, window), ("strides", strides), ("dilation_rate", dilation)] {
        pair.check(name)?;
    }
    let axis = |input, window, stride, dilation| match padding {
        Padding::Valid => Axis::valid(input, window, stride, dilation),
        Padding::Same => Axis::same(input, window, stride, dilation),
    };
    let rows = axis(height, window.0, strides.0, dilation.0);
    let columns = axis(width, window.1, strides.1, dilation.1);
    rows.zip(columns).map(|(r, c)| [r, c]).ok_or_else(|| {
        Problem::new(
            format!("its window {window} does not fit into a picture of {height}x{width}"),
            format!(
                "use a smaller {setting}, fewer pooling layers before it, or padding = \"same\""
            ),
        )
    })
}
