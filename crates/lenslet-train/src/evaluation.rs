//! How good a model is on data that it has not seen.

use lenslet_data::Dataset;
use lenslet_engine::{Engine, Tally};
use lenslet_model::Metric;

use crate::{ClassificationReport, ConfusionMatrix, MetricValues, Scores, TrainError};

/// Samples in a batch of evaluation or prediction: enough to keep many threads busy.
pub(crate) const BATCH: usize = 256;

/// Loss and accuracy over a data set.
pub(crate) fn tally(engine: &mut dyn Engine, data: &Dataset) -> Result<Tally, TrainError> {
    let size: usize = data.image_shape().iter().product();
    let mut sum = Tally::default();
    for (pixels, labels) in data.pixels().chunks(BATCH * size).zip(data.labels().chunks(BATCH)) {
        sum.add(engine.evaluate(pixels, labels)?);
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

/// These metrics over a data set, but for accuracy; those that have a value. A pass over the data of
/// its own, if there is any.
pub(crate) fn values(
    engine: &mut dyn Engine,
    data: &Dataset,
    metrics: &[Metric],
) -> Result<MetricValues, TrainError> {
    if metrics.iter().all(|&metric| metric == Metric::SparseCategoricalAccuracy) {
        return Ok(MetricValues::default());
    }
    let outputs = outputs(engine, data.pixels())?;
    let mut confusion = ConfusionMatrix::new(data.classes().to_vec());
    for (row, &label) in outputs.chunks(data.classes().len()).zip(data.labels()) {
        confusion.count(label as usize, first_largest(row));
    }
    let scores = Scores::new(&outputs, data.labels(), &confusion).entries();
    let wanted = scores.into_iter().filter(|(metric, _)| metrics.contains(metric));
    Ok(wanted.filter_map(|(metric, value)| Some((metric, value?))).collect())
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
        let mut confusion = ConfusionMatrix::new(classes.to_vec());
        let mut mistakes = Vec::new();
        for (index, (row, &label)) in outputs.chunks(classes.len()).zip(labels).enumerate() {
            let (truth, predicted) = (label as usize, first_largest(row));
            confusion.count(truth, predicted);
            if truth != predicted {
                let probability = row[predicted];
                mistakes.push(Mistake { index, truth, predicted, probability });
            }
        }
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let scores = Scores::new(outputs, labels, &confusion);
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
