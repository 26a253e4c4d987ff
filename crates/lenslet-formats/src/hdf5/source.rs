//! A file's bytes, each of which may be read once.

use std::cell::Cell;

use super::damaged;
use super::fields::Fields;
use crate::FormatError;

/// The file, and how much of it may still be read.
///
/// The structures of a sound file do not overlap, so that all of them together are no longer than
/// the file. That bounds what reading costs, and ends what goes in circles.
pub(super) struct Source<'a> {
    bytes: &'a [u8],
    left: Cell<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, left: Cell::new(bytes.len()) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// `length` bytes at an address.
    pub(super) fn take(&self, at: u64, length: u64) -> Result<&'a [u8], FormatError> {
        let range = usize::try_from(at).ok().zip(usize::try_from(length).ok());
        let range = range.and_then(|(at, length)| Some(at..at.checked_add(length)?));
        let bytes = range.and_then(|range| self.bytes.get(range)).ok_or_else(|| {
            let end = self.bytes.len();
            damaged(format!("it names {length} bytes at {at}, but ends at {end}; it is cut short?"))
        })?;
        let left =
            self.left.get().checked_sub(bytes.len()).ok_or_else(|| {
                damaged("its parts overlap: together they are longer than the file")
            })?;
        self.left.set(left);
        Ok(bytes)
    }

    /// A structure of a known length.
    pub(super) fn fields(&self, at: u64, length: u64) -> Result<Fields<'a>, FormatError> {
        self.take(at, length).map(Fields)
    }
}
