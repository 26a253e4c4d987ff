//! What a network is, as plain data.
//!
//! A [`Graph`] is layers with names and inputs, written as a list ([`Sequential`]) or as calls
//! ([`Input`]). [`Graph::build`] infers every shape, names every layer and lays every parameter out
//! in one flat buffer, and returns the checked [`Network`] that engines run. Optimisers, losses and
//! metrics are descriptions too. Nothing here computes or opens files.
#![forbid(unsafe_code)]

mod activation;
mod borders;
mod error;
mod file;
mod graph;
mod hint;
mod initializer;
pub mod layers;
mod loss;
mod metric;
mod named;
mod names;
mod network;
mod optimizer;
mod order;
mod padding;
mod pair;
mod range;
mod regularizer;
mod schedule;
mod sequential;
mod shape;
mod summary;
mod tensor;
mod zoo;

pub use activation::Activation;
pub use borders::Borders;
pub use error::{ModelError, Problem};
pub use file::{from_json, from_toml, to_json, to_toml};
pub use graph::{Graph, INPUT};
pub use hint::{nearest, serde_hint};
pub use initializer::{Distribution, Initializer};
pub use layers::Layer;
pub use loss::{
    BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy,
    CategoricalFocalCrossentropy, Loss, LossFunction, MeanSquaredError,
    SparseCategoricalCrossentropy,
};
pub use metric::Metric;
pub use network::{Network, Node, Parameter, ParameterSpec, Source};
pub use optimizer::{
    Adagrad, Adam, AdamW, Algorithm, Configure, Lamb, Lion, Moment, Muon, Nadam, Optimizer,
    RMSprop, SGD,
};
pub use padding::Padding;
pub use pair::Pair;
pub use regularizer::Regularizer;
pub use schedule::{
    Constant, CosineDecay, CosineDecayRestarts, Course, ExponentialDecay, OneCycle,
    PiecewiseConstantDecay, PolynomialDecay, Schedule, StepDecay,
};
pub use sequential::{NamedLayer, Sequential};
pub use shape::Shape;
pub use tensor::{Input, Tensor, add, concatenate, concatenate_along, multiply};
pub use zoo::{ZooModel, cnn, zoo, zoo_model, zoo_names};
