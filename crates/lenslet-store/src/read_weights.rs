//! Models with their parameters, read from safetensors files.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use lenslet_model::{Network, Parameter, nearest};
use safetensors::tensor::{Dtype, Metadata};

use crate::read::{MOST_TEXT, open};
use crate::weights::{KEY, check_header_length};
use crate::{ContentError, SavedModel, StoreError};

/// Bytes of the word that says how long the header is.
const WORD: u64 = 8;
/// The most bytes of a file: 2^30 parameters, a network's most, and the header.
const MOST_BYTES: u64 = (4 << 30) + MOST_TEXT + WORD;

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

/// A file of [`write_weights`](crate::write_weights) of which all but the parameters has been read:
/// these come straight to where they are wanted.
#[derive(Debug)]
pub struct WeightsFile {
    /// The description.
    pub saved: SavedModel,
    /// The network that it builds.
    pub network: Network,
    path: PathBuf,
    file: File,
    ranges: Vec<Range<usize>>,
}

impl WeightsFile {
    /// Opens a file and reads the description.
    ///
    /// # Errors
    /// As [`decode_weights`], or where the file cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (mut file, length) = open(path, MOST_BYTES)?;
        let (saved, network, ranges) = described(&mut file, length).map_err(|e| e.at(path))?;
        Ok(Self { saved, network, path: path.to_owned(), file, ranges })
    }

    /// Reads the network's flat parameter buffer.
    ///
    /// # Errors
    /// Where the file cannot be read to its end.
    ///
    /// # Panics
    /// Where `parameters` has another length than the network's flat buffer.
    pub fn read_parameters(mut self, parameters: &mut [f32]) -> Result<(), StoreError> {
        assert_eq!(parameters.len(), self.network.parameter_count());
        read_tensors(&mut self.file, &self.ranges, parameters).map_err(|e| e.at(&self.path))
    }
}

/// Reads what [`write_weights`](crate::write_weights) wrote.
///
/// # Errors
/// As [`decode_weights`], or where the file cannot be read.
pub fn read_weights(path: &Path) -> Result<TrainedModel, StoreError> {
    let file = WeightsFile::open(path)?;
    let (saved, network) = (file.saved.clone(), file.network.clone());
    let mut parameters = vec![0.0; network.parameter_count()];
    file.read_parameters(&mut parameters)?;
    Ok(TrainedModel { saved, network, parameters })
}

/// Reads the bytes of [`encode_weights`](crate::encode_weights). Values that are no finite numbers
/// are kept: they tell how a training ended.
///
/// # Errors
/// Where the bytes are cut short or damaged, the header is longer than 4 MiB, the description is
/// missing or refused, or a tensor is missing, of another shape or type, or one too many. Memory
/// is bounded by the bytes that are there, whatever the header says.
pub fn decode_weights(mut bytes: &[u8]) -> Result<TrainedModel, ContentError> {
    let length = bytes.len() as u64;
    let (saved, network, ranges) = described(&mut bytes, length).map_err(Trouble::content)?;
    let mut parameters = vec![0.0; network.parameter_count()];
    read_tensors(&mut bytes, &ranges, &mut parameters).map_err(Trouble::content)?;
    Ok(TrainedModel { saved, network, parameters })
}

/// The flat parameter buffer of `network` from the bytes of any safetensors file that has its
/// tensors, whoever wrote it; metadata are ignored.
///
/// # Errors
/// As [`decode_weights`], but for the description.
pub fn read_parameters(mut bytes: &[u8], network: &Network) -> Result<Vec<f32>, ContentError> {
    let length = bytes.len() as u64;
    let metadata = header(&mut bytes, length).map_err(Trouble::content)?;
    let ranges = ranges(&metadata, network)?;
    let mut parameters = vec![0.0; network.parameter_count()];
    read_tensors(&mut bytes, &ranges, &mut parameters).map_err(Trouble::content)?;
    Ok(parameters)
}

