//! How a run has ended.

use serde::{Deserialize, Serialize};

/// What a run writes when everything else is written: it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunResult {
    /// How many epochs it was to have.
    pub epochs: usize,
    /// How many it had.
    pub trained: usize,
    /// Whether a callback ended it, so that more epochs would change nothing.
    pub ended: bool,
    /// Mean loss on the test images; none where it is no number.
    pub test_loss: Option<f64>,
    /// Share of the test images that were right, 0 to 1.
    pub test_accuracy: Option<f64>,
}

impl RunResult {
    /// Canonical JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a result is plain data") + "\n"
    }

    /// Whether there is nothing left to do for so many epochs.
    pub fn is_final(&self, epochs: usize) -> bool {
        self.ended || self.epochs >= epochs
    }
}
