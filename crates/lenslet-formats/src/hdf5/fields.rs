//! Fields one after the other.

use super::damaged;
use crate::FormatError;

/// The address that stands for "nowhere".
pub(super) const NOWHERE: u64 = u64::MAX;

/// What is left of a structure.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let (bytes, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| damaged("a structure ends in the middle of a field"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, length: usize) -> Result<(), FormatError> {
        self.bytes(length).map(|_| ())
    }

    /// The rest of the structure.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// An unsigned number of one to eight bytes, the least first.
    pub(super) fn number(&mut self, length: usize) -> Result<u64, FormatError> {
        let mut word = [0; 8];
        word[..length].copy_from_slice(self.bytes(length)?);
        Ok(u64::from_le_bytes(word))
    }

    pub(super) fn u8(&mut self) -> Result<u8, FormatError> {
        Ok(self.bytes(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, FormatError> {
        Ok(self.number(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32, FormatError> {
        Ok(self.number(4)? as u32)
    }

    pub(super) fn u64(&mut self) -> Result<u64, FormatError> {
        self.number(8)
    }

    /// Bytes that must be there.
    pub(super) fn signature(&mut self, expected: &[u8]) -> Result<(), FormatError> {
        if self.bytes(expected.len())? == expected {
            return Ok(());
        }
        Err(damaged(format!("no {} is where one should be", expected.escape_ascii())))
    }
}
