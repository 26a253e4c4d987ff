//! What a batch's outputs should be.

use lenslet_kernels::Target;
use lenslet_model::LossFunction;

use crate::EngineError;

/// What the outputs of a batch should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Targets<'a> {
    /// One class for each sample: 1 for it, 0 for all others.
    Labels(&'a [u32]),
    /// A number for each output of each sample, one row after the other: several classes at once,
    /// shares of classes, or what the outputs should equal.
    Rows {
        /// Number of samples.
        samples: usize,
        /// Their rows.
        numbers: &'a [f32],
    },
}

impl<'a> Targets<'a> {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        match self {
            Self::Labels(labels) => labels.len(),
            Self::Rows { samples, .. } => *samples,
        }
    }

    /// Refuses what does not fit a network with this many outputs, or the loss.
    pub(crate) fn check(&self, outputs: usize, loss: LossFunction) -> Result<(), EngineError> {
        match *self {
            Self::Labels(labels) => match labels.iter().find(|&&label| label as usize >= outputs) {
                Some(&label) => Err(EngineError::Label { label, classes: outputs }),
                None => Ok(()),
            },
            Self::Rows { .. } if matches!(loss, LossFunction::SparseCategoricalCrossentropy(_)) => {
                Err(EngineError::TargetKind { loss: loss.name() })
            }
            Self::Rows { samples, numbers } => match samples.checked_mul(outputs) {
                Some(expected) if expected == numbers.len() => Ok(()),
                _ => Err(EngineError::TargetSize { outputs, samples, numbers: numbers.len() }),
            },
        }
    }

    /// The target of one sample.
    pub(crate) fn of(&self, sample: usize) -> Target<'a> {
        match *self {
            Self::Labels(labels) => Target::Class(labels[sample] as usize),
            Self::Rows { samples, numbers } => {
                let outputs = numbers.len() / samples;
                Target::Numbers(&numbers[sample * outputs..][..outputs])
            }
        }
    }
}
