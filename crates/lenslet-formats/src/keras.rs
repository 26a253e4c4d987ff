//! Keras 3's files: `.keras` (a zip archive of the layers in JSON and the weights in HDF5) and
//! `.weights.h5` (the weights alone).
//!
//! [`encode_keras`] writes a trained model, [`import_keras`] reads one, [`keras_weights`] reads the
//! weights of a network that is known. Lenslet's layers, their settings and the layout of their
//! weights are Keras's, so that little is changed on the way; what one of the two does not have is
//! refused by its name: a layer, a setting, code of any kind.
//!
//! In the archive are `metadata.json`, `config.json` and `model.weights.h5`, and nothing else. The
//! weights of a layer are `layers/conv2d_1/vars/0` and so on: its class in small letters, counted in
//! the order of Keras's layers (`order.rs`), and its variables counted as they are in Keras.

mod archive;
mod export;
mod import;
mod object;
mod order;
mod settings;
mod weights;

pub use export::{KerasOptions, encode_keras};
pub use import::import_keras;
pub use weights::keras_weights;
