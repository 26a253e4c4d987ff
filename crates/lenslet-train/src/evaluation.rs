//! How good a model is on data that it has not seen.

use lenslet_data::{Dataset, Labels};
use lenslet_engine::{Engine, Tally};
use lenslet_model::Metric;

use crate::targets::batches;
use crate::{
    ClassificationReport, ConfusionMatrix, LabelReport, MetricValues, Scores, TrainError,
    precision_and_recall,
};

/// Samples in a batch of evaluation or prediction: enough to keep many threads busy.
pub(crate) const BATCH: usize = 256;

/// Loss and accuracy over a data set; appends the outputs for every sample to `outputs`, if they are
/// wanted: logits as the probabilities that the loss makes of them.
pub(crate) fn tally(
    engine: &mut dyn Engine,
    data: &Dataset,
    mut outputs: Option<&mut Vec<f32>>,
) -> Result<Tally, TrainError> {
    let size: usize = data.image_shape().iter().product();
    let mut sum = Tally::default();
    for (pixels, targets) in data.pixels().chunks(BATCH * size).zip(batches(data.labels(), BATCH)) {
        sum.add(engine.evaluate_and_tell(pixels, targets, outputs.as_deref_mut())?);
    }
    Ok(sum)
}

/// The outputs for every sample, one row after the other.
pub(crate) fn outputs(engine: &mut dyn Engine, pixels: &[u8]) -> Result<Vec<f32>, TrainError> {
    let (size, classes) =
        (engine.network().input().elements(), engine.network().output().elements());
    let mut all = Vec::with_capacity(pixels.len() / size * classes);
    let mut outputs = Vec::new();
    for batch in pixels.chunks(BATCH * size) {
        engine.predict(batch, batch.len() / size, &mut outputs)?;
        all.extend_from_slice(&outputs);
    }
    Ok(all)
}

/// Whether any of these metrics is found from the outputs for all samples.
pub(crate) fn need_outputs(metrics: &[Metric]) -> bool {
    metrics.iter().any(|&metric| metric != Metric::Accuracy)
}

/// These metrics of the outputs for some samples, but for accuracy; those that have a value.
pub(crate) fn values(
    outputs: &[f32],
    labels: &Labels,
    classes: &[String],
    metrics: &[Metric],
) -> MetricValues {
    let values: Vec<(Metric, Option<f64>)> = match labels {
        Labels::Sparse(labels) => {
            let confusion = confusion(classes, outputs, labels);
            let scores = Scores::new(outputs, labels, &confusion, metrics);
            let [precision, recall] = precision_and_recall(outputs, labels, 0.5);
            let others = [
                (Metric::Precision, Some(precision)),
                (Metric::Recall, Some(recall)),
                (Metric::ExactMatch, Some(scores.f1_micro)),
            ];
            scores.entries().into_iter().chain(others).collect()
        }
        Labels::MultiHot(labels) => {
            let with_aucs = metrics.contains(&Metric::RocAuc);
            LabelReport::of(classes, outputs, labels, with_aucs).entries().into()
        }
    };
    let wanted = values.into_iter().filter(|(metric, _)| metrics.contains(metric));
    wanted.filter_map(|(metric, value)| Some((metric, value?))).collect()
}

fn confusion(classes: &[String], outputs: &[f32], labels: &[u32]) -> ConfusionMatrix {
    let mut confusion = ConfusionMatrix::new(classes.to_vec());
    for (row, &label) in outputs.chunks(classes.len()).zip(labels) {
        confusion.count(label as usize, first_largest(row));
    }
    confusion
}

/// A sample that the model got wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// The sample's index in the data.
    pub index: usize,
    /// The class that it is.
    pub truth: usize,
    /// The class that the model says.
    pub predicted: usize,
    /// The probability that the model gives to the class it says.
    pub probability: f32,
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss.
    pub loss: f64,
    /// Share of samples that are right.
    pub accuracy: f64,
    /// What was taken for what.
    pub confusion: ConfusionMatrix,
    /// Scores beyond accuracy.
    pub scores: Scores,
    /// Every wrong sample, the surest mistakes first.
    pub mistakes: Vec<Mistake>,
}

impl Evaluation {
    /// From loss and accuracy, the outputs (one row of class probabilities a sample) and the truth.
    pub(crate) fn new(tally: Tally, classes: &[String], outputs: &[f32], labels: &[u32]) -> Self {
        let mut mistakes = Vec::new();
        for (index, (row, &label)) in outputs.chunks(classes.len()).zip(labels).enumerate() {
            let (truth, predicted) = (label as usize, first_largest(row));
            if truth != predicted {
                let probability = row[predicted];
                mistakes.push(Mistake { index, truth, predicted, probability });
            }
        }
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let confusion = confusion(classes, outputs, labels);
        let scores = Scores::new(outputs, labels, &confusion, &Metric::ALL);
        Self { loss: tally.mean_loss(), accuracy: tally.accuracy(), confusion, scores, mistakes }
    }

    /// Precision, recall and F1 of every class.
    pub fn report(&self) -> ClassificationReport {
        ClassificationReport::new(&self.confusion)
    }
}

/// Index of the first of the largest values; 0 where none is a number.
pub(crate) fn first_largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, &value) in row.iter().enumerate() {
        if value > row[best] || row[best].is_nan() {
            best = i;
        }
    }
    best
}
