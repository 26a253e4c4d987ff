//! Metrics.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::nearest;

/// What is told of training and evaluation beside the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Metric {
    /// What Keras makes of `"accuracy"`: the share of samples whose largest output is the true class's
    /// (the first of equal ones counts); where samples have any number of labels, the share of all
    /// outputs that are on the right side of one half.
    Accuracy,
    /// Share of samples whose class is among the five likeliest; has no value for five classes or
    /// fewer.
    Top5Accuracy,
    /// Mean over classes of the share that is right among the samples taken for the class.
    PrecisionMacro,
    /// Mean over classes of the share of the class's samples that are recognised.
    RecallMacro,
    /// Mean over classes of the harmonic mean of precision and recall.
    F1Macro,
    /// F1 of all samples together: where each has one class, this is the accuracy; where each has any
    /// number of labels, the harmonic mean of [`Self::Precision`] and [`Self::Recall`].
    F1Micro,
    /// Mean of F1 over classes, weighted by their number of samples.
    F1Weighted,
    /// Mean over classes of the area under the curve of this class against all others; has no value
    /// where the data lack a class.
    RocAuc,
    /// Cohen's kappa: 1 for all right, 0 for no better than chance; at least -1.
    CohenKappa,
    /// The Matthews correlation: likewise.
    MatthewsCorrelation,
    /// Expected calibration error over 15 bins: 0 is best. Has no value where outputs are no
    /// probabilities.
    ExpectedCalibrationError,
    /// Keras's `Precision`: of all outputs above one half, of whatever class, the share that is right.
    Precision,
    /// Keras's `Recall`: of all outputs that should be 1, the share that is above one half.
    Recall,
    /// Share of samples of which every label is right: where each has one class, this is the accuracy.
    ExactMatch,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Accuracy,
        Self::Top5Accuracy,
        Self::PrecisionMacro,
        Self::RecallMacro,
        Self::F1Macro,
        Self::F1Micro,
        Self::F1Weighted,
        Self::RocAuc,
        Self::CohenKappa,
        Self::MatthewsCorrelation,
        Self::ExpectedCalibrationError,
        Self::Precision,
        Self::Recall,
        Self::ExactMatch,
    ];

    /// The name under which histories and progress lines show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Top5Accuracy => "top_5_accuracy",
            Self::PrecisionMacro => "precision_macro",
            Self::RecallMacro => "recall_macro",
            Self::F1Macro => "f1_macro",
            Self::F1Micro => "f1_micro",
            Self::F1Weighted => "f1_weighted",
            Self::RocAuc => "roc_auc",
            Self::CohenKappa => "cohen_kappa",
            Self::MatthewsCorrelation => "matthews_correlation",
            Self::ExpectedCalibrationError => "expected_calibration_error",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::ExactMatch => "exact_match",
        }
    }

    /// Whether it has a meaning where samples have any number of labels; the others compare classes of
    /// which one alone is true.
    pub fn takes_many_labels(self) -> bool {
        !matches!(
            self,
            Self::Top5Accuracy
                | Self::CohenKappa
                | Self::MatthewsCorrelation
                | Self::ExpectedCalibrationError
        )
    }

    /// Whether more of it is better.
    pub fn rises(self) -> bool {
        self != Self::ExpectedCalibrationError
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
            let meant = nearest(name, names).map(|name| format!("; did you mean `{name}`?"));
            let names = names.join(", ");
            format!("`{name}` is no metric: {names}{}", meant.unwrap_or_default())
        })
    }
}

impl TryFrom<String> for Metric {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric.name().parse(), Ok(metric));
            assert_eq!(metric as usize, index, "ALL is in the order of the variants");
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_the_nearest() {
        let message = "f1_makro".parse::<Metric>().unwrap_err();
        assert!(message.contains("`f1_makro` is no metric: accuracy, "), "{message}");
        assert!(message.ends_with("did you mean `f1_macro`?"), "{message}");
    }
}
