//! How good a model is on data of which each sample has any number of labels.

use lenslet_data::MultiHot;
use lenslet_engine::Tally;

use crate::LabelReport;

/// What an evaluation found on data with any number of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelEvaluation {
    /// Mean loss.
    pub loss: f64,
    /// Share of all outputs that are on the right side of one half: Keras's binary accuracy.
    pub accuracy: f64,
    /// How many samples there are.
    pub samples: usize,
    /// How well each label is recognised.
    pub report: LabelReport,
    /// Every sample with a wrong label, the surest mistakes first.
    pub mistakes: Vec<LabelMistake>,
}

/// A sample with a label that the model got wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelMistake {
    /// The sample's index in the data.
    pub index: usize,
    /// The labels that the model says.
    pub said: Vec<usize>,
    /// The label of which the model is wrong by most.
    pub worst: usize,
    /// The probability that the model gives to it.
    pub output: f32,
}

impl LabelEvaluation {
    /// From loss and accuracy, the probabilities (a row for each sample) and the truth.
    pub(crate) fn new(
        tally: Tally,
        classes: &[String],
        outputs: &[f32],
        labels: &MultiHot,
    ) -> Self {
        let rows = outputs.chunks_exact(classes.len());
        let truths = labels.rows().chunks_exact(classes.len());
        let mistake = |(index, (row, truth))| mistake(index, row, truth);
        let mut mistakes: Vec<_> = rows.zip(truths).enumerate().filter_map(mistake).collect();
        let sure = |mistake: &LabelMistake| (mistake.output - 0.5).abs();
        mistakes.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
        Self {
            loss: tally.mean_loss(),
            accuracy: tally.accuracy(),
            samples: tally.samples,
            report: LabelReport::new(classes, outputs, labels),
            mistakes,
        }
    }
}

fn mistake(index: usize, row: &[f32], truth: &[f32]) -> Option<LabelMistake> {
    let is_wrong = |class: &usize| (row[*class] > 0.5) != (truth[*class] == 1.0);
    let wrong = (0..row.len()).filter(is_wrong);
    let off = |class: &usize| (row[*class] - 0.5).abs();
    let worst = wrong.max_by(|a, b| off(a).total_cmp(&off(b)))?;
    let said = (0..row.len()).filter(|&class| row[class] > 0.5).collect();
    Some(LabelMistake { index, said, worst, output: row[worst] })
}
