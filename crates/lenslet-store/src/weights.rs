//! Models with their parameters, written to safetensors files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use lenslet_model::Parameter;
use safetensors::tensor::{Dtype, View};

use crate::read::MOST_TEXT;
use crate::{ContentError, SavedModel, StoreError, atomic};

/// The metadata key that holds [`SavedModel::to_json`].
pub(crate) const KEY: &str = "lenslet";

/// Writes a model and its flat parameter buffer to a safetensors file, whole or not at all.
///
/// The file has one `F32` tensor per parameter, named and shaped as the network's parameters
/// are (`conv2d/kernel` in HWIO, `dense/bias`, ...), and one metadata key, `lenslet`, with the
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
    let bytes = safetensors::serialize(tensors, Some(metadata));
    let bytes = bytes.expect("a network's parameters are sound tensors");
    let (word, _) = bytes.split_first_chunk().expect("a file begins with a word");
    check_header_length(u64::from_le_bytes(*word))?;
    Ok(bytes)
}

pub(crate) fn check_header_length(length: u64) -> Result<(), ContentError> {
    if length <= MOST_TEXT {
        return Ok(());
    }
    Err(ContentError::weights(
        format!("its header is longer than {MOST_TEXT} bytes"),
        "it is no safetensors file, or too large a model",
    ))
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
        if cfg!(target_endian = "little") {
            return bytemuck::cast_slice(self.values).into();
        }
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}
