//! Checkpoints to write and read.

use std::collections::BTreeMap;
use std::time::Duration;

use lenslet_engine::{State, Tally};
use lenslet_model::Metric;
use lenslet_train::{Checkpoint, Epoch, Memory, MetricValues, Note, Position};

pub(crate) const SETTINGS: &str = "0123456789abcdef0123456789abcdef";

/// One that differs from all others in every array and every number.
pub(crate) fn checkpoint(epoch: usize) -> Checkpoint {
    let numbers = |kind: usize, len: usize| -> Vec<f32> {
        (0..len).map(|i| ((epoch * 7 + kind) as f32 + i as f32 * 0.37).sin()).collect()
    };
    let state = State {
        parameters: numbers(0, 500),
        moments: vec![numbers(1, 480), numbers(2, 480)],
        steps: epoch as u64 * 10,
        rate_scale: 1.0 / epoch as f64,
    };
    let row = |epoch: usize| Epoch {
        epoch,
        loss: 1.0 / epoch as f64,
        accuracy: Some(0.1 * epoch as f64),
        val_loss: (epoch != 2).then_some(f64::NAN),
        val_accuracy: None,
        metrics: MetricValues::from_iter([
            (Metric::Precision, 0.25 / epoch as f64),
            (Metric::F1Macro, 0.125 * epoch as f64),
        ]),
        val_metrics: match epoch {
            2 => MetricValues::default(),
            _ => MetricValues::from_iter([(Metric::RocAuc, 0.5 / epoch as f64)]),
        },
        learning_rate: 1e-3,
        seconds: epoch as f64 / 3.0,
    };
    let sums = Tally { loss: 0.1 + epoch as f64, correct: 3.0, samples: 20 };
    let elapsed = Duration::from_millis(1234);
    Checkpoint {
        state,
        position: Position { epoch, step: epoch % 3, sums, learning_rate: 1e-3 / 3.0, elapsed },
        history: (1..epoch).map(row).collect(),
        memory: Memory {
            notes: vec![
                Note { weights: numbers(3, 500), ..note("early_stopping", 0.7) },
                note("reduce_lr_on_plateau", f64::INFINITY),
            ],
        },
        ended: epoch.is_multiple_of(2),
        rollbacks: epoch % 4,
    }
}

fn note(observer: &str, best: f64) -> Note {
    let numbers = BTreeMap::from([("best".to_owned(), best), ("waited".to_owned(), 2.0)]);
    Note { observer: observer.to_owned(), numbers, weights: Vec::new() }
}
