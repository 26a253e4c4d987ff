//! A model's weights from a file that has them as PyTorch does.

use lenslet_model::{Network, nearest};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::encode::KEY;
use super::places::{Content, Place, places};
use crate::FormatError;
use crate::permute::permuted;

/// The most bytes of a file's header, as for Lenslet's own weights (4 MiB).
const MOST_HEADER: usize = 4 << 20;

/// A safetensors file of a `state_dict`.
pub struct TorchFile<'a> {
    tensors: SafeTensors<'a>,
    description: Option<String>,
}

impl<'a> TorchFile<'a> {
    /// Reads the header: names, types and shapes.
    ///
    /// # Errors
    /// Where the bytes are no safetensors file, or are cut short. Nothing is taken from the header
    /// alone.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let damaged = |what: String| FormatError::damaged(what, "get or save it again");
        let header = bytes.first_chunk().map(|word| u64::from_le_bytes(*word));
        if header.is_none_or(|length| length > MOST_HEADER as u64) {
            return Err(damaged(format!(
                "it is no safetensors file, or its header is longer than {MOST_HEADER} bytes"
            )));
        }
        let not_one = |e| damaged(format!("it is no whole safetensors file: {e}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_one)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_one)?;
        let description = header.metadata().as_ref().and_then(|all| all.get(KEY).cloned());
        Ok(Self { tensors, description })
    }

    /// The canonical JSON of the model, where Lenslet has written the file.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Whether the tensors have Lenslet's names (`conv2d/kernel`), not PyTorch's.
    pub fn has_lenslets_names(&self) -> bool {
        self.tensors.names().iter().any(|name| name.contains('/'))
    }

    /// How many classes the file's `resnet18` or `mobilenet_v2` tells apart: the outputs of
    /// torchvision's last layer.
    pub fn classes(&self) -> Option<usize> {
        let last = ["fc.weight", "classifier.1.weight"];
        let tensor = last.iter().find_map(|name| self.tensors.tensor(name).ok())?;
        tensor.shape().first().copied()
    }

    /// The flat parameter buffer of `network`.
    ///
    /// # Errors
    /// Where a tensor is missing, one too many, of another type than F32 or of another shape: it
    /// is named.
    pub fn parameters(&self, network: &Network) -> Result<Vec<f32>, FormatError> {
        let places = places(network)?;
        self.check_names(&places)?;
        for place in &places {
            self.check(place)?;
        }
        let mut parameters = vec![0.0; network.parameter_count()];
        for Place { name, content, .. } in &places {
            let Ok(tensor) = self.tensors.tensor(name) else { continue };
            match content {
                Content::Parameter { range, dims, order } => {
                    parameters[range.clone()].copy_from_slice(&ours(&tensor, dims, order));
                }
                Content::Always(number) => {
                    if floats(&tensor).any(|x| x != *number) {
                        let what = format!(
                            "not all of {name:?} is {number}, but the model has no such parameter"
                        );
                        return Err(FormatError::unsupported(what, ANOTHER));
                    }
                }
                Content::Counter => {}
            }
        }
        Ok(parameters)
    }

    fn check_names(&self, places: &[Place]) -> Result<(), FormatError> {
        let known = |name: &str| places.iter().any(|place| place.name == name);
        let mut names = self.tensors.names();
        names.sort_unstable();
        match names.into_iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let near = nearest(name, places.iter().map(|place| place.name.as_str()));
                let near = near.map_or(String::new(), |near| format!(" (it has {near:?})"));
                let what = format!("it has a tensor {name:?}, which the model has not{near}");
                Err(FormatError::unsupported(what, ANOTHER))
            }
        }
    }

    fn check(&self, Place { name, shape, content }: &Place) -> Result<(), FormatError> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            // Old files do not count.
            if matches!(content, Content::Counter) {
                return Ok(());
            }
            return Err(FormatError::unsupported(format!("it has no tensor {name:?}"), ANOTHER));
        };
        if matches!(content, Content::Counter) {
            return Ok(());
        }
        if tensor.dtype() != Dtype::F32 {
            let what = format!("the tensor {name:?} is of type {}, not F32", tensor.dtype());
            return Err(FormatError::unsupported(what, "convert it to F32, with .float()"));
        }
        if tensor.shape() != shape {
            let came = tensor.shape();
            let what = format!("the tensor {name:?} has the shape {came:?}, not {shape:?}");
            return Err(FormatError::unsupported(what, ANOTHER));
        }
        Ok(())
    }
}

const ANOTHER: &str =
    "are these the weights of another model, or one for pictures of another size?";

fn floats<'a>(tensor: &TensorView<'a>) -> impl Iterator<Item = f32> + use<'a> {
    let (numbers, _) = tensor.data().as_chunks::<4>();
    numbers.iter().map(|&bytes| f32::from_le_bytes(bytes))
}

/// The tensor's numbers in the order in which the parameter of the shape `dims` has them.
fn ours(tensor: &TensorView<'_>, dims: &[usize], order: &[usize]) -> Vec<f32> {
    let theirs: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
    let mut back = vec![0; order.len()];
    for (axis, &from) in order.iter().enumerate() {
        back[from] = axis;
    }
    permuted(&floats(tensor).collect::<Vec<_>>(), &theirs, &back)
}
