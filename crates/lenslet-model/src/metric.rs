//! Metrics.

use serde::{Deserialize, Serialize};

/// What is told of training and evaluation beside the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// Share of samples whose largest output is the true class's; the first of equal ones counts.
    SparseCategoricalAccuracy,
}

impl Metric {
    /// The name under which histories and progress lines show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SparseCategoricalAccuracy => "accuracy",
        }
    }
}
