//! The beginning of a file: where its root is.

use super::checksum::checksum;
use super::fields::{Fields, NOWHERE};
use super::source::Source;
use super::{damaged, unsupported};
use crate::FormatError;

pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The address of the root group's header.
pub(super) fn root(source: &Source<'_>) -> Result<u64, FormatError> {
    let start = source.take(0, 9.min(source.len() as u64))?;
    let Some(&version) = start.strip_prefix(SIGNATURE).and_then(|rest| rest.first()) else {
        return Err(damaged("it does not begin as HDF5 does; it is another kind of file"));
    };
    match version {
        0 => old(source.fields(9, 87)?, source, 0),
        1 => old(source.fields(9, 91)?, source, 1),
        2 | 3 => new(start, source.take(9, 39)?, source),
        other => Err(unsupported(format!("a superblock of version {other}"))),
    }
}

/// Versions 0 and 1.
fn old(mut f: Fields<'_>, source: &Source<'_>, version: u8) -> Result<u64, FormatError> {
    // Versions of free space and root entry; a reserved byte; of shared messages.
    if f.bytes(4)? != [0; 4] {
        return Err(unsupported("parts of a superblock of another version"));
    }
    eight_bytes(&mut f)?;
    f.skip(1)?;
    // Sizes of tree nodes, which say themselves how full they are; flags.
    f.skip(8)?;
    if version == 1 {
        f.skip(4)?;
    }
    ends(&mut f, source, |f| {
        let (_free_space, end) = (f.u64()?, f.u64()?);
        if f.u64()? != NOWHERE {
            return Err(unsupported("a driver information block: a file in several pieces"));
        }
        Ok(end)
    })?;
    let _name = f.u64()?;
    f.u64()
}

/// Versions 2 and 3.
fn new(start: &[u8], rest: &[u8], source: &Source<'_>) -> Result<u64, FormatError> {
    let (body, sum) = rest.split_at(rest.len() - 4);
    if Fields(sum).u32()? != checksum(&[start, body].concat()) {
        return Err(damaged("the superblock's checksum is wrong"));
    }
    let mut f = Fields(body);
    eight_bytes(&mut f)?;
    f.skip(1)?;
    ends(&mut f, source, |f| {
        if f.u64()? != NOWHERE {
            return Err(unsupported("a superblock extension"));
        }
        f.u64()
    })?;
    f.u64()
}

/// The sizes of addresses and lengths.
fn eight_bytes(f: &mut Fields<'_>) -> Result<(), FormatError> {
    match (f.u8()?, f.u8()?) {
        (8, 8) => Ok(()),
        (offsets, lengths) => {
            Err(unsupported(format!("addresses of {offsets} and lengths of {lengths} bytes")))
        }
    }
}

/// The file's base address and its end, as `end` finds it.
fn ends<'a>(
    f: &mut Fields<'a>,
    source: &Source<'_>,
    end: impl FnOnce(&mut Fields<'a>) -> Result<u64, FormatError>,
) -> Result<(), FormatError> {
    if f.u64()? != 0 {
        return Err(unsupported("a base address that is not 0"));
    }
    let end = end(f)?;
    if end > source.len() as u64 {
        let there = source.len();
        return Err(damaged(format!(
            "it should have {end} bytes, but has {there}: it is cut short"
        )));
    }
    Ok(())
}
