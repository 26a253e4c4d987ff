//! Files of other programs: what is read, what is refused, what comes back as it went.

mod corpus;
mod keras;
mod keras_refused;
mod networks;
mod onnx_decode;
mod onnx_group_norm;
mod onnx_refused;
mod round_trip;
mod torch_refused;
