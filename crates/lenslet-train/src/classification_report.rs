//! Precision, recall and F1, as scikit-learn's `classification_report` prints them.

use std::fmt;

use crate::ConfusionMatrix;

/// Scores of one class, or a mean over classes. What cannot be divided counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassScores {
    /// Share right among the samples taken for the class.
    pub precision: f64,
    /// Share of the class's samples that were recognised.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Number of samples.
    pub support: u64,
}

/// Scores of every class and their means. Displays as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationReport {
    /// The classes' names.
    pub classes: Vec<String>,
    /// The classes' scores.
    pub scores: Vec<ClassScores>,
    /// Share of all samples that are right.
    pub accuracy: f64,
    /// Mean over classes.
    pub macro_average: ClassScores,
    /// Mean over classes, weighted by their number of samples.
    pub weighted_average: ClassScores,
}

impl ClassificationReport {
    /// The scores behind a confusion matrix.
    pub fn new(matrix: &ConfusionMatrix) -> Self {
        let classes = matrix.classes().to_vec();
        let scores: Vec<_> = (0..classes.len()).map(|class| scores(matrix, class)).collect();
        let support: u64 = scores.iter().map(|s| s.support).sum();
        let right: u64 = (0..classes.len()).map(|class| matrix.get(class, class)).sum();
        let even = 1.0 / classes.len().max(1) as f64;
        let share = |s: &ClassScores| s.support as f64 / support.max(1) as f64;
        Self {
            classes,
            accuracy: right as f64 / support.max(1) as f64,
            macro_average: average(&scores, support, |_| even),
            weighted_average: average(&scores, support, share),
            scores,
        }
    }
}

fn scores(matrix: &ConfusionMatrix, class: usize) -> ClassScores {
    let precision = matrix.precision(class).unwrap_or(0.0);
    let recall = matrix.recall(class).unwrap_or(0.0);
    let sum = precision + recall;
    let f1 = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
    ClassScores { precision, recall, f1, support: matrix.support(class) }
}

fn average(
    scores: &[ClassScores],
    support: u64,
    weight: impl Fn(&ClassScores) -> f64,
) -> ClassScores {
    let mean = |value: fn(&ClassScores) -> f64| scores.iter().map(|s| weight(s) * value(s)).sum();
    ClassScores {
        precision: mean(|s| s.precision),
        recall: mean(|s| s.recall),
        f1: mean(|s| s.f1),
        support,
    }
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.classes.iter().map(|c| c.chars().count());
        let w = names.max().unwrap_or(0).max("weighted avg".len());
        writeln!(f, "{:w$}  precision    recall  f1-score   support\n", "")?;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, s: &ClassScores| {
            let ClassScores { precision, recall, f1, support } = s;
            writeln!(f, "{name:>w$}  {precision:>9.4} {recall:>9.4} {f1:>9.4} {support:>9}")
        };
        for (name, scores) in self.classes.iter().zip(&self.scores) {
            line(f, name, scores)?;
        }
        let support = self.macro_average.support;
        writeln!(
            f,
            "\n{:>w$}  {:>9} {:>9} {:>9.4} {support:>9}",
            "accuracy", "", "", self.accuracy
        )?;
        line(f, "macro avg", &self.macro_average)?;
        line(f, "weighted avg", &self.weighted_average)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y_true = [0, 1, 2, 2, 2], y_pred = [0, 0, 2, 2, 1]: the example of scikit-learn's manual.
    #[test]
    fn the_manuals_example_has_the_manuals_scores() {
        let mut matrix =
            ConfusionMatrix::new(["class 0", "class 1", "class 2"].map(Into::into).into());
        for (truth, predicted) in [(0, 0), (1, 0), (2, 2), (2, 2), (2, 1)] {
            matrix.count(truth, predicted);
        }
        let report = ClassificationReport::new(&matrix);
        let rounded = |s: &ClassScores| [s.precision, s.recall, s.f1].map(|x| (x * 100.0).round());
        assert_eq!(rounded(&report.scores[0]), [50.0, 100.0, 67.0]);
        assert_eq!(rounded(&report.scores[1]), [0.0, 0.0, 0.0]);
        assert_eq!(rounded(&report.scores[2]), [100.0, 67.0, 80.0]);
        assert_eq!(rounded(&report.macro_average), [50.0, 56.0, 49.0]);
        assert_eq!(rounded(&report.weighted_average), [70.0, 60.0, 61.0]);
        assert!((report.accuracy - 0.6).abs() < 1e-12);
        let text = report.to_string();
        assert!(text.contains("     class 2     1.0000    0.6667    0.8000         3\n"), "{text}");
    }
}
