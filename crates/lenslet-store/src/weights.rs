//! Models with their parameters, in safetensors files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use lenslet_model::{Network, Parameter, nearest};
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors, View};

use crate::read::{MOST_TEXT, read};
use crate::{ContentError, SavedModel, StoreError, atomic};

/// The metadata key that holds [`SavedModel::to_json`].
const KEY: &str = "lenslet";
/// Bytes of the word that says how long the header is.
const WORD: usize = 8;
/// The most bytes of a file: 2^30 parameters, a network's most, and the header.
const MOST_BYTES: u64 = (4 << 30) + MOST_TEXT + WORD as u64;

/// A model as it is read from a file, ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedModel {
    /// The description.
    pub saved: SavedModel,
    /// The network that it builds.
    pub network: Network,
    /// The network's flat parameter buffer.
    pub parameters: Vec<f32>,
}

/// Writes a model and its flat parameter buffer to a safetensors file, whole or not at all.
///
/// The file has one `F32` tensor per parameter, named and shaped as [`Network::parameters`] has
/// them (`conv2d/kernel` in HWIO, `dense/bias`, ...), and one metadata key, `lenslet`, with the
/// canonical JSON. The same model and parameters give the same bytes.
///
/// # Errors
/// As [`encode_weights`] and [`write`](crate::write()).
pub fn write_weights(
    path: &Path,
    saved: &SavedModel,
    parameters: &[f32],
) -> Result<(), StoreError> {
    atomic::write(path, &encode_weights(saved, parameters).map_err(|e| e.at(path))?)
}

/// Reads what [`write_weights`] wrote.
///
/// # Errors
/// As [`decode_weights`], or where the file cannot be read.
pub fn read_weights(path: &Path) -> Result<TrainedModel, StoreError> {
    decode_weights(&read(path, MOST_BYTES)?).map_err(|e| e.at(path))
}

/// The bytes that [`write_weights`] writes.
///
/// # Errors
/// Where the model fails [`SavedModel::check`] or is too large to be read again, or where
/// `parameters` is not as long as the network's flat buffer.
pub fn encode_weights(saved: &SavedModel, parameters: &[f32]) -> Result<Vec<u8>, ContentError> {
    let network = saved.check()?;
    if parameters.len() != network.parameter_count() {
        let expected = network.parameter_count();
        let what = format!("{} parameters came, the network has {expected}", parameters.len());
        return Err(ContentError::weights(what, "give those of this network"));
    }
    let tensors = network.parameters().iter().map(|parameter| {
        (&parameter.name, Tensor { parameter, values: &parameters[parameter.range.clone()] })
    });
    let metadata = HashMap::from([(KEY.to_owned(), saved.to_json())]);
    let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(refused)?;
    check_header_length(&bytes)?;
    Ok(bytes)
}

/// Reads the bytes of [`encode_weights`]. Values that are no finite numbers are kept: they tell
/// how a training ended.
///
/// # Errors
/// Where the bytes are cut short or damaged, the header is longer than 4 MiB, the description is
/// missing or refused, or a tensor is missing, of another shape or type, or one too many. Memory
/// is bounded by the bytes that are there, whatever the header says.
pub fn decode_weights(bytes: &[u8]) -> Result<TrainedModel, ContentError> {
    let (metadata, data) = open(bytes)?;
    let texts = metadata.metadata().as_ref();
    let text = texts.and_then(|all| all.get(KEY)).ok_or_else(|| {
        let what = format!("it has no description of its model (metadata key `{KEY}`)");
        ContentError::weights(what, "give a file that Lenslet has saved")
    })?;
    if let Some(key) = texts.into_iter().flat_map(HashMap::keys).find(|key| *key != KEY) {
        let what = format!("its metadata has the key {key:?}, which is not known");
        return Err(ContentError::weights(what, format!("keep `{KEY}` alone")));
    }
    let (saved, network) = SavedModel::parse(text)?;
    let parameters = parameters(&metadata, data, &network)?;
    Ok(TrainedModel { saved, network, parameters })
}

