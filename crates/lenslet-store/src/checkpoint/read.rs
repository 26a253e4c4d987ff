//! From bytes to a checkpoint.

use std::collections::HashMap;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use lenslet_engine::State;
use lenslet_model::Metric;
use lenslet_train::{Checkpoint, Epoch, Memory, MetricValues, Note};
use safetensors::tensor::{Dtype, Metadata};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    CHECKSUM, CHECKSUM_LEN, COLUMNS, HISTORY, KEY, METRICS, Meta, PARAMETERS, moment,
    weights_of_note,
};
use crate::read::open;
use crate::read_weights::{Trouble, header, not_whole};
use crate::{ContentError, StoreError};

/// The most bytes of a file: 2^30 parameters, a network's most, with seven arrays beside them.
const MOST_BYTES: u64 = 32 << 30;
/// Bytes that are looked at together.
const BLOCK: usize = 1 << 13;

/// Reads a checkpoint, and the digest of the settings of its training.
///
/// # Errors
/// As [`decode_checkpoint`], or where the file cannot be read.
pub fn read_checkpoint(path: &Path) -> Result<(Checkpoint, String), StoreError> {
    let (file, length) = open(path, MOST_BYTES)?;
    decode(BufReader::new(file), length).map_err(|trouble| trouble.at(path))
}

/// Reads the bytes of [`encode_checkpoint`](super::encode_checkpoint).
///
/// # Errors
/// Where the bytes are cut short or any of them was changed, or where they are no checkpoint.
/// Memory is bounded by the bytes that are there, whatever they say.
pub fn decode_checkpoint(bytes: &[u8]) -> Result<(Checkpoint, String), ContentError> {
    decode(Cursor::new(bytes), bytes.len() as u64).map_err(Trouble::content)
}

fn decode(mut file: impl Read + Seek, length: u64) -> Result<(Checkpoint, String), Trouble> {
    // First of all: nothing that was damaged is interpreted.
    check_sum(&mut file, length)?;
    file.rewind()?;
    let metadata = header(&mut file, length)?;
    let meta = meta(&metadata)?;
    check_tensors(&metadata, &meta)?;
    let length = |name: &str| metadata.info(name).expect("it was checked").shape.iter().product();
    let mut history = history(&mut file, length(HISTORY))?;
    let [training, validation] = meta.metrics();
    metrics(&mut file, training, &mut history, |epoch| &mut epoch.metrics)?;
    metrics(&mut file, validation, &mut history, |epoch| &mut epoch.val_metrics)?;
    let parameters = floats(&mut file, length(PARAMETERS))?;
    let moments = (0..meta.moments).map(|i| floats(&mut file, length(&moment(i))));
    let moments = moments.collect::<Result<_, _>>()?;
    let (steps, rate_scale) = (meta.steps_taken, meta.rate_scale);
    let (position, ended, rollbacks) = (meta.position()?, meta.ended, meta.rollbacks);
    let mut memory = Memory::default();
    for (index, callback) in meta.callbacks.into_iter().enumerate() {
        let weights = match callback.weights {
            true => floats(&mut file, length(&weights_of_note(index)))?,
            false => Vec::new(),
        };
        let (observer, numbers) = (callback.name, callback.numbers.into_iter());
        let numbers = numbers.map(|(name, number)| (name, number.0)).collect();
        memory.notes.push(Note { observer, numbers, weights });
    }
    let state = State { parameters, moments, steps, rate_scale };
    Ok((Checkpoint { state, position, history, memory, ended, rollbacks }, meta.settings))
}

/// Refuses bytes that are not those that were written.
fn check_sum(file: &mut impl Read, length: u64) -> Result<(), Trouble> {
    let Some(mut left) = length.checked_sub(CHECKSUM_LEN as u64) else {
        return Err(not_whole().into());
    };
    let mut hasher = Xxh3Default::new();
    let mut block = [0; BLOCK];
    while left > 0 {
        let part = &mut block[..left.min(BLOCK as u64) as usize];
        file.read_exact(part)?;
        hasher.update(part);
        left -= part.len() as u64;
    }
    let mut checksum = [0; CHECKSUM_LEN];
    file.read_exact(&mut checksum)?;
    if checksum == hasher.digest128().to_be_bytes() {
        return Ok(());
    }
    let what = "it is damaged: its checksum is not that of its bytes";
    Err(ContentError::weights(what, "go on from another checkpoint").into())
}

