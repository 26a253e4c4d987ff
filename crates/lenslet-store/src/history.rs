//! What each epoch gave.

use std::path::Path;

use lenslet_train::Epoch;
use serde::{Deserialize, Serialize};

use crate::read::{MOST_TEXT, read};
use crate::{ContentError, StoreError, atomic};

const HEADER: [&str; 7] =
    ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "learning_rate"];
/// Columns that every history has.
const FIRST: usize = 6;

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the training samples.
    pub loss: f64,
    /// Share of the training samples that were right, 0 to 1.
    pub accuracy: f64,
    /// Mean loss over the validation samples, where there are any.
    pub val_loss: Option<f64>,
    /// Share of the validation samples that were right, 0 to 1, where there are any.
    pub val_accuracy: Option<f64>,
    /// How long the epoch took, in seconds.
    pub seconds: f64,
    /// Learning rate of the epoch's last step, where it is known.
    #[serde(default)]
    pub learning_rate: Option<f64>,
}

impl From<&Epoch> for HistoryRow {
    /// An accuracy that was not asked for is no number.
    fn from(epoch: &Epoch) -> Self {
        Self {
            epoch: epoch.epoch,
            loss: epoch.loss,
            accuracy: epoch.accuracy.unwrap_or(f64::NAN),
            val_loss: epoch.val_loss,
            val_accuracy: epoch.val_accuracy,
            seconds: epoch.seconds,
            learning_rate: Some(epoch.learning_rate),
        }
    }
}

/// Writes `rows` as CSV with the header
/// `epoch,loss,accuracy,val_loss,val_accuracy,seconds,learning_rate`.
/// Numbers are written so that they are read back to the last bit; what is not there is empty.
///
/// # Errors
/// As [`write`](crate::write()).
pub fn write_history(path: &Path, rows: &[HistoryRow]) -> Result<(), StoreError> {
    let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    csv.write_record(HEADER).expect("memory takes every record");
    for row in rows {
        csv.serialize(row).expect("memory takes every record");
    }
    atomic::write(path, &csv.into_inner().expect("memory takes every record"))
}

/// Reads what [`write_history`] wrote.
///
/// # Errors
/// Where the file cannot be read, is longer than 4 MiB, or has another header or a row that does
/// not fit it: with the line.
pub fn read_history(path: &Path) -> Result<Vec<HistoryRow>, StoreError> {
    parse(&read(path, MOST_TEXT)?).map_err(|e| e.at(path))
}

fn parse(bytes: &[u8]) -> Result<Vec<HistoryRow>, ContentError> {
    let remedy = "it is no history, or was changed by hand";
    let refused = |e: csv::Error| ContentError::text(e.to_string(), remedy);
    let mut csv = csv::Reader::from_reader(bytes);
    let header = csv.headers().map_err(refused)?;
    if *header != HEADER[..] && *header != HEADER[..FIRST] {
        let what = format!("its first line is not `{}`", HEADER.join(","));
        return Err(ContentError::text(what, remedy));
    }
    csv.deserialize().collect::<Result<_, _>>().map_err(refused)
}
