//! Mean squared error.

use serde::{Deserialize, Serialize};

/// `(t - y)^2`, averaged over outputs and batch; a class is 1 for it and 0 for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanSquaredError {}
