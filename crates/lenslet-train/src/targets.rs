//! From the labels of a data set to what an engine is told.

use lenslet_data::Labels;
use lenslet_engine::Targets;

/// What the outputs for these pictures should be.
pub(crate) fn targets(labels: &Labels) -> Targets<'_> {
    match labels {
        Labels::Sparse(classes) => Targets::Labels(classes),
        Labels::MultiHot(labels) => Targets::Rows { samples: labels.len(), numbers: labels.rows() },
    }
}

/// The same for one batch after the other.
pub(crate) fn batches(labels: &Labels, batch_size: usize) -> Vec<Targets<'_>> {
    match labels {
        Labels::Sparse(classes) => classes.chunks(batch_size).map(Targets::Labels).collect(),
        Labels::MultiHot(labels) => {
            let classes = labels.classes().max(1);
            let rows = labels.rows().chunks(batch_size * classes);
            rows.map(|numbers| Targets::Rows { samples: numbers.len() / classes, numbers })
                .collect()
        }
    }
}
