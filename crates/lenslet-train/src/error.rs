//! What can go wrong in training.

use thiserror::Error;

use crate::Bad;

/// Why training, evaluation or prediction is refused or stops.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The engine refuses.
    #[error(transparent)]
    Engine(#[from] lenslet_engine::EngineError),
    /// The description does not fit together.
    #[error(transparent)]
    Model(#[from] lenslet_model::ModelError),
    /// The data cannot be trained on.
    #[error(transparent)]
    Data(#[from] lenslet_data::DataError),
    /// The pictures and the model differ in shape.
    #[error(
        "the pictures of {data} are {came} (height, width, channels), but the model takes \
         {expected}; resize the pictures or change the model's input"
    )]
    Shape {
        /// The data set's name.
        data: String,
        /// The pictures' shape.
        came: String,
        /// The model's input.
        expected: String,
    },
    /// The data's classes are not the model's.
    #[error(
        "the classes of {data} are not those that the model was trained on: class {index} is \
         {came}, the model's is {expected}; use data with the same class folders"
    )]
    Classes {
        /// The data set's name.
        data: String,
        /// The first class that differs, from 0.
        index: usize,
        /// Its name in the data, or "missing".
        came: String,
        /// Its name in the model, or "missing".
        expected: String,
    },
    /// Pictures with any number of labels where that has no meaning, or with one class each where they
    /// should have any number.
    #[error("{what}, but the pictures of {data} have {kind}; {remedy}")]
    Labels {
        /// The data set's name.
        data: String,
        /// What its pictures have.
        kind: &'static str,
        /// What asks for something else.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A setting of the training is out of range.
    #[error("{setting} = {value} is out of range; it must be at least 1")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What was asked for.
        value: usize,
    },
    /// A callback cannot do its work.
    #[error("{0}")]
    Callback(Box<dyn std::error::Error + Send + Sync>),
    /// A checkpoint is of another training, or was put together by hand.
    #[error(
        "the checkpoint stands in epoch {epoch}, step {step}, with {epochs} epochs done, but this \
         training has {steps} steps in an epoch; go on with the data and the batch size that it \
         was made with"
    )]
    Checkpoint {
        /// The epoch that it stands in, from 1.
        epoch: usize,
        /// Steps done in it.
        step: usize,
        /// Epochs in its history.
        epochs: usize,
        /// Steps in an epoch of this training.
        steps: usize,
    },
    /// Numbers are none any more.
    #[error(
        "training has diverged in epoch {epoch}, step {step}: the loss became {loss}, and {bad}; \
         try a smaller learning rate (now {learning_rate}) or global_clipnorm"
    )]
    Diverged {
        /// The loss of the step.
        loss: f64,
        /// What went bad first.
        bad: Bad,
        /// Epoch, from 1.
        epoch: usize,
        /// Step in the epoch, from 1.
        step: usize,
        /// The learning rate.
        learning_rate: f64,
    },
}
