//! Where numbers stop being numbers.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is done at a step whose loss, or whose update of the parameters, is not finite.
///
/// [`Self::Stop`] is Keras's callback `TerminateOnNaN`, which needs not be asked for here; the error
/// names the first layer to go bad, too.
///
/// ```
/// use lenslet_train::{Fit, OnNan};
/// let fit = Fit::new().epochs(10).on_nan(OnNan::Rollback);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNan {
    /// Training stops with an error; a checkpoint that was kept before is as good as ever.
    #[default]
    Stop,
    /// Training goes back to where the epoch began, and on from there with half the learning rate:
    /// at most [`Self::MOST_ROLLBACKS`] times in all, then it stops.
    Rollback,
}

impl OnNan {
    /// How often a training goes back.
    pub const MOST_ROLLBACKS: usize = 3;

    /// Whether training stops.
    pub fn is_stop(&self) -> bool {
        *self == Self::Stop
    }
}

impl FromStr for OnNan {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "stop" => Ok(Self::Stop),
            "rollback" => Ok(Self::Rollback),
            _ => Err("give stop or rollback".to_owned()),
        }
    }
}
