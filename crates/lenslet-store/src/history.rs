//! What each epoch gave.

use std::path::Path;

use lenslet_model::Metric;
use lenslet_train::{Epoch, MetricValues};
use serde::{Deserialize, Serialize};

use crate::read::{MOST_TEXT, read};
use crate::{ContentError, StoreError, atomic};

const HEADER: [&str; 7] =
    ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "learning_rate"];
/// Columns that every history has.
const FIRST: usize = 6;

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The other metrics over the validation samples, of those that were asked for.
    #[serde(skip)]
    pub val_metrics: MetricValues,
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
            val_metrics: epoch.val_metrics.clone(),
        }
    }
}

/// Writes `rows` as CSV with the header
/// `epoch,loss,accuracy,val_loss,val_accuracy,seconds,learning_rate`, and behind it `val_f1_macro` and
/// the like for each metric that any row has.
/// Numbers are written so that they are read back to the last bit; what is not there is empty.
///
/// # Errors
/// As [`write`](crate::write()).
pub fn write_history(path: &Path, rows: &[HistoryRow]) -> Result<(), StoreError> {
    let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let has = |metric: &Metric| rows.iter().any(|row| row.val_metrics.get(*metric).is_some());
    let metrics: Vec<_> = Metric::ALL.into_iter().filter(has).collect();
    let header = HEADER.map(str::to_owned).into_iter().chain(metrics.iter().map(column));
    csv.write_record(header).expect("memory takes every record");
    for row in rows {
        let values: Vec<_> = metrics.iter().map(|&metric| row.val_metrics.get(metric)).collect();
        csv.serialize((row, values)).expect("memory takes every record");
    }
    atomic::write(path, &csv.into_inner().expect("memory takes every record"))
}

/// The name of a metric's column.
fn column(metric: &Metric) -> String {
    format!("val_{metric}")
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
    let header = csv.headers().map_err(refused)?.clone();
    let own = header.iter().zip(HEADER).take_while(|(name, own)| name == own).count();
    let named = |name: &str| Metric::ALL.into_iter().find(|metric| name == column(metric));
    let metrics: Option<Vec<_>> = header.iter().skip(own).map(named).collect();
    let (FIRST.., Some(metrics)) = (own, metrics) else {
        let what = format!("its first line is not `{}`", HEADER.join(","));
        return Err(ContentError::text(what, remedy));
    };
    let mut rows = Vec::new();
    for record in csv.records() {
        let record = record.map_err(refused)?;
        let mut row: HistoryRow = record.deserialize(Some(&header)).map_err(refused)?;
        let line = record.position().map_or(0, csv::Position::line);
        let value = |(&metric, value): (&Metric, &str)| match value.parse() {
            Ok(number) => Ok((metric, number)),
            Err(_) => {
                let column = column(&metric);
                let what = format!("line {line}: {column} = {value:?} is no number");
                Err(ContentError::text(what, remedy))
            }
        };
        let given = metrics.iter().zip(record.iter().skip(own)).filter(|(_, v)| !v.is_empty());
        row.val_metrics = given.map(value).collect::<Result<_, _>>()?;
        rows.push(row);
    }
    Ok(rows)
}
