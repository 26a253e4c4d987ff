//! Reading with a limit.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::{ContentError, StoreError};

/// The most bytes of a description, a configuration or the header of a weights file (4 MiB: some
/// ten thousand layers).
pub(crate) const MOST_TEXT: u64 = 4 << 20;

/// The file at `path`, of at most `limit` bytes, and how many it has.
pub(crate) fn open(path: &Path, limit: u64) -> Result<(File, u64), StoreError> {
    let trouble = |e| StoreError::io("read", path, e);
    // Asked before opening: opening a pipe would wait for a writer.
    let metadata = fs::metadata(path).map_err(trouble)?;
    if metadata.is_dir() {
        return Err(trouble(ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err(trouble(io::Error::other("it is a device or a pipe, not a file")));
    }
    if metadata.len() > limit {
        return Err(ContentError::TooLarge { limit }.at(path));
    }
    Ok((File::open(path).map_err(trouble)?, metadata.len()))
}

/// The bytes of the file at `path`, at most `limit` of them. Memory is bounded by the file's size.
///
/// # Errors
/// Where it holds more, is no file, or cannot be read.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let (file, length) = open(path, limit)?;
    let mut bytes = Vec::with_capacity(length as usize);
    // The file may have grown since.
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|e| StoreError::io("read", path, e))?;
    if bytes.len() as u64 > limit {
        return Err(ContentError::TooLarge { limit }.at(path));
    }
    Ok(bytes)
}

/// [`read()`] of UTF-8 text.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, StoreError> {
    String::from_utf8(read(path, limit)?).map_err(|e| {
        let what = format!("it is no text in UTF-8 (from byte {})", e.utf8_error().valid_up_to());
        ContentError::text(what, "is it another file?").at(path)
    })
}
