//! ONNX: the Open Neural Network Exchange, [IR and operators](https://onnx.ai/onnx/).
//!
//! [`decode_model`] and [`decode_tensor`] read files as the messages in [`proto`]; a [`Tensor`] is a
//! tensor whose numbers were checked and counted. [`encode_onnx`] writes a trained model,
//! [`import_onnx`] reads one as layers of Lenslet's.

mod attribute;
mod decode;
mod export;
mod import;
pub mod proto;
mod tensor;
mod wire;

pub use decode::{decode_model, decode_tensor};
pub use export::{Layout, OPSET, OnnxOptions, encode_onnx};
pub use import::{import_model, import_onnx};
pub use tensor::{Tensor, TensorData};
