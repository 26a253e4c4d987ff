//! Residual networks (He et al. 2016).

use super::blocks::{classify, conv_norm};
use crate::layers::{AveragePool2D, MaxPool2D, Reshape, ZeroPadding2D};
use crate::{Activation, Graph, Input, Shape, Tensor, add};

/// Section 4.2: `6n + 2` layers for CIFAR-10, with shortcuts of option A, which have no parameters.
pub(super) fn cifar(input: Shape, classes: usize, blocks: usize) -> Graph {
    let pictures = Input::new(input.clone());
    let mut size = [0, 1].map(|axis| input.dims().get(axis).copied().unwrap_or(1));
    let mut x = conv_norm(&pictures, 16, 3, 1).apply(Activation::Relu);
    let mut channels = 16;
    for (stage, filters) in [16, 32, 64].into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let shortcut = if filters == channels {
                x.clone()
            } else {
                size = size.map(|n| n.div_ceil(stride));
                padded(&x, size, channels, filters)
            };
            x = basic(&x, shortcut, filters, stride);
            channels = filters;
        }
    }
    classify(&pictures, &x, classes)
}

/// Every second pixel, and as many channels of zeros on either side as are missing.
fn padded(x: &Tensor, [height, width]: [usize; 2], channels: usize, filters: usize) -> Tensor {
    let half = (filters - channels) / 2;
    let [rows, channels, filters] =
        [height * width, channels, filters].map(|n| i64::try_from(n).expect("a small number"));
    // Channels are no side of a picture, but of the picture of pixels by channels they are.
    x.apply(AveragePool2D::new(1).strides(2))
        .apply(Reshape::new([rows, channels, 1]))
        .apply(ZeroPadding2D::new((0, half)))
        .apply(Reshape::new([height as i64, width as i64, filters]))
}

/// Section 4.1, table 1: 18 layers for ImageNet, with shortcuts of option B.
pub(super) fn resnet18(input: Shape, classes: usize) -> Graph {
    let pictures = Input::new(input);
    let x = conv_norm(&pictures, 64, 7, 2).apply(Activation::Relu);
    // Behind a rectifier a border of zeros is as good as none.
    let mut x = x.apply(ZeroPadding2D::new(1)).apply(MaxPool2D::new(3).strides(2));
    for (stage, filters) in [64, 128, 256, 512].into_iter().enumerate() {
        for block in 0..2 {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let shortcut = if stride == 1 { x.clone() } else { conv_norm(&x, filters, 1, stride) };
            x = basic(&x, shortcut, filters, stride);
        }
    }
    classify(&pictures, &x, classes)
}

/// Two convolutions beside a shortcut (figure 2).
fn basic(x: &Tensor, shortcut: Tensor, filters: usize, stride: usize) -> Tensor {
    let y = conv_norm(x, filters, 3, stride).apply(Activation::Relu);
    let y = conv_norm(&y, filters, 3, 1);
    add([y, shortcut]).apply(Activation::Relu)
}