/// Why reading ends.
pub(crate) enum Trouble {
    Io(io::Error),
    Content(ContentError),
}

impl From<ContentError> for Trouble {
    fn from(error: ContentError) -> Self {
        Self::Content(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::UnexpectedEof {
            Self::Content(not_whole())
        } else {
            Self::Io(error)
        }
    }
}

impl Trouble {
    pub(crate) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Io(error) => StoreError::io("read", path, error),
            Self::Content(error) => error.at(path),
        }
    }

    /// In bytes that are in memory.
    pub(crate) fn content(self) -> ContentError {
        match self {
            Self::Io(error) => unreachable!("nothing but the end ends a slice: {error}"),
            Self::Content(error) => error,
        }
    }
}

pub(crate) fn not_whole() -> ContentError {
    ContentError::weights(
        "it is not whole: it holds fewer or more bytes than its header says",
        "get or save it again",
    )
}

/// The description at the beginning of a file of `length` bytes, the network that it builds, and
/// which numbers of its flat buffer the tensors hold, in the order in which they follow.
fn described(
    file: impl Read,
    length: u64,
) -> Result<(SavedModel, Network, Vec<Range<usize>>), Trouble> {
    let metadata = header(file, length)?;
    let texts = metadata.metadata().as_ref();
    let text = texts.and_then(|all| all.get(KEY)).ok_or_else(|| {
        let what = format!("it has no description of its model (metadata key `{KEY}`)");
        ContentError::weights(what, "give a file that Lenslet has saved")
    })?;
    if let Some(key) = texts.into_iter().flat_map(HashMap::keys).find(|key| *key != KEY) {
        let what = format!("its metadata has the key {key:?}, which is not known");
        return Err(ContentError::weights(what, format!("keep `{KEY}` alone")).into());
    }
    let (saved, network) = SavedModel::parse(text)?;
    let ranges = ranges(&metadata, &network)?;
    Ok((saved, network, ranges))
}

/// The header of a file of `length` bytes, whose tensors fill all that comes after it.
pub(crate) fn header(mut file: impl Read, length: u64) -> Result<Metadata, Trouble> {
    let mut word = [0; WORD as usize];
    file.read_exact(&mut word)?;
    let header = u64::from_le_bytes(word);
    check_header_length(header)?;
    let start = WORD + header;
    if start > length {
        return Err(not_whole().into());
    }
    let mut text = vec![0; header as usize];
    file.read_exact(&mut text)?;
    // It makes sure that no tensor overlaps the next, that there is no gap between them, and that
    // each is as long as its shape and type say.
    let metadata: Metadata = serde_json::from_slice(&text).map_err(|error| {
        ContentError::weights(
            format!("it is no safetensors file, or damaged: {error}"),
            "get or save it again",
        )
    })?;
    if start.checked_add(metadata.data_len() as u64) != Some(length) {
        return Err(not_whole().into());
    }
    Ok(metadata)
}

/// Which numbers of the network's flat buffer the tensors hold, in the order in which they follow.
fn ranges(metadata: &Metadata, network: &Network) -> Result<Vec<Range<usize>>, ContentError> {
    check_tensors(metadata, network)?;
    let start = |p: &&Parameter| metadata.info(&p.name).expect("it was checked").data_offsets;
    let mut parameters: Vec<_> = network.parameters().iter().collect();
    parameters.sort_by_key(start);
    Ok(parameters.into_iter().map(|parameter| parameter.range.clone()).collect())
}

/// Reads tensors that follow one another.
fn read_tensors(
    mut file: impl Read,
    ranges: &[Range<usize>],
    parameters: &mut [f32],
) -> Result<(), Trouble> {
    for range in ranges {
        let values = &mut parameters[range.clone()];
        file.read_exact(bytemuck::cast_slice_mut(values))?;
        if cfg!(target_endian = "big") {
            values.iter_mut().for_each(|v| *v = f32::from_bits(v.to_bits().swap_bytes()));
        }
    }
    Ok(())
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
