//! Reading with a limit.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::{ContentError, StoreError};

/// The most bytes of a description, a configuration or the header of a weights file (4 MiB: some
/// ten thousand layers).
pub(crate) const MOST_TEXT: u64 = 4 << 20;

/// The bytes of the file at `path`, at most `limit` of them. Memory is bounded by the file's size.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let bytes = read_up_to(path, limit).map_err(|e| StoreError::io("read", path, e))?;
    bytes.ok_or_else(|| ContentError::TooLarge { limit }.at(path))
}

/// [`read()`] of UTF-8 text.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, StoreError> {
    String::from_utf8(read(path, limit)?).map_err(|e| {
        let what = format!("it is no text in UTF-8 (from byte {})", e.utf8_error().valid_up_to());
        ContentError::text(what, "is it another file?").at(path)
    })
}

/// `None`: there are more than `limit` bytes.
fn read_up_to(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    // Asked before opening: opening a pipe would wait for a writer.
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is a device or a pipe, not a file"));
    }
    if metadata.len() > limit {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // The file may have grown since.
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}