/// The flat parameter buffer of `network` from the bytes of any safetensors file that has its
/// tensors, whoever wrote it; metadata are ignored.
///
/// # Errors
/// As [`decode_weights`], but for the description.
pub fn read_parameters(bytes: &[u8], network: &Network) -> Result<Vec<f32>, ContentError> {
    let (metadata, data) = open(bytes)?;
    parameters(&metadata, data, network)
}

/// The header, and the bytes of the tensors, which fill what comes after it exactly.
fn open(bytes: &[u8]) -> Result<(Metadata, &[u8]), ContentError> {
    check_header_length(bytes)?;
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(refused)?;
    Ok((metadata, &bytes[WORD + header..]))
}

fn check_header_length(bytes: &[u8]) -> Result<(), ContentError> {
    match bytes.first_chunk() {
        Some(&word) if u64::from_le_bytes(word) > MOST_TEXT => Err(ContentError::weights(
            format!("its header is longer than {MOST_TEXT} bytes"),
            "it is no safetensors file, or too large a model",
        )),
        _ => Ok(()),
    }
}

fn refused(error: SafeTensorError) -> ContentError {
    use SafeTensorError::{HeaderTooSmall, InvalidHeaderLength, MetadataIncompleteBuffer};
    match error {
        HeaderTooSmall | InvalidHeaderLength | MetadataIncompleteBuffer => ContentError::weights(
            "it is not whole: it holds fewer or more bytes than its header says",
            "get or save it again",
        ),
        error => ContentError::weights(
            format!("it is no safetensors file, or damaged: {error}"),
            "get or save it again",
        ),
    }
}

fn parameters(
    metadata: &Metadata,
    data: &[u8],
    network: &Network,
) -> Result<Vec<f32>, ContentError> {
    check_tensors(metadata, network)?;
    // As many as there are bytes for: every shape agrees, and the tensors fill the file.
    let mut values = vec![0.0; network.parameter_count()];
    for parameter in network.parameters() {
        let (start, end) = metadata.info(&parameter.name).expect("it was checked").data_offsets;
        let (words, _) = data[start..end].as_chunks();
        for (value, &word) in values[parameter.range.clone()].iter_mut().zip(words) {
            *value = f32::from_le_bytes(word);
        }
    }
    Ok(values)
}

/// Refuses tensors that are not those of `network`: names, types, shapes, and no others.
fn check_tensors(metadata: &Metadata, network: &Network) -> Result<(), ContentError> {
    let another = "are these the weights of another model?";
    let names = metadata.offset_keys();
    for Parameter { name, shape, .. } in network.parameters() {
        let Some(info) = metadata.info(name) else {
            let near = nearest(name, names.iter().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!(" (there is {near:?})"));
            return Err(ContentError::weights(format!("it has no tensor {name:?}{near}"), another));
        };
        if info.dtype != Dtype::F32 {
            let what = format!("the tensor {name:?} is of type {}, not F32", info.dtype);
            return Err(ContentError::weights(what, "convert it to F32"));
        }
        if info.shape != *shape {
            let came = &info.shape;
            let what = format!("the tensor {name:?} has the shape {came:?}, not {shape:?}");
            return Err(ContentError::weights(what, another));
        }
    }
    let known = |name: &String| network.parameters().iter().any(|p| p.name == *name);
    // All of the network's are there, so that a look at every name is needed only to refuse.
    if names.len() > network.parameters().len() {
        let extra = names.iter().find(|name| !known(name)).expect("there is one more");
        let what = format!("it has a tensor {extra:?}, which the model has not");
        return Err(ContentError::weights(what, another));
    }
    Ok(())
}

/// A parameter as the format wants it.
struct Tensor<'a> {
    parameter: &'a Parameter,
    values: &'a [f32],
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.parameter.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}
