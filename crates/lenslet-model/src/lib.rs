//! What a network is, as plain data.
//!
//! A [`Sequential`] lists layers; [`Sequential::build`] infers every shape, names every layer and
//! lays every parameter out in one flat buffer, and returns the checked [`Network`] that engines
//! run. Optimisers, losses and metrics are descriptions too. Nothing here computes or opens files.
#![forbid(unsafe_code)]

mod activation;
mod error;
mod file;
mod hint;
mod initializer;
pub mod layers;
mod loss;
mod metric;
mod network;
mod optimizer;
mod padding;
mod pair;
mod sequential;
mod shape;
mod summary;
mod zoo;

pub use activation::Activation;
pub use error::{ModelError, Problem};
pub use file::{from_json, from_toml, to_json, to_toml};
pub use hint::{nearest, serde_hint};
pub use initializer::Initializer;
pub use layers::Layer;
pub use loss::{Loss, SparseCategoricalCrossentropy};
pub use metric::Metric;
pub use network::{Network, Node, Parameter, ParameterSpec};
pub use optimizer::{Adam, Optimizer, SGD};
pub use padding::Padding;
pub use pair::Pair;
pub use sequential::{NamedLayer, Sequential};
pub use shape::Shape;
pub use zoo::{cnn, zoo_model, zoo_names};
