//! ONNX: the Open Neural Network Exchange, [IR and operators](https://onnx.ai/onnx/).
//!
//! [`decode_model`] and [`decode_tensor`] read files as the messages in [`proto`]; a [`Tensor`] is a
//! tensor whose numbers were checked and counted.

mod decode;
pub mod proto;
mod tensor;
mod wire;

pub use decode::{decode_model, decode_tensor};
pub use tensor::{Tensor, TensorData};
