//! How well each of many labels is recognised, as scikit-learn's `classification_report` tells it of
//! multi-label data.

use std::fmt;

use lenslet_data::MultiHot;
use lenslet_model::Metric;

use crate::{ClassScores, roc_auc_binary};

/// How often a label was there and how often it was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// Samples that have it, and it was said.
    pub true_positives: u64,
    /// Samples that have it, and it was not said.
    pub false_negatives: u64,
    /// Samples that do not have it, and it was said.
    pub false_positives: u64,
    /// Samples that do not have it, and it was not said.
    pub true_negatives: u64,
}

impl LabelCounts {
    fn count(&mut self, has: bool, said: bool) {
        *match (has, said) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_negatives,
            (false, true) => &mut self.false_positives,
            (false, false) => &mut self.true_negatives,
        } += 1;
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            true_positives: self.true_positives + other.true_positives,
            false_negatives: self.false_negatives + other.false_negatives,
            false_positives: self.false_positives + other.false_positives,
            true_negatives: self.true_negatives + other.true_negatives,
        }
    }

    /// Precision, recall and F1; what cannot be divided counts as 0.
    pub fn scores(&self) -> ClassScores {
        let ratio = |part: u64, rest: u64| part as f64 / (part + rest).max(1) as f64;
        let Self { true_positives: right, false_negatives, false_positives, .. } = *self;
        ClassScores {
            precision: ratio(right, false_positives),
            recall: ratio(right, false_negatives),
            f1: ratio(2 * right, false_positives + false_negatives),
            support: right + false_negatives,
        }
    }
}

/// How well each label is recognised, and means. A label is said where its output is above one half.
/// Displays as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelReport {
    /// The labels' names.
    pub classes: Vec<String>,
    /// How often each was there and was said.
    pub counts: Vec<LabelCounts>,
    /// The area under the curve of each ([`roc_auc_binary`]); `None` where all samples have it, or none.
    pub aucs: Vec<Option<f64>>,
    /// Share of samples of which every label is right.
    pub exact_match: f64,
}

impl LabelReport {
    /// From probabilities, a row for each sample, and what the samples have.
    ///
    /// # Panics
    /// Where there are no classes.
    pub fn new(classes: &[String], outputs: &[f32], labels: &MultiHot) -> Self {
        Self::of(classes, outputs, labels, true)
    }

    /// The same, with the areas under the curves if wanted.
    pub(crate) fn of(
        classes: &[String],
        outputs: &[f32],
        labels: &MultiHot,
        with_aucs: bool,
    ) -> Self {
        let width = classes.len();
        let mut counts = vec![LabelCounts::default(); width];
        let mut exact = 0;
        for (row, truth) in outputs.chunks_exact(width).zip(labels.rows().chunks_exact(width)) {
            let mut right = true;
            for ((count, &output), &truth) in counts.iter_mut().zip(row).zip(truth) {
                let (has, said) = (truth == 1.0, output > 0.5);
                count.count(has, said);
                right &= has == said;
            }
            exact += usize::from(right);
        }
        let auc = |class: usize| {
            let rows = outputs.chunks_exact(width).zip(labels.rows().chunks_exact(width));
            roc_auc_binary(rows.map(|(row, truth)| (row[class], truth[class] == 1.0)))
        };
        Self {
            classes: classes.to_vec(),
            counts,
            aucs: (0..width).map(|class| if with_aucs { auc(class) } else { None }).collect(),
            exact_match: exact as f64 / labels.len().max(1) as f64,
        }
    }

    /// Share of all outputs that are on the right side of one half: Keras's binary accuracy.
    pub fn binary_accuracy(&self) -> f64 {
        let LabelCounts { true_positives, false_negatives, false_positives, true_negatives } =
            self.total();
        let right = true_positives + true_negatives;
        right as f64 / (right + false_negatives + false_positives).max(1) as f64
    }

    /// Scores of all labels together: each output of each sample counts the same.
    pub fn micro_average(&self) -> ClassScores {
        self.total().scores()
    }

    fn total(&self) -> LabelCounts {
        self.counts.iter().fold(LabelCounts::default(), LabelCounts::plus)
    }

    /// Mean over labels.
    pub fn macro_average(&self) -> ClassScores {
        self.average(|_| 1.0)
    }

    /// Mean over labels, weighted by how many samples have them.
    pub fn weighted_average(&self) -> ClassScores {
        self.average(|scores| scores.support as f64)
    }

