//! A training, for TensorBoard to watch.

use std::io;
use std::path::{Path, PathBuf};

use lenslet_engine::Engine;
use lenslet_train::{ConfusionMatrix, Epoch, Flow, Memory, Observer, Plan, TrainError};

use super::{EventFile, Setting};
use crate::{Picture, confusion_matrix};

/// Writes every epoch to event files, as Keras's `TensorBoard`: `train` and `validation` in a folder
/// hold `epoch_loss`, `epoch_accuracy` and the other metrics, `train` also `epoch_learning_rate`. Epochs
/// count from 0.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    train: EventFile,
    validation: Option<EventFile>,
    epochs: u64,
}

impl TensorBoard {
    /// Into this folder, which is made where there is none.
    ///
    /// # Errors
    /// Where folder or file cannot be made.
    pub fn create(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        let train = EventFile::create(&folder.join("train"))?;
        Ok(Self { folder, train, validation: None, epochs: 0 })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The settings of the run, for the table of hyperparameters.
    ///
    /// # Errors
    /// Where the file cannot be written to.
    pub fn hparams<'a>(
        &mut self,
        name: &str,
        settings: impl IntoIterator<Item = (&'a str, Setting)>,
    ) -> io::Result<()> {
        self.train.hparams(name, settings)?;
        self.train.flush()
    }

    /// The picture of a confusion matrix after the last epoch.
    ///
    /// # Errors
    /// Where it has more pixels than can be drawn, or the file cannot be written to.
    pub fn confusion(&mut self, matrix: &ConfusionMatrix) -> io::Result<()> {
        self.picture("confusion_matrix", &confusion_matrix(matrix.classes(), matrix.counts()))
    }

    /// Any picture after the last epoch, under this tag.
    ///
    /// # Errors
    /// As [`Self::confusion`].
    pub fn picture(&mut self, tag: &str, picture: &Picture) -> io::Result<()> {
        let png = picture.png().map_err(io::Error::other)?;
        let size = [picture.width(), picture.height()];
        let step = self.epochs.saturating_sub(1);
        let events = self.validation.as_mut().unwrap_or(&mut self.train);
        events.image(tag, step, size, png)?;
        events.flush()
    }

    fn write(&mut self, epoch: &Epoch) -> io::Result<()> {
        let step = epoch.epoch as u64 - 1;
        self.epochs = epoch.epoch as u64;
        self.train.scalar("epoch_loss", step, epoch.loss)?;
        if let Some(accuracy) = epoch.accuracy {
            self.train.scalar("epoch_accuracy", step, accuracy)?;
        }
        for (metric, value) in epoch.metrics.entries() {
            self.train.scalar(&format!("epoch_{metric}"), step, value)?;
        }
        self.train.scalar("epoch_learning_rate", step, epoch.learning_rate)?;
        self.train.flush()?;
        let Some(validation) = &mut self.validation else { return Ok(()) };
        for (tag, value) in [("epoch_loss", epoch.val_loss), ("epoch_accuracy", epoch.val_accuracy)]
        {
            if let Some(value) = value {
                validation.scalar(tag, step, value)?;
            }
        }
        for (metric, value) in epoch.val_metrics.entries() {
            validation.scalar(&format!("epoch_{metric}"), step, value)?;
        }
        validation.flush()
    }

    fn failed(&self, error: io::Error) -> TrainError {
        let folder = self.folder.display();
        TrainError::Callback(format!("TensorBoard: cannot write below {folder}: {error}").into())
    }
}

impl Observer for TensorBoard {
    fn begin(&mut self, plan: &Plan<'_>) -> Result<(), TrainError> {
        if plan.validation && self.validation.is_none() {
            let made = EventFile::create(&self.folder.join("validation"));
            self.validation = Some(made.map_err(|e| self.failed(e))?);
        }
        Ok(())
    }

    fn steer(&mut self, epoch: &Epoch, _engine: &mut dyn Engine) -> Result<Flow, TrainError> {
        self.write(epoch).map_err(|e| self.failed(e))?;
        Ok(Flow::Continue)
    }

    fn recall(&mut self, history: &[Epoch], _memory: &mut Memory) -> Result<(), TrainError> {
        self.epochs = history.len() as u64;
        Ok(())
    }
}
