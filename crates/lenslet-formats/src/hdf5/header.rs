//! An object's header: messages that say what it is.

use super::checksum::checksum;
use super::fields::Fields;
use super::group::{Link, link};
use super::source::Source;
use super::{damaged, unsupported};
use crate::FormatError;

/// What a message is about, by its number in the specification.
pub(super) mod kind {
    pub(crate) const DATASPACE: u16 = 0x01;
    pub(crate) const LINK_INFO: u16 = 0x02;
    pub(crate) const DATATYPE: u16 = 0x03;
    pub(crate) const FILL_VALUE: u16 = 0x05;
    pub(crate) const LINK: u16 = 0x06;
    pub(crate) const LAYOUT: u16 = 0x08;
    pub(crate) const GROUP_INFO: u16 = 0x0A;
    pub(crate) const CONTINUATION: u16 = 0x10;
    pub(crate) const SYMBOL_TABLE: u16 = 0x11;
}

/// The messages that matter; each but the links at most once.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) dataspace: Option<Fields<'a>>,
    pub(super) datatype: Option<Fields<'a>>,
    pub(super) layout: Option<Fields<'a>>,
    pub(super) link_info: Option<Fields<'a>>,
    pub(super) symbol_table: Option<Fields<'a>>,
    pub(super) links: Vec<Link<'a>>,
}

/// The header at an address.
pub(super) fn header<'a>(source: &Source<'a>, at: u64) -> Result<Header<'a>, FormatError> {
    let start = source.take(at, 4)?;
    let mut found = Header::default();
    if start == b"OHDR" {
        new(source, at, &mut found)?;
    } else if start[..2] == [1, 0] {
        old(source, at, start, &mut found)?;
    } else {
        return Err(damaged(format!("no object is at {at}, where one should be")));
    }
    Ok(found)
}

/// Version 1: messages on eight bytes.
fn old<'a>(
    source: &Source<'a>,
    at: u64,
    start: &[u8],
    found: &mut Header<'a>,
) -> Result<(), FormatError> {
    let mut count = usize::from(u16::from_le_bytes([start[2], start[3]]));
    let mut f = source.fields(at + 4, 12)?;
    let (_references, size) = (f.u32()?, f.u32()?);
    let mut blocks = vec![(at + 16, u64::from(size))];
    while let Some((at, size)) = blocks.pop() {
        let mut f = source.fields(at, size)?;
        while count > 0 && f.0.len() >= 8 {
            let (kind, size, flags) = (f.u16()?, f.u16()?, f.u8()?);
            f.skip(3)?;
            let body = Fields(f.bytes(size.into())?);
            count -= 1;
            take(kind, flags, body, found, &mut blocks)?;
        }
    }
    if count > 0 {
        return Err(damaged(format!("{count} messages of an object's header are missing")));
    }
    Ok(())
}

/// Version 2: with checksums.
fn new<'a>(source: &Source<'a>, at: u64, found: &mut Header<'a>) -> Result<(), FormatError> {
    let head = source.take(at + 4, 2)?;
    let (version, flags) = (head[0], head[1]);
    if version != 2 {
        return Err(unsupported(format!("an object header of version {version}")));
    }
    let width = 1usize << (flags & 3);
    let times = if flags & 0x20 == 0 { 0 } else { 16 };
    let limits = if flags & 0x10 == 0 { 0 } else { 4 };
    let order = if flags & 0x04 == 0 { 0 } else { 2 };
    let rest = source.take(at + 6, (times + limits + width) as u64)?;
    let size = Fields(&rest[times + limits..]).number(width)?;
    let body = at + 6 + rest.len() as u64;
    let block = source.take(body, size)?;
    let sum = source.fields(body + size, 4)?;
    check(&[b"OHDR", head, rest, block], sum)?;
    let mut blocks = Vec::new();
    in_block(block, order, found, &mut blocks)?;
    while let Some((at, size)) = blocks.pop() {
        let size = size.checked_sub(8).ok_or_else(|| damaged("a continuation of no length"))?;
        let start = source.take(at, 4)?;
        Fields(start).signature(b"OCHK")?;
        let block = source.take(at + 4, size)?;
        check(&[start, block], source.fields(at + 4 + size, 4)?)?;
        in_block(block, order, found, &mut blocks)?;
    }
    Ok(())
}

fn check(parts: &[&[u8]], mut sum: Fields<'_>) -> Result<(), FormatError> {
    if sum.u32()? == checksum(&parts.concat()) {
        return Ok(());
    }
    Err(damaged("the checksum of an object's header is wrong"))
}

fn in_block<'a>(
    block: &'a [u8],
    order: usize,
    found: &mut Header<'a>,
    blocks: &mut Vec<(u64, u64)>,
) -> Result<(), FormatError> {
    let mut f = Fields(block);
    // What is too short for a message is a gap.
    while f.0.len() >= 4 + order {
        let (kind, size, flags) = (f.u8()?, f.u16()?, f.u8()?);
        f.skip(order)?;
        take(kind.into(), flags, Fields(f.bytes(size.into())?), found, blocks)?;
    }
    Ok(())
}

/// Keeps a message that matters, notes a continuation, refuses what is not known.
fn take<'a>(
    kind: u16,
    flags: u8,
    mut fields: Fields<'a>,
    found: &mut Header<'a>,
    blocks: &mut Vec<(u64, u64)>,
) -> Result<(), FormatError> {
    const SHARED: u8 = 2;
    let refused = match kind {
        kind::CONTINUATION => {
            blocks.push((fields.u64()?, fields.u64()?));
            return Ok(());
        }
        kind::LINK => {
            found.links.push(link(fields)?);
            return Ok(());
        }
        _ if flags & SHARED != 0 && found.place(kind).is_some() => {
            "a message that several objects share"
        }
        // Nothing; fill values; how groups grow; attributes; comments; times; attributes again;
        // how many links there are to the object.
        0x00 | 0x04 | 0x05 | 0x0A | 0x0C | 0x0D | 0x0E | 0x12 | 0x15 | 0x16 => return Ok(()),
        0x07 => "external data: numbers in other files",
        0x0B => "a filter, as for compressed data",
        0x0F => "a table of shared messages",
        0x14 => "driver information",
        other => match found.place(other) {
            Some(place) if place.is_none() => {
                *place = Some(fields);
                return Ok(());
            }
            Some(_) => return Err(damaged("an object says twice what it is")),
            None => return Err(unsupported(format!("a message of the unknown type {other:#x}"))),
        },
    };
    Err(unsupported(refused))
}

impl<'a> Header<'a> {
    fn place(&mut self, kind: u16) -> Option<&mut Option<Fields<'a>>> {
        Some(match kind {
            kind::DATASPACE => &mut self.dataspace,
            kind::DATATYPE => &mut self.datatype,
            kind::LAYOUT => &mut self.layout,
            kind::LINK_INFO => &mut self.link_info,
            kind::SYMBOL_TABLE => &mut self.symbol_table,
            _ => return None,
        })
    }
}
