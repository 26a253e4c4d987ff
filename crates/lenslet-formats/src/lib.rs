//! Files of other programs: bytes to a model's description and weights, and back.
//!
//! * [`onnx`] reads and writes ONNX.
//!
//! What is read is a closed world: a file holds no code, no paths and no addresses that anyone
//! would follow; what is not known is refused by its name; memory is bounded by the bytes that are
//! there. Nothing here opens a file, trains or prints.
#![forbid(unsafe_code)]

mod error;
pub mod onnx;

pub use error::FormatError;
