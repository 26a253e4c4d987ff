//! What can be wrong with a description.

use std::fmt;

use thiserror::Error;

/// What is wrong with one layer or setting, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    what: String,
    remedy: String,
}

impl Problem {
    /// `what` is wrong; `remedy` says what to do.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// Why a description is refused. Every message names the place and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// One layer cannot be what it is told to be, or does not fit its input.
    #[error("layer {position} `{name}` ({kind}): {problem}")]
    Layer {
        /// Position in the model, from 1.
        position: usize,
        /// The layer's name.
        name: String,
        /// The layer's type.
        kind: &'static str,
        /// What is wrong.
        problem: Problem,
    },
    /// Two layers have one name.
    #[error("two layers are called `{0}`; give one of them another name")]
    DuplicateName(String),
    /// Layers that wait for each other's results.
    #[error(
        "the layers {0} form a cycle or wait for one; break it: no layer may take its own result"
    )]
    Cycle(String),
    /// A model without layers.
    #[error("the model has no layers; add at least one, for example a Dense layer")]
    NoLayers,
    /// The input shape is not usable.
    #[error("input shape: {0}")]
    Input(Problem),
    /// A setting of the optimiser, the loss or a metric is out of range.
    #[error("{setting}: {problem}")]
    Setting {
        /// What the setting belongs to and its name.
        setting: String,
        /// What is wrong.
        problem: Problem,
    },
    /// The text of a description cannot be read.
    #[error("{0}")]
    Text(String),
    /// No model of this name.
    #[error("there is no model called `{name}`; {hint}")]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },
}
