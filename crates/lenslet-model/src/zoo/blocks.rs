//! What the networks with batch normalisation are made of.

use crate::layers::{BatchNormalization, Conv2D, Dense, GlobalAveragePooling2D, ZeroPadding2D};
use crate::{Activation, Graph, Initializer, Padding, Tensor};

/// A convolution without bias, of He's initial weights. A window that is wider than its step has
/// as many zeros on all sides as it reaches beyond its centre.
pub(super) fn conv(x: &Tensor, filters: usize, window: usize, stride: usize) -> Tensor {
    let layer = Conv2D::new(filters, window)
        .strides(stride)
        .use_bias(false)
        .kernel_initializer(Initializer::HeNormal);
    match (window, stride) {
        (1, _) => x.apply(layer),
        (_, 1) => x.apply(layer.padding(Padding::Same)),
        // "Same" would put the odd zero on the far side alone.
        _ => x.apply(ZeroPadding2D::new(window / 2)).apply(layer),
    }
}

/// With the settings of the reference implementations, which are PyTorch's defaults: they forget
/// faster than Keras's, and are at home after fewer steps.
pub(super) fn batch_norm() -> BatchNormalization {
    BatchNormalization::new().momentum(0.9).epsilon(1e-5)
}

/// Convolution and normalisation.
pub(super) fn conv_norm(x: &Tensor, filters: usize, window: usize, stride: usize) -> Tensor {
    conv(x, filters, window, stride).apply(batch_norm())
}

/// The mean of each channel, and class probabilities from these.
pub(super) fn classify(input: &Tensor, x: &Tensor, classes: usize) -> Graph {
    let means = x.apply(GlobalAveragePooling2D::new());
    let output = means.apply(Dense::new(classes).activation(Activation::Softmax));
    Graph::new(input, &output).expect("it grew from this input, with automatic names")
}
