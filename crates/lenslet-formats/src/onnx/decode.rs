//! From bytes to messages.

use prost::Message;

use super::proto::{ModelProto, TensorProto};
use super::wire;
use crate::FormatError;

/// Reads an ONNX file.
///
/// Nothing is computed and no operator is looked at yet. Names, shapes and numbers are as the file
/// has them: [`Tensor::new`](super::Tensor::new) checks those of a tensor.
///
/// # Errors
/// Where the bytes are no ONNX model, a field is unknown, or the file has what is never taken:
/// numbers in other files, functions, graphs within graphs, sparse or quantised tensors. Memory is
/// bounded by the bytes that are there.
pub fn decode_model(bytes: &[u8]) -> Result<ModelProto, FormatError> {
    wire::check(bytes, &wire::MODEL)?;
    ModelProto::decode(bytes).map_err(undecodable)
}

/// Reads a tensor that has a file of its own, as ONNX's test data are.
///
/// # Errors
/// As [`decode_model`].
pub fn decode_tensor(bytes: &[u8]) -> Result<TensorProto, FormatError> {
    wire::check(bytes, &wire::TENSOR)?;
    TensorProto::decode(bytes).map_err(undecodable)
}

fn undecodable(error: prost::DecodeError) -> FormatError {
    wire::damaged(format!("it is damaged: {error}"))
}
