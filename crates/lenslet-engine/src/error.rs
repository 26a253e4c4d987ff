//! What can go wrong when a model runs.

use thiserror::Error;

/// Why an engine refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The description does not fit together.
    #[error(transparent)]
    Model(#[from] lenslet_model::ModelError),
    /// The network has a part that this engine does not run.
    #[error("layer `{layer}`: this engine does not run {what} yet; leave it out")]
    Unsupported {
        /// The layer's name.
        layer: String,
        /// What it is or has.
        what: String,
    },
    /// The pictures do not have the size that the model takes.
    #[error(
        "the model takes samples of {expected} bytes each, but {samples} samples came in {bytes} \
         bytes; resize the pictures to the model's input shape"
    )]
    InputSize {
        /// Bytes of one sample.
        expected: usize,
        /// Number of samples.
        samples: usize,
        /// Number of bytes that came.
        bytes: usize,
    },
    /// A label names no class of the model.
    #[error("label {label} is out of range: the model has {classes} classes, numbered from 0")]
    Label {
        /// The label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// The loss compares with classes alone.
    #[error(
        "{loss} takes one class for each sample, not a number for each output; train with \
         categorical_crossentropy instead"
    )]
    TargetKind {
        /// The loss.
        loss: &'static str,
    },
    /// There are not as many targets as outputs.
    #[error(
        "the model has {outputs} outputs for each of {samples} samples, but {numbers} targets came; \
         give one for each output"
    )]
    TargetSize {
        /// Outputs of a sample.
        outputs: usize,
        /// Number of samples.
        samples: usize,
        /// Number of targets that came.
        numbers: usize,
    },
    /// A state belongs to another model or optimiser.
    #[error(
        "the saved state has {came} {what}, this model needs {expected}; load it into the model that it was saved from"
    )]
    State {
        /// What was counted.
        what: &'static str,
        /// The number in the state.
        came: usize,
        /// The number here.
        expected: usize,
    },
}
