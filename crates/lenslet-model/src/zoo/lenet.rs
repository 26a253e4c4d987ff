//! LeNet-5.

use crate::layers::{AveragePool2D, Conv2D, Dense, Flatten};
use crate::{Activation, Graph, Padding, Sequential, Shape};

/// LeCun et al. 1998, figure 2, as it is taught today: every feature map sees all maps before it,
/// the pools have no parameters, and the output is softmax. Pictures below 32 pixels get a border
/// of zeros, as the authors gave MNIST.
pub(super) fn lenet5(input: Shape, classes: usize) -> Graph {
    let small = input.dims().iter().take(2).any(|&side| side < 32);
    let border = if small { Padding::Same } else { Padding::Valid };
    let tanh = Activation::Tanh;
    Sequential::new(input)
        .add(Conv2D::new(6, 5).padding(border).activation(tanh))
        .add(AveragePool2D::new(2))
        .add(Conv2D::new(16, 5).activation(tanh))
        .add(AveragePool2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(120).activation(tanh))
        .add(Dense::new(84).activation(tanh))
        .add(Dense::new(classes).activation(Activation::Softmax))
        .into()
}
