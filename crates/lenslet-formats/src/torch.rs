//! PyTorch's names and layouts, in safetensors files.
//!
//! A layer `conv2d` has `conv2d.weight` and `conv2d.bias`, as a module of that name would have in a
//! `state_dict`; the zoo's `resnet18` and `mobilenet_v2` have torchvision's names. Filters are
//! `(filters, channels / groups, height, width)`, the weights of a dense layer `(outputs, inputs)`.
//! PyTorch's pictures have the channels first, so that behind a `Flatten` the inputs of a dense
//! layer come in that order. A batch normalisation has `weight`, `bias`, `running_mean`,
//! `running_var` and `num_batches_tracked` (0).
//!
//! | layer | tensors |
//! |---|---|
//! | `SeparableConv2D` | `.depthwise.weight`, `.pointwise.weight`, `.pointwise.bias` |
//! | `Maxout` | `.weight`, `.bias`: a linear layer of `pieces * units` outputs, a piece's units in a row |
//! | `PReLU` | `.weight`: one number a channel, or the shape of the input |
//! | `Normalization` that takes its numbers from the data | `.mean`, `.variance`, `.count` |
//! | layers of numbers on their way (`Dropout`, pools, activations) | none |

mod decode;
mod encode;
mod names;
mod places;

pub use decode::TorchFile;
pub use encode::encode_torch;
