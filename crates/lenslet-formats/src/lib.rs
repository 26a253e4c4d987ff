//! Files of other programs: bytes to a model's description and weights, and back.
//!
//! * [`keras`] reads and writes Keras 3's `.keras` and `.weights.h5`.
//! * [`onnx`] reads and writes ONNX.
//! * [`torch`] reads and writes weights as PyTorch names and lays them out.
//!
//! A network that comes in is an [`Imported`] one; it becomes a
//! [`TrainedModel`](lenslet_store::TrainedModel).
//!
//! What is read is a closed world: a file holds no code, no paths and no addresses that anyone
//! would follow; what is not known is refused by its name; memory is bounded by the bytes that are
//! there. Nothing here opens a file, trains or prints.
#![forbid(unsafe_code)]

mod error;
mod hdf5;
mod imported;
pub mod keras;
pub mod onnx;
mod permute;
pub mod torch;

pub use error::FormatError;
pub use imported::Imported;
