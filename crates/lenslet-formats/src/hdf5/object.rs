//! A file as a tree of groups and data sets.

use super::dataset::Dataset;
use super::group::{Link, links};
use super::header::header;
use super::source::Source;
use super::superblock::root;
use super::{damaged, unsupported};
use crate::FormatError;

/// The most groups in one another.
const MOST_DEPTH: usize = 16;

/// A group or a data set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object<'a> {
    Group(Group<'a>),
    Dataset(Dataset<'a>),
}

/// Objects with names, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Group<'a>(pub(crate) Vec<(&'a str, Object<'a>)>);

impl<'a> Object<'a> {
    /// The root of a file, and all that is in it.
    ///
    /// # Errors
    /// Where the bytes are no whole HDF5 file; where they hold what is not read here: it is named.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Group<'a>, FormatError> {
        let source = Source::new(bytes);
        let at = root(&source)?;
        match read(&source, at, 0)? {
            Self::Group(group) => Ok(group),
            Self::Dataset(_) => Err(damaged("its root is a data set, not a group")),
        }
    }
}

fn read<'a>(source: &Source<'a>, at: u64, depth: usize) -> Result<Object<'a>, FormatError> {
    let mut header = header(source, at)?;
    if let Some(links) = links(source, &mut header)? {
        return group(source, links, depth).map(Object::Group);
    }
    match Dataset::new(source, &header)? {
        Some(dataset) => Ok(Object::Dataset(dataset)),
        None => {
            Err(unsupported("an object that is neither a group nor a data set, as a named type is"))
        }
    }
}

fn group<'a>(
    source: &Source<'a>,
    mut links: Vec<Link<'a>>,
    depth: usize,
) -> Result<Group<'a>, FormatError> {
    if depth == MOST_DEPTH && !links.is_empty() {
        return Err(unsupported(format!("more than {MOST_DEPTH} groups in one another")));
    }
    links.sort_by_key(|link| link.name);
    if let Some([twice, _]) = links.array_windows().find(|[a, b]| a.name == b.name) {
        return Err(damaged(format!("two objects called {:?} in one group", twice.name)));
    }
    let object = |Link { name, address }| Ok((name, read(source, address, depth + 1)?));
    links.into_iter().map(object).collect::<Result<_, _>>().map(Group)
}

impl<'a> Group<'a> {
    /// The object of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Object<'a>> {
        let found = self.0.binary_search_by_key(&name, |(name, _)| name);
        found.ok().map(|index| &self.0[index].1)
    }
}
