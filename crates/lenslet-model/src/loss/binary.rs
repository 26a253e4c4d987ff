//! Cross-entropies of samples with any number of classes: each output is a probability by itself.

use serde::{Deserialize, Serialize};

use super::categorical::is_zero;

/// `-(t log(p) + (1 - t) log(1 - p))`, averaged over outputs and batch.
///
/// A last sigmoid is fused with it. Where the probabilities come from elsewhere they are clipped to
/// `1e-7 ..= 1 - 1e-7`, as Keras does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BinaryCrossentropy {
    /// The network's outputs are logits: sigmoid is part of the loss. No by default.
    pub from_logits: bool,
    /// Targets are brought nearer to one half by this share; 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
}

/// [`BinaryCrossentropy`] times `(1 - q)^gamma` with `q` the probability of the target: what the
/// network is sure of counts less (Lin et al. 2017).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BinaryFocalCrossentropy {
    /// Targets of 1 are weighed by `alpha`, those of 0 by `1 - alpha`; no.
    pub apply_class_balancing: bool,
    /// That weight; 0.25.
    pub alpha: f64,
    /// How much less it counts; 2.
    pub gamma: f64,
    /// The network's outputs are logits: sigmoid is part of the loss. No by default.
    pub from_logits: bool,
    /// Targets are brought nearer to one half by this share; 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
}

impl Default for BinaryFocalCrossentropy {
    fn default() -> Self {
        Self {
            apply_class_balancing: false,
            alpha: 0.25,
            gamma: 2.0,
            from_logits: false,
            label_smoothing: 0.0,
        }
    }
}
