//! A trained model's weights as PyTorch has them.

use std::borrow::Cow;
use std::collections::HashMap;

use lenslet_store::TrainedModel;
use safetensors::tensor::{Dtype, View};

use super::places::{Content, Place, places};
use crate::FormatError;
use crate::permute::permuted;

/// The metadata key that holds the model's canonical JSON, as in Lenslet's own weights.
pub(super) const KEY: &str = "lenslet";

/// A safetensors file with PyTorch's names and layouts.
///
/// Its metadata have the model's canonical JSON. The same model gives the same bytes.
///
/// # Errors
/// Where a layer behind a `Flatten` depends on the order of its numbers.
pub fn encode_torch(model: &TrainedModel) -> Result<Vec<u8>, FormatError> {
    let places = places(&model.network)?;
    let tensors = places.iter().map(|place| {
        (&place.name, Tensor { place, bytes: numbers(&place.content, place, &model.parameters) })
    });
    let metadata = HashMap::from([(KEY.to_owned(), model.saved.to_json())]);
    Ok(safetensors::serialize(tensors, Some(metadata)).expect("every tensor is as long as it says"))
}

fn numbers(content: &Content, place: &Place, parameters: &[f32]) -> Vec<u8> {
    let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    match content {
        Content::Parameter { range, dims, order } => {
            bytes(&permuted(&parameters[range.clone()], dims, order))
        }
        Content::Always(number) => bytes(&vec![*number; place.shape.iter().product()]),
        Content::Counter => 0i64.to_le_bytes().to_vec(),
    }
}

struct Tensor<'a> {
    place: &'a Place,
    bytes: Vec<u8>,
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        if matches!(self.place.content, Content::Counter) { Dtype::I64 } else { Dtype::F32 }
    }

    fn shape(&self) -> &[usize] {
        &self.place.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
