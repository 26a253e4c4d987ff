//! Wide residual networks (Zagoruyko and Komodakis 2016).

use super::blocks::{batch_norm, classify, conv};
use crate::{Activation, Graph, Input, Shape, Tensor, add};

/// Table 1 with depth 16 and width 4: three stages of two blocks, with normalisation and rectifier
/// in front of each convolution.
pub(super) fn wide_resnet_16_4(input: Shape, classes: usize) -> Graph {
    const WIDTH: usize = 4;
    let pictures = Input::new(input);
    let mut x = conv(&pictures, 16, 3, 1);
    for (stage, filters) in [16 * WIDTH, 32 * WIDTH, 64 * WIDTH].into_iter().enumerate() {
        let stride = if stage > 0 { 2 } else { 1 };
        x = widening(&x, filters, stride);
        let y = residue(&active(&x), filters, 1);
        x = add([y, x]);
    }
    classify(&pictures, &active(&x), classes)
}

fn active(x: &Tensor) -> Tensor {
    x.apply(batch_norm()).apply(Activation::Relu)
}

/// The first block of a stage: its shortcut is a 1x1 convolution of the normalised input.
fn widening(x: &Tensor, filters: usize, stride: usize) -> Tensor {
    let x = active(x);
    add([residue(&x, filters, stride), conv(&x, filters, 1, stride)])
}

fn residue(x: &Tensor, filters: usize, stride: usize) -> Tensor {
    conv(&active(&conv(x, filters, 3, stride)), filters, 3, 1)
}
