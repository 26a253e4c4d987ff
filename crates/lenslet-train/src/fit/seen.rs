//! The outputs that training has seen in an epoch, for the metrics that need them all.

use lenslet_data::Dataset;
use lenslet_model::Metric;

use crate::evaluation::{need_outputs, values};
use crate::{Memory, MetricValues, Note};

/// The name under which a checkpoint has them.
const NAME: &str = "training_metrics";

/// The outputs of an epoch's steps so far, a row for each sample; none where no metric needs them.
#[derive(Debug, Default)]
pub(super) struct Seen {
    rows: Vec<f32>,
}

impl Seen {
    /// Where a step appends its outputs, if any metric needs them. There is room for all samples, so that
    /// no step allocates.
    pub(super) fn rows(&mut self, metrics: &[Metric], data: &Dataset) -> Option<&mut Vec<f32>> {
        if !need_outputs(metrics) {
            return None;
        }
        let most = data.len() * data.classes().len();
        self.rows.reserve_exact(most.saturating_sub(self.rows.len()));
        Some(&mut self.rows)
    }

    /// The metrics over the samples seen, which are those of `order`. None where outputs are missing: the
    /// epoch was begun by a program that kept none.
    pub(super) fn values(&self, metrics: &[Metric], data: &Dataset, order: &[u32]) -> MetricValues {
        if order.is_empty() || self.rows.len() != order.len() * data.classes().len() {
            return MetricValues::default();
        }
        values(&self.rows, &data.labels().take(order), data.classes(), metrics)
    }

    /// Before the first step of an epoch.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Writes them down for a checkpoint in the middle of an epoch.
    pub(super) fn remember(&self, memory: &mut Memory) {
        if !self.rows.is_empty() {
            memory.notes.push(Note { weights: self.rows.clone(), ..Note::new(NAME) });
        }
    }

    /// What [`Self::remember`] wrote down; none at the beginning of an epoch.
    pub(super) fn recall(memory: &mut Memory) -> Self {
        Self { rows: memory.take(NAME).map(|note| note.weights).unwrap_or_default() }
    }
}