    fn average(&self, weight: impl Fn(&ClassScores) -> f64) -> ClassScores {
        let scores: Vec<_> = self.counts.iter().map(LabelCounts::scores).collect();
        let total: f64 = scores.iter().map(&weight).sum();
        let mean = |value: fn(&ClassScores) -> f64| {
            let sum: f64 = scores.iter().map(|s| weight(s) * value(s)).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        };
        ClassScores {
            precision: mean(|s| s.precision),
            recall: mean(|s| s.recall),
            f1: mean(|s| s.f1),
            support: scores.iter().map(|s| s.support).sum(),
        }
    }

    /// Mean over labels of the area under the curve; `None` where a label has none.
    pub fn roc_auc(&self) -> Option<f64> {
        let all: Option<Vec<f64>> = self.aucs.iter().copied().collect();
        all.map(|all| all.iter().sum::<f64>() / all.len().max(1) as f64)
    }

    /// The labels that are recognised worst, with their F1; the worst first. Those that no sample has
    /// are left out.
    pub fn weakest(&self, most: usize) -> Vec<(usize, f64)> {
        let scores = self.counts.iter().map(LabelCounts::scores).enumerate();
        let mut all: Vec<_> =
            scores.filter(|(_, s)| s.support > 0).map(|(class, s)| (class, s.f1)).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        all.truncate(most);
        all
    }

    /// Metrics, whose names are those in histories and JSON, and values.
    pub fn entries(&self) -> [(Metric, Option<f64>); 9] {
        let [micro, even, weighted] =
            [self.micro_average(), self.macro_average(), self.weighted_average()];
        [
            (Metric::Precision, Some(micro.precision)),
            (Metric::Recall, Some(micro.recall)),
            (Metric::F1Micro, Some(micro.f1)),
            (Metric::PrecisionMacro, Some(even.precision)),
            (Metric::RecallMacro, Some(even.recall)),
            (Metric::F1Macro, Some(even.f1)),
            (Metric::F1Weighted, Some(weighted.f1)),
            (Metric::RocAuc, self.roc_auc()),
            (Metric::ExactMatch, Some(self.exact_match)),
        ]
    }
}

impl fmt::Display for LabelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.classes.iter().map(|class| class.chars().count());
        let w = names.max().unwrap_or(0).max("weighted avg".len());
        writeln!(f, "{:w$}  precision    recall  f1-score   ROC AUC   support\n", "")?;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, s: ClassScores, auc: Option<f64>| {
            let ClassScores { precision, recall, f1, support } = s;
            let auc = auc.map_or("-".to_owned(), |auc| format!("{auc:.4}"));
            writeln!(
                f,
                "{name:>w$}  {precision:>9.4} {recall:>9.4} {f1:>9.4} {auc:>9} {support:>9}"
            )
        };
        for ((name, counts), auc) in self.classes.iter().zip(&self.counts).zip(&self.aucs) {
            line(f, name, counts.scores(), *auc)?;
        }
        writeln!(f)?;
        line(f, "micro avg", self.micro_average(), None)?;
        line(f, "macro avg", self.macro_average(), self.roc_auc())?;
        line(f, "weighted avg", self.weighted_average(), None)?;
        writeln!(f, "\n{:>w$}  {:>9.4}", "exact match", self.exact_match)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each label one of the four cases and more; scikit-learn 1.9's `classification_report`.
    #[test]
    fn the_table_is_scikit_learns_with_the_area_under_the_curve() {
        let labels = [vec![0, 1], vec![1], vec![], vec![0]];
        let labels = MultiHot::of_lists(3, &labels).unwrap();
        let outputs = [0.9, 0.2, 0.1, 0.8, 0.7, 0.6, 0.1, 0.4, 0.2, 0.7, 0.1, 0.3];
        let classes = ["cat", "dog", "cow"].map(String::from);
        let report = LabelReport::new(&classes, &outputs, &labels);
        let expected = "              precision    recall  f1-score   ROC AUC   support

         cat     0.6667    1.0000    0.8000    0.7500         2
         dog     1.0000    0.5000    0.6667    0.7500         2
         cow     0.0000    0.0000    0.0000         -         0

   micro avg     0.6000    0.7500    0.6667         -         4
   macro avg     0.5556    0.5000    0.4889         -         4
weighted avg     0.8333    0.7500    0.7333         -         4

 exact match     0.5000
";
        assert_eq!(report.to_string(), expected);
        let weakest = report.weakest(3);
        assert_eq!((weakest.len(), weakest[0].0), (2, 1), "a label of no sample has no score");
    }
}
