//! Checkpoints as files.
//!
//! A file is a safetensors file: the history and other metrics (`F64`, a row per epoch), the parameters, the moments
//! and what callbacks keep (`F32`), last a checksum (`U8`) of every byte before it. One metadata
//! key holds everything else as canonical JSON.

mod meta;
mod read;
mod write;

use meta::Meta;
pub use read::{decode_checkpoint, read_checkpoint};
pub use write::encode_checkpoint;
pub(crate) use write::write_checkpoint;

/// The metadata key that holds the [`Meta`].
const KEY: &str = "lenslet_checkpoint";
/// The tensor of the checksum.
const CHECKSUM: &str = "checksum";
/// Bytes of the checksum: XXH3's, 128 bits, most significant byte first, as `xxh128sum` prints it.
const CHECKSUM_LEN: usize = 16;
/// Columns of the history; the first says by its bits which of the others there are.
const COLUMNS: usize = 7;

const HISTORY: &str = "history";
/// Of the metrics that the description names, over training and validation samples: a column each, NaN
/// where there is no value. Each only where it names any.
const METRICS: [&str; 2] = ["metrics", "val_metrics"];
const PARAMETERS: &str = "parameters";

fn moment(index: usize) -> String {
    format!("moments/{index}")
}

fn weights_of_note(index: usize) -> String {
    format!("callbacks/{index}/weights")
}
