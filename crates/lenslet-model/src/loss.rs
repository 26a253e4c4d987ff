//! Losses.

use serde::{Deserialize, Serialize};

/// What training makes small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// [`SparseCategoricalCrossentropy`].
    SparseCategoricalCrossentropy(SparseCategoricalCrossentropy),
}

/// Minus the logarithm of the true class's probability, averaged over the batch.
///
/// A last softmax is fused with it, so that nothing is lost when a probability comes near 0.
/// Where the probabilities come from elsewhere they are clipped to `1e-7 ..= 1 - 1e-7` and
/// normalised, as Keras does on TensorFlow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SparseCategoricalCrossentropy {
    /// The network's outputs are logits: softmax is part of the loss. No by default.
    pub from_logits: bool,
}

impl Default for Loss {
    fn default() -> Self {
        Self::SparseCategoricalCrossentropy(SparseCategoricalCrossentropy::default())
    }
}

impl From<SparseCategoricalCrossentropy> for Loss {
    fn from(loss: SparseCategoricalCrossentropy) -> Self {
        Self::SparseCategoricalCrossentropy(loss)
    }
}
