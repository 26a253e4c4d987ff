//! What training has reached, epoch by epoch.

use std::fmt;

use lenslet_model::Metric;

use crate::MetricValues;

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Mean training loss, taken as the epoch went on: with dropout, and while weights changed.
    pub loss: f64,
    /// Share of training samples that were right, likewise; where the model was compiled with
    /// [`Accuracy`](lenslet_model::Metric::Accuracy).
    pub accuracy: Option<f64>,
    /// Mean loss on the validation data after the epoch.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation data after the epoch, likewise.
    pub val_accuracy: Option<f64>,
    /// The other metrics on the training samples, of those with which the model was compiled; taken as the
    /// epoch went on, too.
    pub metrics: MetricValues,
    /// The same on the validation data after the epoch.
    pub val_metrics: MetricValues,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Wall-clock seconds, validation included. The only entry that differs between equal runs.
    pub seconds: f64,
}

impl fmt::Display for Epoch {
    /// As Keras's progress line ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accuracy, loss, val_accuracy, val_loss, .. } = *self;
        let parts = [
            ("", [("accuracy", accuracy), ("loss", Some(loss))], &self.metrics),
            ("val_", [("accuracy", val_accuracy), ("loss", val_loss)], &self.val_metrics),
        ];
        let mut between = "";
        for (part, first, metrics) in parts {
            let first = first.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let others = metrics.entries().map(|(metric, value)| (metric.name(), value));
            for (name, value) in first.chain(others) {
                write!(f, "{between}{part}{name}: {value:.4}")?;
                between = " - ";
            }
        }
        Ok(())
    }
}

/// All epochs of a training run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// First to last. An epoch that was broken off is there too, without validation.
    pub epochs: Vec<Epoch>,
    /// Whether an [`Observer`](crate::Observer) ended the run before its time.
    pub stopped: bool,
}

impl History {
    /// Training loss of every epoch.
    pub fn loss(&self) -> Vec<f64> {
        self.epochs.iter().map(|e| e.loss).collect()
    }

    /// Training accuracy of every epoch; empty where it was not asked for.
    pub fn accuracy(&self) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.accuracy).collect()
    }

    /// Learning rate at the end of every epoch.
    pub fn learning_rate(&self) -> Vec<f64> {
        self.epochs.iter().map(|e| e.learning_rate).collect()
    }

    /// Validation loss of the epochs that have one.
    pub fn val_loss(&self) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.val_loss).collect()
    }

    /// Another metric on the training samples, of the epochs that have it.
    pub fn metric(&self, metric: Metric) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.metrics.get(metric)).collect()
    }

    /// Another metric on the validation data, of the epochs that have it.
    pub fn val_metric(&self, metric: Metric) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.val_metrics.get(metric)).collect()
    }

    /// Validation accuracy of the epochs that have one.
    pub fn val_accuracy(&self) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.val_accuracy).collect()
    }
}
