//! What a training leaves in its folder.

use lenslet_data::Dataset;
use lenslet_report::{
    Picture, Sample, accuracy_curves, confusion_matrix, label_matrix, loss_curves, sample_grid,
};
use lenslet_store::{ConfusionTable, Format, HistoryRow, Run, RunFile};

use crate::failure::Failure;
use crate::findings::Findings;

/// Images in the grid of samples.
const SAMPLES: usize = 50;

/// A grid of images, every class in its turn; those with any number of labels as they come.
pub(crate) fn samples(data: &Dataset) -> Picture {
    let mut order: Vec<usize> = (0..data.len()).collect();
    if let Some(classes) = data.labels().sparse() {
        let mut seen = vec![0; data.classes().len()];
        let turns: Vec<usize> =
            classes.iter().map(|&class| next(&mut seen[class as usize])).collect();
        order.sort_by_key(|&index| (turns[index], classes[index]));
    }
    order.truncate(SAMPLES);
    let words: Vec<_> = order.iter().map(|&index| data.words(index)).collect();
    let samples = order.iter().zip(&words);
    let images: Vec<_> =
        samples.map(|(&index, label)| Sample { pixels: data.image(index), label }).collect();
    sample_grid(&images, data.image_shape(), &format!("Samples of {}", data.name()))
}

/// Counts one more; how many there were before.
fn next(count: &mut usize) -> usize {
    *count += 1;
    *count - 1
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
pub(crate) fn write_evaluation(run: &Run, findings: &Findings) -> Result<(), Failure> {
    run.write(RunFile::ConfusionCsv, findings.csv().as_bytes())?;
    run.write(RunFile::ClassificationReport, findings.report().as_bytes())?;
    write_picture(run, RunFile::ConfusionMatrix, &findings.picture())
}

/// Draws what was taken for what, or said of each label.
pub(crate) fn write_confusion(run: &Run, table: &ConfusionTable) -> Result<(), Failure> {
    let picture = match table {
        ConfusionTable::Classes { classes, counts } => confusion_matrix(classes, counts),
        ConfusionTable::Labels { labels, counts } => label_matrix(labels, counts),
    };
    write_picture(run, RunFile::ConfusionMatrix, &picture)
}

fn write_picture(run: &Run, file: fn(Format) -> RunFile, picture: &Picture) -> Result<(), Failure> {
    run.write(file(Format::Png), &picture.png()?)?;
    run.write(file(Format::Svg), picture.svg().as_bytes())?;
    Ok(())
}
