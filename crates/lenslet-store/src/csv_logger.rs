//! A history that grows as a training goes on.

use std::path::PathBuf;

use lenslet_engine::Engine;
use lenslet_train::{Epoch, Flow, Memory, Observer, Plan, TrainError};

use crate::{HistoryRow, write_history};

/// Writes the history so far as CSV after every epoch, whole or not at all: a training that is ended
/// by force leaves what it has reached. Keras's `CSVLogger`, with the columns of [`write_history`].
#[derive(Clone, Debug)]
pub struct CsvLogger {
    path: PathBuf,
    rows: Vec<HistoryRow>,
}

impl CsvLogger {
    /// To this file, which is replaced.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), rows: Vec::new() }
    }

    fn write(&self) -> Result<(), TrainError> {
        write_history(&self.path, &self.rows).map_err(|e| TrainError::Callback(e.into()))
    }
}

impl Observer for CsvLogger {
    fn begin(&mut self, _plan: &Plan<'_>) -> Result<(), TrainError> {
        self.rows.clear();
        // Where it cannot be written this is seen before hours of training.
        self.write()
    }

    fn steer(&mut self, epoch: &Epoch, _engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        self.rows.push(epoch.into());
        self.write()?;
        Ok(Flow::Continue)
    }

    fn recall(&mut self, history: &[Epoch], _memory: &mut Memory) -> Result<(), TrainError> {
        self.rows = history.iter().map(HistoryRow::from).collect();
        self.write()
    }
}
