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
    /// The other metrics over the training samples, of those that were asked for.
    #[serde(skip)]
    pub metrics: MetricValues,
    /// The same over the validation samples.
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
            metrics: epoch.metrics.clone(),
            val_metrics: epoch.val_metrics.clone(),
        }
    }
}

/// Writes `rows` as CSV with the header
/// `epoch,loss,accuracy,val_loss,val_accuracy,seconds,learning_rate`, and behind it `f1_macro`,
/// `val_f1_macro` and the like for each metric that any row has.
/// Numbers are written so that they are read back to the last bit; what is not there is empty.
///
/// # Errors
/// As [`write`](crate::write()).
pub fn write_history(path: &Path, rows: &[HistoryRow]) -> Result<(), StoreError> {
    let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let columns: Vec<_> =
        Column::all().filter(|column| rows.iter().any(|row| column.of(row).is_some())).collect();
    let header = HEADER.map(str::to_owned).into_iter().chain(columns.iter().map(Column::name));
    csv.write_record(header).expect("memory takes every record");
    for row in rows {
        let values: Vec<_> = columns.iter().map(|column| column.of(row)).collect();
        csv.serialize((row, values)).expect("memory takes every record");
    }
    atomic::write(path, &csv.into_inner().expect("memory takes every record"))
}

/// Values of a metric, over the training or the validation samples.
#[derive(Clone, Copy)]
struct Column {
    metric: Metric,
    validation: bool,
}

impl Column {
    fn all() -> impl Iterator<Item = Self> {
        let of = |metric| [false, true].map(|validation| Self { metric, validation });
        Metric::ALL.into_iter().flat_map(of)
    }

    fn name(&self) -> String {
        format!("{}{}", if self.validation { "val_" } else { "" }, self.metric)
    }

    fn of(&self, row: &HistoryRow) -> Option<f64> {
        let values = if self.validation { &row.val_metrics } else { &row.metrics };
        values.get(self.metric)
    }
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
    let named = |name: &str| Column::all().find(|column| name == column.name());
    let columns: Option<Vec<_>> = header.iter().skip(own).map(named).collect();
    let (FIRST.., Some(columns)) = (own, columns) else {
        let what = format!("its first line is not `{}`", HEADER.join(","));
        return Err(ContentError::text(what, remedy));
    };
    let mut rows = Vec::new();
    for record in csv.records() {
        let record = record.map_err(refused)?;
        let mut row: HistoryRow = record.deserialize(Some(&header)).map_err(refused)?;
        let line = record.position().map_or(0, csv::Position::line);
        let values = |validation: bool| {
            let given = columns.iter().zip(record.iter().skip(own));
            let given =
                given.filter(|(column, v)| column.validation == validation && !v.is_empty());
            let value = |(column, value): (&Column, &str)| match value.parse() {
                Ok(number) => Ok((column.metric, number)),
                Err(_) => {
                    let what = format!("line {line}: {} = {value:?} is no number", column.name());
                    Err(ContentError::text(what, remedy))
                }
            };
            given.map(value).collect::<Result<_, _>>()
        };
        (row.metrics, row.val_metrics) = (values(false)?, values(true)?);
        rows.push(row);
    }
    Ok(rows)
}
