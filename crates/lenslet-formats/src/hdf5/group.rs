//! What a group holds: names and the addresses of objects.

use super::fields::{Fields, NOWHERE};
use super::header::Header;
use super::source::Source;
use super::{damaged, unsupported};
use crate::FormatError;

/// The most bytes of a name.
const MOST_NAME: usize = 1024;
/// The most levels of a tree: more than any file of Keras's needs.
const MOST_LEVELS: u8 = 8;

/// A hard link.
pub(super) struct Link<'a> {
    pub(super) name: &'a str,
    pub(super) address: u64,
}

/// The links of a group, or `None` where the header is not a group's.
pub(super) fn links<'a>(
    source: &Source<'a>,
    header: &mut Header<'a>,
) -> Result<Option<Vec<Link<'a>>>, FormatError> {
    let mut links = std::mem::take(&mut header.links);
    if let Some(mut fields) = header.link_info {
        link_info(&mut fields)?;
    }
    if let Some(fields) = header.symbol_table {
        symbol_table(source, fields, &mut links)?;
    }
    let is_group = header.link_info.is_some() || header.symbol_table.is_some();
    Ok(is_group.then_some(links))
}

/// Links in the header itself are a message each; elsewhere they are in a heap.
fn link_info(f: &mut Fields<'_>) -> Result<(), FormatError> {
    let (version, flags) = (f.u8()?, f.u8()?);
    if version != 0 {
        return Err(unsupported(format!("link information of version {version}")));
    }
    if flags & 1 != 0 {
        f.skip(8)?;
    }
    if f.u64()? != NOWHERE {
        return Err(unsupported("a group with its links in a fractal heap"));
    }
    Ok(())
}

/// A link message.
pub(super) fn link<'a>(mut f: Fields<'a>) -> Result<Link<'a>, FormatError> {
    let (version, flags) = (f.u8()?, f.u8()?);
    if version != 1 {
        return Err(unsupported(format!("a link of version {version}")));
    }
    let link_kind = if flags & 0x08 == 0 { 0 } else { f.u8()? };
    if flags & 0x04 != 0 {
        f.skip(8)?;
    }
    if flags & 0x10 != 0 {
        f.skip(1)?;
    }
    let length = f.number(1 << (flags & 3))?;
    let length = usize::try_from(length).map_err(|_| damaged("a link's name has no end"))?;
    let name = name(f.bytes(length)?)?;
    match link_kind {
        0 => Ok(Link { name, address: f.u64()? }),
        1 => Err(soft(name)),
        64 => Err(unsupported(format!("an external link, {name:?}, to another file"))),
        other => Err(unsupported(format!("a link, {name:?}, of the unknown type {other}"))),
    }
}

fn soft(name: &str) -> FormatError {
    unsupported(format!("a soft link, {name:?}"))
}

fn name(bytes: &[u8]) -> Result<&str, FormatError> {
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("a name is no UTF-8"))?;
    if text.is_empty() || text.len() > MOST_NAME || text.contains(['/', '\0']) {
        return Err(damaged("an object's name is empty, too long, or holds a \"/\""));
    }
    Ok(text)
}

/// A tree of tables of links, the names in a heap.
fn symbol_table<'a>(
    source: &Source<'a>,
    mut f: Fields<'a>,
    links: &mut Vec<Link<'a>>,
) -> Result<(), FormatError> {
    let (tree, heap) = (f.u64()?, f.u64()?);
    let mut f = source.fields(heap, 32)?;
    f.signature(b"HEAP\0\0\0\0")?;
    let (size, _free, at) = (f.u64()?, f.u64()?, f.u64()?);
    let names = source.take(at, size)?;
    let mut nodes = vec![(tree, None)];
    while let Some((at, level)) = nodes.pop() {
        match level {
            Some(0) => table(source, at, names, links)?,
            _ => node(source, at, level, &mut nodes)?,
        }
    }
    Ok(())
}

/// A node of the tree. `level`: how many levels, the tables included, it must have; unknown of the root.
fn node(
    source: &Source<'_>,
    at: u64,
    level: Option<u8>,
    nodes: &mut Vec<(u64, Option<u8>)>,
) -> Result<(), FormatError> {
    let mut f = source.fields(at, 24)?;
    f.signature(b"TREE\0")?;
    let (own, count) = (f.u8()?, f.u16()?);
    if own >= MOST_LEVELS || level.is_some_and(|level| level != own + 1) {
        return Err(damaged(format!(
            "a tree of links has a node of level {own} where none can be"
        )));
    }
    // A key, then a child and a key each.
    let mut f = source.fields(at + 24, 8 + 16 * u64::from(count))?;
    f.skip(8)?;
    let first = nodes.len();
    for _ in 0..count {
        nodes.push((f.u64()?, Some(own)));
        f.skip(8)?;
    }
    nodes[first..].reverse();
    Ok(())
}

/// A table of links.
fn table<'a>(
    source: &Source<'a>,
    at: u64,
    names: &'a [u8],
    links: &mut Vec<Link<'a>>,
) -> Result<(), FormatError> {
    let mut f = source.fields(at, 8)?;
    f.signature(b"SNOD\x01\0")?;
    let count = f.u16()?;
    let mut f = source.fields(at + 8, 40 * u64::from(count))?;
    for _ in 0..count {
        let (offset, address, cache) = (f.u64()?, f.u64()?, f.u32()?);
        f.skip(20)?;
        let text = usize::try_from(offset).ok().and_then(|offset| names.get(offset..));
        let text = text.ok_or_else(|| damaged("a name lies outside its heap"))?;
        let text = &text[..text.len().min(MOST_NAME + 1)];
        let end = text.iter().position(|&byte| byte == 0);
        let end = end.ok_or_else(|| damaged("a name has no end"))?;
        let name = name(&text[..end])?;
        match cache {
            0 | 1 => links.push(Link { name, address }),
            2 => return Err(soft(name)),
            other => return Err(damaged(format!("a link, {name:?}, of the unknown type {other}"))),
        }
    }
    Ok(())
}
