//! Scores of a classifier beyond accuracy, as scikit-learn computes them.

mod agreement;
mod auc;
mod calibration;
mod threshold;
mod top_k;
mod values;

use std::fmt;

pub use agreement::{cohen_kappa, matthews_correlation};
pub use auc::{roc_auc, roc_auc_binary};
pub use calibration::expected_calibration_error;
use lenslet_model::Metric;
pub use threshold::precision_and_recall;
pub use top_k::top_k_accuracy;
pub use values::MetricValues;

use crate::{ClassificationReport, ConfusionMatrix};

/// Each sample's outputs and class.
fn rows<'a>(
    outputs: &'a [f32],
    labels: &'a [u32],
) -> impl Iterator<Item = (&'a [f32], usize)> + 'a {
    let classes = outputs.len().checked_div(labels.len()).unwrap_or(0).max(1);
    outputs.chunks_exact(classes).zip(labels.iter().map(|&label| label as usize))
}

/// Classes that may stand before the true one for the top-k accuracy.
const TOP: usize = 5;
/// Bins of the expected calibration error, as in Guo et al. 2017.
const BINS: usize = 15;

/// Scores of an evaluation, each between 0 and 1 unless it says otherwise. `None` stands where a
/// score has no value: too few classes, or outputs that are no probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Share of samples whose class is among the five likeliest; `None` for five classes or fewer.
    pub top_5_accuracy: Option<f64>,
    /// Mean over classes of the share that is right among the samples taken for the class.
    pub precision_macro: f64,
    /// Mean over classes of the share of the class's samples that are recognised.
    pub recall_macro: f64,
    /// Mean over classes of the harmonic mean of precision and recall.
    pub f1_macro: f64,
    /// F1 of all samples together: where each has one class, this is the accuracy.
    pub f1_micro: f64,
    /// Mean of F1 over classes, weighted by their number of samples.
    pub f1_weighted: f64,
    /// Mean over classes of the area under the curve of this class against all others
    /// ([`roc_auc`]); `None` where the data lack one of the classes.
    pub roc_auc: Option<f64>,
    /// [`cohen_kappa`]: 1 for all right, 0 for no better than chance; at least -1.
    pub cohen_kappa: f64,
    /// [`matthews_correlation`]: likewise.
    pub matthews_correlation: f64,
    /// [`expected_calibration_error`] over 15 bins: 0 is best.
    pub expected_calibration_error: Option<f64>,
}

impl Scores {
    /// From the outputs (a row for each sample), the true classes, and what was taken for what. Of
    /// those that look at every output, the ones that are `wanted` alone have a value.
    pub(crate) fn new(
        outputs: &[f32],
        labels: &[u32],
        confusion: &ConfusionMatrix,
        wanted: &[Metric],
    ) -> Self {
        let classes = confusion.classes().len();
        let if_wanted = |metric, value: &dyn Fn() -> Option<f64>| {
            if wanted.contains(&metric) { value() } else { None }
        };
        let top_5 = || (classes > TOP).then(|| top_k_accuracy(outputs, labels, TOP));
        let calibration = || expected_calibration_error(outputs, labels, BINS);
        let report = ClassificationReport::new(confusion);
        Self {
            top_5_accuracy: if_wanted(Metric::Top5Accuracy, &top_5),
            precision_macro: report.macro_average.precision,
            recall_macro: report.macro_average.recall,
            f1_macro: report.macro_average.f1,
            f1_micro: report.accuracy,
            f1_weighted: report.weighted_average.f1,
            roc_auc: if_wanted(Metric::RocAuc, &|| roc_auc(outputs, labels)),
            cohen_kappa: cohen_kappa(confusion),
            matthews_correlation: matthews_correlation(confusion),
            expected_calibration_error: if_wanted(Metric::ExpectedCalibrationError, &calibration),
        }
    }

    /// Metrics, whose names are those in histories and JSON, and values.
    pub fn entries(&self) -> [(Metric, Option<f64>); 10] {
        [
            (Metric::Top5Accuracy, self.top_5_accuracy),
            (Metric::PrecisionMacro, Some(self.precision_macro)),
            (Metric::RecallMacro, Some(self.recall_macro)),
            (Metric::F1Macro, Some(self.f1_macro)),
            (Metric::F1Micro, Some(self.f1_micro)),
            (Metric::F1Weighted, Some(self.f1_weighted)),
            (Metric::RocAuc, self.roc_auc),
            (Metric::CohenKappa, Some(self.cohen_kappa)),
            (Metric::MatthewsCorrelation, Some(self.matthews_correlation)),
            (Metric::ExpectedCalibrationError, self.expected_calibration_error),
        ]
    }
}

impl fmt::Display for Scores {
    /// One line for each score that has a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            "top-5 accuracy",
            "precision (macro)",
            "recall (macro)",
            "F1 (macro)",
            "F1 (micro)",
            "F1 (weighted)",
            "ROC AUC (one against the rest, macro)",
            "Cohen's kappa",
            "Matthews correlation",
            "expected calibration error",
        ];
        for (words, (_, value)) in words.into_iter().zip(self.entries()) {
            if let Some(value) = value {
                writeln!(f, "{words:>37}  {value:>9.4}")?;
            }
        }
        Ok(())
    }
}
