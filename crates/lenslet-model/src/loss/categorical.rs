//! Cross-entropies of samples with one class.

use serde::{Deserialize, Serialize};

/// Minus the logarithm of the true class's probability, averaged over the batch.
///
/// A last softmax is fused with it, so that nothing is lost when a probability comes near 0.
/// Where the probabilities come from elsewhere they are clipped to `1e-7 ..= 1 - 1e-7` and
/// normalised, as Keras does on TensorFlow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SparseCategoricalCrossentropy {
    /// The network's outputs are logits: softmax is part of the loss. No by default.
    pub from_logits: bool,
    /// Share of the target that goes to all classes evenly; 0 (Szegedy et al. 2016). Keras has it
    /// for dense targets alone.
    #[serde(skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
}

/// `-sum(t log(p))` over the classes, averaged over the batch: targets `t` are a number for each
/// class, or a class.
///
/// A last softmax is fused with it. Where the probabilities come from elsewhere they are divided by
/// their sum and clipped to `1e-7 ..= 1 - 1e-7`, as Keras does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CategoricalCrossentropy {
    /// The network's outputs are logits: softmax is part of the loss. No by default.
    pub from_logits: bool,
    /// Share of the targets that goes to all classes evenly; 0 (Szegedy et al. 2016).
    #[serde(skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
}

/// `-alpha sum(t (1 - p)^gamma log(p))` over the classes, averaged over the batch: what the network
/// is sure of counts less (Lin et al. 2017). Targets as of [`CategoricalCrossentropy`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CategoricalFocalCrossentropy {
    /// Factor; 0.25.
    pub alpha: f64,
    /// How much less it counts; 2.
    pub gamma: f64,
    /// The network's outputs are logits: softmax is part of the loss. No by default.
    pub from_logits: bool,
    /// Share of the targets that goes to all classes evenly; 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
}

impl Default for CategoricalFocalCrossentropy {
    fn default() -> Self {
        Self { alpha: 0.25, gamma: 2.0, from_logits: false, label_smoothing: 0.0 }
    }
}

pub(super) fn is_zero(share: &f64) -> bool {
    *share == 0.0
}
