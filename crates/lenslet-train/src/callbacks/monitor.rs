//! What a callback looks at, and whether it got better.

use std::fmt;
use std::str::FromStr;

use lenslet_model::{Metric, nearest};
use serde::{Deserialize, Serialize};

use crate::{Epoch, Plan, TrainError};

/// A number that every epoch gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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
    /// Another metric while training.
    Train(Metric),
    /// Another metric on the validation data.
    Val(Metric),
}

impl Quantity {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = Metric::ALL.into_iter().filter(|m| *m != Metric::Accuracy);
        let first = [Self::ValLoss, Self::ValAccuracy, Self::Loss, Self::Accuracy];
        let others = others.flat_map(|metric| [Self::Train(metric), Self::Val(metric)]);
        first.into_iter().chain(others)
    }

    /// Its value in an epoch, if that has one.
    pub fn of(self, epoch: &Epoch) -> Option<f64> {
        match self {
            Self::ValLoss => epoch.val_loss,
            Self::ValAccuracy | Self::Val(Metric::Accuracy) => epoch.val_accuracy,
            Self::Loss => Some(epoch.loss),
            Self::Accuracy | Self::Train(Metric::Accuracy) => epoch.accuracy,
            Self::Train(metric) => epoch.metrics.get(metric),
            Self::Val(metric) => epoch.val_metrics.get(metric),
        }
    }

    /// The metric that it is a value of; none for a loss.
    fn metric(self) -> Option<Metric> {
        match self {
            Self::ValLoss | Self::Loss => None,
            Self::ValAccuracy | Self::Accuracy => Some(Metric::Accuracy),
            Self::Train(metric) | Self::Val(metric) => Some(metric),
        }
    }

    /// Whether more of it is better.
    fn rises(self) -> bool {
        self.metric().is_some_and(Metric::rises)
    }

    /// Refuses to look at what a run does not give.
    pub(crate) fn check(self, callback: &'static str, plan: &Plan<'_>) -> Result<(), TrainError> {
        let training = matches!(self, Self::Loss | Self::Accuracy | Self::Train(_));
        let missing = self.metric().filter(|metric| !plan.metrics.contains(metric));
        let (lacking, remedy) = match missing {
            _ if !training && !plan.validation => {
                ("there are no validation data".to_owned(), "give some, or monitor loss")
            }
            Some(metric) => (
                format!("{metric} is no metric of the model"),
                "compile it with the metric, or monitor val_loss",
            ),
            None => return Ok(()),
        };
        Err(TrainError::Callback(
            format!("{callback} monitors {self}, but {lacking}; {remedy}").into(),
        ))
    }
}

impl fmt::Display for Quantity {
    /// Keras's name: `val_loss`, `accuracy`, `precision`, `val_precision`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValLoss => f.write_str("val_loss"),
            Self::Loss => f.write_str("loss"),
            Self::Accuracy => f.write_str("accuracy"),
            Self::ValAccuracy => f.write_str("val_accuracy"),
            Self::Train(metric) => write!(f, "{metric}"),
            Self::Val(metric) => write!(f, "val_{metric}"),
        }
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names: Vec<_> = Self::all().map(|quantity| quantity.to_string()).collect();
        Self::all().find(|quantity| quantity.to_string() == name).ok_or_else(|| {
            let meant = nearest(name, names.iter().map(String::as_str));
            let meant = meant.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            format!("`{name}` is nothing that an epoch gives: {}{meant}", names.join(", "))
        })
    }
}

impl TryFrom<String> for Quantity {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
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
