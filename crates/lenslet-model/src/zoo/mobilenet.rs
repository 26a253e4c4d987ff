//! MobileNetV2 (Sandler et al. 2018).

use super::blocks::{batch_norm, classify, conv_norm};
use crate::layers::{DepthwiseConv2D, Dropout, ZeroPadding2D};
use crate::{Activation, Graph, Initializer, Input, Padding, Shape, Tensor, add};

/// Table 2, with the first two strides 1 instead of 2, so that pictures of 32 pixels keep 4 at the
/// end: expansion, channels, blocks, stride of the first block.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

pub(super) fn mobilenet_v2(input: Shape, classes: usize) -> Graph {
    let pictures = Input::new(input);
    let mut x = conv_norm(&pictures, 32, 3, 1).apply(Activation::Relu6);
    let mut channels = 32;
    for (expansion, filters, blocks, first_stride) in STAGES {
        for block in 0..blocks {
            let stride = if block == 0 { first_stride } else { 1 };
            let y = bottleneck(&x, channels * expansion, filters, stride, expansion > 1);
            x = if stride == 1 && filters == channels { add([x, y]) } else { y };
            channels = filters;
        }
    }
    let x = conv_norm(&x, 1280, 1, 1).apply(Activation::Relu6);
    classify(&pictures, &x.apply(Dropout::new(0.2)), classes)
}

/// Wide, filtered channel by channel, narrow again (table 1).
fn bottleneck(x: &Tensor, wide: usize, filters: usize, stride: usize, expand: bool) -> Tensor {
    let x = match expand {
        true => conv_norm(x, wide, 1, 1).apply(Activation::Relu6),
        false => x.clone(),
    };
    let depthwise = DepthwiseConv2D::new(3)
        .strides(stride)
        .use_bias(false)
        .depthwise_initializer(Initializer::HeNormal);
    let x = match stride {
        1 => x.apply(depthwise.padding(Padding::Same)),
        _ => x.apply(ZeroPadding2D::new(1)).apply(depthwise),
    };
    conv_norm(&x.apply(batch_norm()).apply(Activation::Relu6), filters, 1, 1)
}