fn meta(metadata: &Metadata) -> Result<Meta, ContentError> {
    let texts = metadata.metadata().as_ref();
    match texts.and_then(|texts| texts.get(KEY)) {
        Some(text) if texts.map(HashMap::len) == Some(1) => Meta::parse(text),
        _ => {
            let what = format!("it has not the metadata key `{KEY}` alone");
            Err(ContentError::weights(what, "give a checkpoint that Lenslet has made"))
        }
    }
}

/// Refuses tensors that are not those of the description, in this order.
fn check_tensors(metadata: &Metadata, meta: &Meta) -> Result<(), ContentError> {
    let refuse =
        |what: String| Err(ContentError::weights(what, "give a checkpoint that Lenslet has made"));
    // A count that is too large is found at its first tensor that is not there.
    let tables = METRICS.into_iter().zip(meta.metrics());
    let metrics = tables.filter(|(_, metrics)| !metrics.is_empty()).map(|(name, _)| name);
    let fixed = [HISTORY].into_iter().chain(metrics).chain([PARAMETERS]).map(str::to_owned);
    let weights = meta.callbacks.iter().enumerate().filter(|(_, callback)| callback.weights);
    let epochs = metadata.info(HISTORY).and_then(|info| info.shape.first().copied()).unwrap_or(0);
    let mut expected = fixed
        .chain((0..meta.moments).map(moment))
        .chain(weights.map(|(index, _)| weights_of_note(index)))
        .chain([CHECKSUM.to_owned()]);
    for name in metadata.offset_keys() {
        let Some(expected) = expected.next() else {
            return refuse(format!("it has a tensor {name:?} too many"));
        };
        let info = metadata.info(&name).expect("it has this name");
        let (dtype, fits) = match &*expected {
            HISTORY => (Dtype::F64, matches!(info.shape[..], [_, COLUMNS])),
            CHECKSUM => (Dtype::U8, info.shape == [CHECKSUM_LEN]),
            other => match METRICS.into_iter().zip(meta.metrics()).find(|(name, _)| *name == other)
            {
                Some((_, metrics)) => (Dtype::F64, info.shape[..] == [epochs, metrics.len()]),
                None => (Dtype::F32, info.shape.len() == 1),
            },
        };
        if name != expected || info.dtype != dtype || !fits {
            return refuse(format!("it has a tensor {name:?} in the place of {expected:?}"));
        }
    }
    match expected.next() {
        Some(missing) => refuse(format!("it has no tensor {missing:?}")),
        None => Ok(()),
    }
}

fn floats(file: &mut impl Read, length: usize) -> Result<Vec<f32>, Trouble> {
    let mut values = vec![0.0f32; length];
    file.read_exact(bytemuck::cast_slice_mut(&mut values))?;
    if cfg!(target_endian = "big") {
        values.iter_mut().for_each(|v| *v = f32::from_bits(v.to_bits().swap_bytes()));
    }
    Ok(values)
}

fn history(file: &mut impl Read, numbers: usize) -> Result<Vec<Epoch>, Trouble> {
    let mut history = Vec::with_capacity(numbers / COLUMNS);
    for epoch in 1..=numbers / COLUMNS {
        let mut bytes = [[0; size_of::<f64>()]; COLUMNS];
        file.read_exact(bytes.as_flattened_mut())?;
        let [present, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds] =
            bytes.map(f64::from_le_bytes);
        let optional = |bit: u32, value| (present as u32 >> bit & 1 == 1).then_some(value);
        history.push(Epoch {
            epoch,
            loss,
            accuracy: optional(0, accuracy),
            val_loss: optional(1, val_loss),
            val_accuracy: optional(2, val_accuracy),
            metrics: MetricValues::default(),
            val_metrics: MetricValues::default(),
            learning_rate,
            seconds,
        });
    }
    Ok(history)
}

/// The other metrics of the history; nothing where there are none.
fn metrics(
    file: &mut impl Read,
    metrics: &[Metric],
    history: &mut [Epoch],
    of: impl Fn(&mut Epoch) -> &mut MetricValues,
) -> Result<(), Trouble> {
    if metrics.is_empty() {
        return Ok(());
    }
    let mut bytes = vec![[0; size_of::<f64>()]; metrics.len()];
    for epoch in history {
        file.read_exact(bytes.as_flattened_mut())?;
        let values = metrics.iter().copied().zip(bytes.iter().map(|&b| f64::from_le_bytes(b)));
        *of(epoch) = values.filter(|(_, value)| !value.is_nan()).collect();
    }
    Ok(())
}
