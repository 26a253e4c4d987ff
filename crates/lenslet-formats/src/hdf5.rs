//! HDF5: as much of it as Keras's weights are made of, by the
//! [file format specification](https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html).
//!
//! [`Object::parse`] reads groups (of symbol tables, or of links in their headers) and data sets of
//! numbers that lie in one piece, in the byte order of this format's usual files. [`write`] makes the
//! simplest file that HDF5's own library opens: a superblock of version 2 and object headers of
//! version 2. Attributes are skipped; everything else is refused by its name: soft and external links,
//! external and virtual data, chunks, filters, shared messages.
//!
//! What is read costs memory in proportion to the file's length, whatever the file says: every
//! byte counts once (`source.rs`), so that nothing can be named twice, and no cycle ends.

mod checksum;
mod dataset;
mod fields;
mod group;
mod header;
mod object;
mod source;
mod superblock;
mod write;

pub(crate) use dataset::{Dataset, Kind};
pub(crate) use object::{Group, Object};
pub(crate) use write::{Item, write};

use crate::FormatError;

const AGAIN: &str = "get or save it again";

fn damaged(what: impl AsRef<str>) -> FormatError {
    FormatError::damaged(format!("its HDF5 part: {}", what.as_ref()), AGAIN)
}

fn unsupported(what: impl AsRef<str>) -> FormatError {
    let remedy = "save the weights with Keras 3, without options of HDF5";
    FormatError::unsupported(format!("its HDF5 part: {}", what.as_ref()), remedy)
}
