//! What a callback looks at, and whether it got better.

use std::fmt;
use std::str::FromStr;

use lenslet_model::nearest;
use serde::{Deserialize, Serialize};

use crate::{Epoch, Plan, TrainError};

/// A number that every epoch gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Loss on the validation data.
    #[default]
    ValLoss,
    /// Accuracy on the validation data.
    ValAccuracy,
    /// Loss while training.
    Loss,
    /// Accuracy while training.
    Accuracy,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ValLoss, Self::ValAccuracy, Self::Loss, Self::Accuracy];

    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ValLoss => "val_loss",
            Self::ValAccuracy => "val_accuracy",
            Self::Loss => "loss",
            Self::Accuracy => "accuracy",
        }
    }

    /// Its value in an epoch, if that has one.
    pub fn of(self, epoch: &Epoch) -> Option<f64> {
        match self {
            Self::ValLoss => epoch.val_loss,
            Self::ValAccuracy => epoch.val_accuracy,
            Self::Loss => Some(epoch.loss),
            Self::Accuracy => epoch.accuracy,
        }
    }

    /// Whether more of it is better.
    fn rises(self) -> bool {
        matches!(self, Self::ValAccuracy | Self::Accuracy)
    }

    /// Refuses to look at what a run does not give.
    pub(crate) fn check(self, callback: &'static str, plan: &Plan) -> Result<(), TrainError> {
        let validation = matches!(self, Self::ValLoss | Self::ValAccuracy);
        let (lacking, remedy) = if validation && !plan.validation {
            ("there are no validation data", "give some, or monitor loss")
        } else if self.rises() && !plan.accuracy {
            (
                "accuracy is no metric of the model",
                "compile it with the metric, or monitor val_loss",
            )
        } else {
            return Ok(());
        };
        Err(TrainError::Callback(
            format!("{callback} monitors {self}, but {lacking}; {remedy}").into(),
        ))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|quantity| quantity.name() == name).ok_or_else(|| {
            let meant = nearest(name, names).map(|n| format!("; did you mean `{n}`?"));
            format!(
                "`{name}` is nothing that an epoch gives: {}{}",
                names.join(", "),
                meant.unwrap_or_default()
            )
        })
    }
}

/// The best value so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Best {
    value: Option<f64>,
}

impl Best {
    /// The best so far is this.
    pub(crate) fn new(value: Option<f64>) -> Self {
        Self { value }
    }

    pub(crate) fn value(self) -> Option<f64> {
        self.value
    }

    /// Whether `value` is better than the best so far by more than `min_delta`, which it then
    /// replaces. What is no number is never better.
    pub(crate) fn improved_by(&mut self, quantity: Quantity, min_delta: f64, value: f64) -> bool {
        let better = match self.value {
            None => !value.is_nan(),
            Some(best) if quantity.rises() => value - min_delta > best,
            Some(best) => value + min_delta < best,
        };
        if better {
            self.value = Some(value);
        }
        better
    }
}

/// A difference that counts as none.
pub(crate) fn check_min_delta(callback: &str, min_delta: f64) -> Result<(), TrainError> {
    if min_delta.is_finite() && min_delta >= 0.0 {
        return Ok(());
    }
    let problem =
        format!("{callback}: min_delta = {min_delta} is out of range; it must be at least 0");
    Err(TrainError::Callback(problem.into()))
}
