//! What of a checkpoint is no array.

use std::collections::BTreeMap;
use std::time::Duration;

use lenslet_engine::Tally;
use lenslet_model::Metric;
use lenslet_train::{Checkpoint, Epoch, MetricValues, Note, Position};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::ContentError;

/// What this version writes and reads.
const FORMAT: u32 = 1;

/// The JSON of a checkpoint. The sums are finite: training ends where one is not.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    format: u32,
    /// The digest of the run's configuration.
    pub(super) settings: String,
    epoch: usize,
    step: usize,
    loss: f64,
    correct: f64,
    samples: usize,
    learning_rate: f64,
    seconds: f64,
    pub(super) steps_taken: u64,
    pub(super) rate_scale: f64,
    pub(super) moments: usize,
    pub(super) ended: bool,
    pub(super) rollbacks: usize,
    pub(super) callbacks: Vec<Callback>,
    /// Metrics of the history beside loss and accuracy, over the training samples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Metric>,
    /// The same over the validation samples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    val_metrics: Vec<Metric>,
}

/// What one callback knows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Callback {
    pub(super) name: String,
    pub(super) numbers: BTreeMap<String, Number>,
    pub(super) weights: bool,
}

impl Meta {
    pub(super) fn new(checkpoint: &Checkpoint, settings: &str) -> Self {
        let Checkpoint { state, position, memory, ended, rollbacks, .. } = checkpoint;
        let Position { epoch, step, sums, learning_rate, elapsed } = *position;
        Self {
            format: FORMAT,
            settings: settings.to_owned(),
            epoch,
            step,
            loss: sums.loss,
            correct: sums.correct,
            samples: sums.samples,
            learning_rate,
            seconds: elapsed.as_secs_f64(),
            steps_taken: state.steps,
            rate_scale: state.rate_scale,
            moments: state.moments.len(),
            ended: *ended,
            rollbacks: *rollbacks,
            callbacks: memory.notes.iter().map(Callback::new).collect(),
            metrics: metrics(&checkpoint.history, |epoch| &epoch.metrics),
            val_metrics: metrics(&checkpoint.history, |epoch| &epoch.val_metrics),
        }
    }

    /// Reads the JSON.
    pub(super) fn parse(text: &str) -> Result<Self, ContentError> {
        let meta: Self = serde_json::from_str(text).map_err(|e| {
            ContentError::text(format!("it is no checkpoint: {e}"), "go on from another one")
        })?;
        if meta.format == FORMAT {
            return Ok(meta);
        }
        let what = format!("it has format {}, this program reads {FORMAT}", meta.format);
        Err(ContentError::text(what, "go on with the program that made it"))
    }

    /// The metrics of each of [`METRICS`](super::METRICS).
    pub(super) fn metrics(&self) -> [&[Metric]; 2] {
        [&self.metrics, &self.val_metrics]
    }

    pub(super) fn position(&self) -> Result<Position, ContentError> {
        let Self { epoch, step, loss, correct, samples, learning_rate, seconds, .. } = *self;
        let elapsed = Duration::try_from_secs_f64(seconds).map_err(|e| {
            ContentError::text(format!("seconds = {seconds}: {e}"), "go on from another one")
        })?;
        let sums = Tally { loss, correct, samples };
        Ok(Position { epoch, step, sums, learning_rate, elapsed })
    }
}

/// The metrics that any epoch has.
fn metrics(history: &[Epoch], of: impl Fn(&Epoch) -> &MetricValues) -> Vec<Metric> {
    let has = |metric: &Metric| history.iter().any(|epoch| of(epoch).get(*metric).is_some());
    Metric::ALL.into_iter().filter(has).collect()
}

impl Callback {
    fn new(note: &Note) -> Self {
        Self {
            name: note.observer.clone(),
            numbers: note.numbers.iter().map(|(name, &n)| (name.clone(), Number(n))).collect(),
            weights: !note.weights.is_empty(),
        }
    }
}

/// A number, finite or not; JSON knows finite ones alone.
#[derive(Debug)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_finite() => serializer.serialize_f64(number),
            other => serializer.collect_str(&other),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Words {
            Number(f64),
            Text(String),
        }
        match Words::deserialize(deserializer)? {
            Words::Number(number) => Ok(Self(number)),
            Words::Text(text) => text.parse().map(Self).map_err(D::Error::custom),
        }
    }
}
