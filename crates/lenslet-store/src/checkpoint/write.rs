//! From a checkpoint to bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::iter;
use std::path::Path;

use lenslet_model::Metric;
use lenslet_train::{Checkpoint, Epoch, MetricValues};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    CHECKSUM, CHECKSUM_LEN, COLUMNS, HISTORY, KEY, METRICS, Meta, PARAMETERS, moment,
    weights_of_note,
};
use crate::files::Files;
use crate::weights::check_header_length;
use crate::{ContentError, StoreError, atomic};

/// Writes a checkpoint of the training with these `settings`, whole or not at all.
pub(crate) fn write_checkpoint(
    files: &dyn Files,
    path: &Path,
    checkpoint: &Checkpoint,
    settings: &str,
) -> Result<(), StoreError> {
    let parts = Parts::of(checkpoint, settings).map_err(|e| e.at(path))?;
    atomic::write_parts(files, path, parts.sealed())
}

/// The bytes of a checkpoint's file, which [`read_checkpoint`](super::read_checkpoint) reads.
/// `settings` is the digest of what the training was told: see
/// [`RunConfig::digest`](crate::RunConfig::digest).
///
/// # Errors
/// Where there is so much that is no array that it could not be read again: more than 4 MiB.
pub fn encode_checkpoint(checkpoint: &Checkpoint, settings: &str) -> Result<Vec<u8>, ContentError> {
    let mut bytes = Vec::new();
    Parts::of(checkpoint, settings)?.sealed().for_each(|block| bytes.extend_from_slice(&block));
    Ok(bytes)
}

/// What a file consists of; the arrays are where they were, not copied.
struct Parts<'a> {
    head: Vec<u8>,
    arrays: Vec<Cow<'a, [u8]>>,
}

/// Bytes of a block: they stay in the cache from the checksum to the file.
const BLOCK: usize = 1 << 18;

impl<'a> Parts<'a> {
    fn of(checkpoint: &'a Checkpoint, settings: &str) -> Result<Self, ContentError> {
        let meta = Meta::new(checkpoint, settings);
        let arrays = arrays(checkpoint, meta.metrics());
        let mut infos = Vec::with_capacity(arrays.len() + 1);
        let mut end = 0;
        let mut place = |bytes| {
            let start = end;
            end += bytes;
            (start, end)
        };
        for Array { name, dtype, shape, bytes } in &arrays {
            let data_offsets = place(bytes.len());
            let info = TensorInfo { dtype: *dtype, shape: shape.clone(), data_offsets };
            infos.push((name.clone(), info));
        }
        let data_offsets = place(CHECKSUM_LEN);
        let info = TensorInfo { dtype: Dtype::U8, shape: vec![CHECKSUM_LEN], data_offsets };
        infos.push((CHECKSUM.to_owned(), info));

        let meta = serde_json::to_string(&meta);
        let meta = meta.expect("a checkpoint is plain data");
        let head = head(HashMap::from([(KEY.to_owned(), meta)]), infos)?;
        Ok(Self { head, arrays: arrays.into_iter().map(|array| array.bytes).collect() })
    }

    /// The file's bytes, block by block, and the checksum of all before it last.
    fn sealed(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let parts = iter::once(&self.head[..]).chain(self.arrays.iter().map(|array| &**array));
        let mut blocks = parts.flat_map(|part| part.chunks(BLOCK));
        let mut hasher = Some(Xxh3Default::new());
        iter::from_fn(move || match blocks.next() {
            Some(block) => {
                hasher.as_mut()?.update(block);
                Some(block.into())
            }
            None => Some(hasher.take()?.digest128().to_be_bytes().to_vec().into()),
        })
    }
}

/// The length of the header, and the header.
fn head(
    metadata: HashMap<String, String>,
    infos: Vec<(String, TensorInfo)>,
) -> Result<Vec<u8>, ContentError> {
    let metadata = Metadata::new(Some(metadata), infos).expect("tensors follow one another");
    let mut header = serde_json::to_vec(&metadata).expect("a header is plain data");
    // Numbers begin at multiples of their size.
    header.resize(header.len().next_multiple_of(8), b' ');
    check_header_length(header.len() as u64)?;
    let mut head = (header.len() as u64).to_le_bytes().to_vec();
    head.append(&mut header);
    Ok(head)
}

/// An array with a name.
struct Array<'a> {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

fn arrays<'a>(checkpoint: &'a Checkpoint, metrics: [&[Metric]; 2]) -> Vec<Array<'a>> {
    let rows = checkpoint.history.iter().flat_map(row);
    let mut arrays = vec![Array {
        name: HISTORY.to_owned(),
        dtype: Dtype::F64,
        shape: vec![checkpoint.history.len(), COLUMNS],
        bytes: rows.flat_map(f64::to_le_bytes).collect(),
    }];
    let history = &checkpoint.history;
    let [training, validation] = metrics;
    arrays.extend(table(METRICS[0], history, |epoch| &epoch.metrics, training));
    arrays.extend(table(METRICS[1], history, |epoch| &epoch.val_metrics, validation));
    arrays.push(floats(PARAMETERS.to_owned(), &checkpoint.state.parameters));
    let moments = checkpoint.state.moments.iter().enumerate();
    arrays.extend(moments.map(|(i, values)| floats(moment(i), values)));
    let notes = checkpoint.memory.notes.iter().enumerate();
    let weights = notes.filter(|(_, note)| !note.weights.is_empty());
    arrays.extend(weights.map(|(i, note)| floats(weights_of_note(i), &note.weights)));
    arrays
}

/// The values of some metrics, a row for each epoch; none where there are no metrics.
fn table(
    name: &str,
    history: &[Epoch],
    of: fn(&Epoch) -> &MetricValues,
    metrics: &[Metric],
) -> Option<Array<'static>> {
    let values = history.iter().flat_map(|epoch| {
        metrics.iter().map(move |&metric| of(epoch).get(metric).unwrap_or(f64::NAN))
    });
    let (shape, bytes) =
        (vec![history.len(), metrics.len()], values.flat_map(f64::to_le_bytes).collect());
    let table = Array { name: name.to_owned(), dtype: Dtype::F64, shape, bytes };
    (!metrics.is_empty()).then_some(table)
}

fn floats(name: String, values: &[f32]) -> Array<'_> {
    Array { name, dtype: Dtype::F32, shape: vec![values.len()], bytes: bytes_of(values) }
}

/// Little-endian, as the format has it.
fn bytes_of(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return bytemuck::cast_slice(values).into();
    }
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// An epoch of the history. A number that is none is another thing than one that is not there.
fn row(epoch: &Epoch) -> [f64; COLUMNS] {
    let Epoch { accuracy, val_loss, val_accuracy, .. } = *epoch;
    let optional = [accuracy, val_loss, val_accuracy];
    let bits = (0..).zip(optional).map(|(bit, value)| u32::from(value.is_some()) << bit);
    let present = f64::from(bits.sum::<u32>());
    let [accuracy, val_loss, val_accuracy] = optional.map(Option::unwrap_or_default);
    let Epoch { loss, learning_rate, seconds, .. } = *epoch;
    [present, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds]
}
