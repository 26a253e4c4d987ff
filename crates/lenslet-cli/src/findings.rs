//! What an evaluation found, whether images have one class each or any number of labels.

use lenslet_data::{Dataset, Labels};
use lenslet_report::{
    LabelPrediction, Picture, Prediction, confusion_matrix, label_matrix, predictions_grid,
    wrong_labels_grid,
};
use lenslet_store::{confusion_csv, label_csv};
use lenslet_train::{
    Evaluation, LabelCounts, LabelEvaluation, LabelMistake, LabelReport, Mistake, Model, TrainError,
};

use crate::console::counted;
use crate::results;

/// Wrong images in a grid of mistakes.
const MISTAKES: usize = 40;
const TITLE: &str = "The surest mistakes";
/// What is said of an image that is said to have no label.
const NONE: &str = "none of them";

/// What an evaluation found.
pub(crate) enum Findings {
    Classes(Evaluation),
    Labels(LabelEvaluation),
}

impl Findings {
    /// Tries a model on images.
    pub(crate) fn of(model: &mut Model, images: &Dataset) -> Result<Self, TrainError> {
        match images.labels() {
            Labels::Sparse(_) => model.evaluate(images).map(Self::Classes),
            Labels::MultiHot(_) => model.evaluate_labels(images).map(Self::Labels),
        }
    }

    /// Mean loss, and the share that is right: of images, or of all labels of all images.
    pub(crate) fn loss_and_accuracy(&self) -> [f64; 2] {
        match self {
            Self::Classes(found) => [found.loss, found.accuracy],
            Self::Labels(found) => [found.loss, found.accuracy],
        }
    }

    /// `test loss 1.1079, test accuracy 0.6095 (2,000 images)`.
    pub(crate) fn headline(&self, part: &str) -> String {
        let [loss, accuracy] = self.loss_and_accuracy();
        let (images, more) = match self {
            Self::Classes(found) => (found.confusion.counts().iter().sum::<u64>() as usize, None),
            Self::Labels(found) => (found.samples, Some(found.report.exact_match)),
        };
        let more =
            more.map(|share| format!(", all labels right in {:.1} % of the images", share * 100.0));
        format!(
            "{part} loss {loss:.4}, {part} accuracy {accuracy:.4}{} ({})",
            more.unwrap_or_default(),
            counted(images, "image")
        )
    }

    /// What goes wrong most, a sentence each.
    pub(crate) fn weaknesses(&self) -> Vec<String> {
        match self {
            Self::Classes(Evaluation { confusion, .. }) => {
                vec![results::weakest(confusion), results::most_confused(confusion)]
            }
            Self::Labels(LabelEvaluation { report, .. }) => vec![results::weakest_labels(report)],
        }
    }

    /// Precision, recall and F1 of every class or label.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Classes(found) => found.report().to_string(),
            Self::Labels(found) => found.report.to_string(),
        }
    }

    /// What was taken for what, or said of each label, as CSV.
    pub(crate) fn csv(&self) -> String {
        match self {
            Self::Classes(Evaluation { confusion, .. }) => {
                confusion_csv(confusion.classes(), confusion.counts())
            }
            Self::Labels(LabelEvaluation { report, .. }) => {
                label_csv(&report.classes, &counts(report))
            }
        }
    }

    /// The same, drawn.
    pub(crate) fn picture(&self) -> Picture {
        match self {
            Self::Classes(Evaluation { confusion, .. }) => {
                confusion_matrix(confusion.classes(), confusion.counts())
            }
            Self::Labels(LabelEvaluation { report, .. }) => {
                label_matrix(&report.classes, &counts(report))
            }
        }
    }

    /// The mistakes that the model is surest of.
    pub(crate) fn mistakes(&self, images: &Dataset) -> Picture {
        match self {
            Self::Classes(found) => {
                let mistakes = &found.mistakes[..found.mistakes.len().min(MISTAKES)];
                wrong_classes(images, mistakes)
            }
            Self::Labels(found) => {
                let mistakes = &found.mistakes[..found.mistakes.len().min(MISTAKES)];
                wrong_labels(images, mistakes)
            }
        }
    }
}

fn wrong_classes(images: &Dataset, mistakes: &[Mistake]) -> Picture {
    let classes = images.classes();
    let prediction = |mistake: &Mistake| Prediction {
        pixels: images.image(mistake.index),
        predicted: &classes[mistake.predicted],
        probability: mistake.probability,
        truth: Some(&classes[mistake.truth]),
    };
    let predictions: Vec<_> = mistakes.iter().map(prediction).collect();
    predictions_grid(&predictions, images.image_shape(), TITLE)
}

fn wrong_labels(images: &Dataset, mistakes: &[LabelMistake]) -> Picture {
    let words = |m: &LabelMistake| (names(images, &m.said), images.words(m.index));
    let words: Vec<_> = mistakes.iter().map(words).collect();
    let predictions: Vec<_> = (mistakes.iter().zip(&words))
        .map(|(mistake, (predicted, truth))| LabelPrediction {
            pixels: images.image(mistake.index),
            predicted,
            truth,
            worst: (&images.classes()[mistake.worst], mistake.output),
        })
        .collect();
    wrong_labels_grid(&predictions, images.image_shape(), TITLE)
}

/// The names of labels, with commas between them.
fn names(images: &Dataset, labels: &[usize]) -> String {
    let names: Vec<_> = labels.iter().map(|&label| &*images.classes()[label]).collect();
    if names.is_empty() { NONE.to_owned() } else { names.join(", ") }
}

/// In the order of tables and pictures: of images with the label, then of those without.
fn counts(report: &LabelReport) -> Vec<[u64; 4]> {
    let row = |counts: &LabelCounts| {
        let LabelCounts { true_positives, false_negatives, false_positives, true_negatives } =
            *counts;
        [true_positives, false_negatives, false_positives, true_negatives]
    };
    report.counts.iter().map(row).collect()
}
