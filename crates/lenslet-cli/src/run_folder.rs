//! What a training leaves in its folder.

use lenslet_data::Dataset;
use lenslet_report::{
    Picture, Sample, accuracy_curves, confusion_matrix, loss_curves, sample_grid,
};
use lenslet_store::{Format, HistoryRow, Run, RunFile, confusion_csv};
use lenslet_train::Evaluation;

use crate::failure::Failure;

/// Images in the grid of samples.
const SAMPLES: usize = 50;

/// A grid of images, every class in its turn.
pub(crate) fn samples(data: &Dataset) -> Picture {
    let mut turns: Vec<(usize, usize)> = Vec::with_capacity(data.len());
    let mut seen = vec![0; data.classes().len()];
    for (index, &label) in data.labels().iter().enumerate() {
        turns.push((seen[label as usize], index));
        seen[label as usize] += 1;
    }
    turns.sort_by_key(|&(turn, index)| (turn, data.label(index)));
    let sample = |&(_, index): &(usize, usize)| Sample {
        pixels: data.image(index),
        label: &data.classes()[data.label(index) as usize],
    };
    let images: Vec<_> = turns.iter().take(SAMPLES).map(sample).collect();
    sample_grid(&images, data.image_shape(), &format!("Samples of {}", data.name()))
}

/// Draws the samples.
pub(crate) fn write_samples(run: &Run, data: &Dataset) -> Result<(), Failure> {
    write_picture(run, RunFile::Samples, &samples(data))
}

/// Draws accuracy and loss.
pub(crate) fn write_curves(run: &Run, history: &[HistoryRow]) -> Result<(), Failure> {
    let column = |value: fn(&HistoryRow) -> f64| history.iter().map(value).collect::<Vec<_>>();
    // An epoch that was broken off has no validation: a gap.
    let validated = history.iter().any(|row| row.val_loss.is_some());
    let validation = |value: fn(&HistoryRow) -> Option<f64>| match validated {
        true => history.iter().map(|row| value(row).unwrap_or(f64::NAN)).collect(),
        false => Vec::new(),
    };
    let val_loss = validation(|row| row.val_loss);
    let picture = accuracy_curves(&column(|row| row.accuracy), &validation(|row| row.val_accuracy));
    write_picture(run, RunFile::Accuracy, &picture)?;
    let loss = column(|row| row.loss);
    let best = lowest(if validated { &val_loss } else { &loss });
    write_picture(run, RunFile::Loss, &loss_curves(&loss, &val_loss, best))
}

/// The epoch, from 1, with the lowest loss.
fn lowest(losses: &[f64]) -> Option<usize> {
    let finite = losses.iter().enumerate().filter(|(_, loss)| loss.is_finite());
    finite.min_by(|a, b| a.1.total_cmp(b.1)).map(|(index, _)| index + 1)
}

/// Writes what an evaluation found, in numbers and drawn.
pub(crate) fn write_evaluation(run: &Run, evaluation: &Evaluation) -> Result<(), Failure> {
    let confusion = &evaluation.confusion;
    let csv = confusion_csv(confusion.classes(), confusion.counts());
    run.write(RunFile::ConfusionCsv, csv.as_bytes())?;
    run.write(RunFile::ClassificationReport, evaluation.report().to_string().as_bytes())?;
    write_confusion(run, confusion.classes(), confusion.counts())
}

/// Draws what was taken for what.
pub(crate) fn write_confusion(
    run: &Run,
    classes: &[String],
    counts: &[u64],
) -> Result<(), Failure> {
    write_picture(run, RunFile::ConfusionMatrix, &confusion_matrix(classes, counts))
}

fn write_picture(run: &Run, file: fn(Format) -> RunFile, picture: &Picture) -> Result<(), Failure> {
    run.write(file(Format::Png), &picture.png()?)?;
    run.write(file(Format::Svg), picture.svg().as_bytes())?;
    Ok(())
}
