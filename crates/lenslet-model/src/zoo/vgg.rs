//! VGG for small pictures.

use super::blocks::batch_norm;
use crate::layers::{Conv2D, Dense, Flatten, MaxPool2D};
use crate::{Activation, Graph, Initializer, Padding, Sequential, Shape};

/// Configuration A of Simonyan and Zisserman 2015, table 1.
pub(super) fn vgg11(input: Shape, classes: usize) -> Graph {
    vgg(input, classes, &[&[64], &[128], &[256, 256], &[512, 512], &[512, 512]])
}

/// Configuration D.
pub(super) fn vgg16(input: Shape, classes: usize) -> Graph {
    let stages: [&[usize]; 5] = [&[64, 64], &[128, 128], &[256; 3], &[512; 3], &[512; 3]];
    vgg(input, classes, &stages)
}

/// Stages of convolutions, each with a pool at its end; batch normalisation behind every
/// convolution, and one dense layer instead of three.
fn vgg(input: Shape, classes: usize, stages: &[&[usize]]) -> Graph {
    let mut model = Sequential::new(input);
    for &stage in stages {
        for &filters in stage {
            let conv = Conv2D::new(filters, 3)
                .padding(Padding::Same)
                .kernel_initializer(Initializer::HeNormal);
            model = model.add(conv).add(batch_norm()).add(Activation::Relu);
        }
        model = model.add(MaxPool2D::new(2));
    }
    model.add(Flatten::new()).add(Dense::new(classes).activation(Activation::Softmax)).into()
}
