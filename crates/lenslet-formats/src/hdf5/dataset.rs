//! A data set: numbers of a type and a shape.

use super::fields::{Fields, NOWHERE};
use super::header::Header;
use super::source::Source;
use super::{damaged, unsupported};
use crate::FormatError;

/// The most axes of a data set.
const MOST_AXES: u8 = 8;

/// The type of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An IEEE number of 2, 4 or 8 bytes.
    Float,
    /// A whole number.
    Int,
    /// Something else, by its name.
    Other(&'static str),
}

/// Numbers in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dataset<'a> {
    pub(crate) kind: Kind,
    pub(crate) shape: Vec<usize>,
    /// The bytes of a number.
    pub(crate) width: usize,
    /// All of them, the last axis fastest, least byte first.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Dataset<'a> {
    /// The data set that the header describes; `None` where it is none.
    pub(super) fn new(
        source: &Source<'a>,
        header: &Header<'a>,
    ) -> Result<Option<Self>, FormatError> {
        let Some(layout) = header.layout else { return Ok(None) };
        let lacks = |what| damaged(format!("a data set has no {what}"));
        let shape = shape(header.dataspace.ok_or_else(|| lacks("shape"))?)?;
        let (kind, width) = datatype(header.datatype.ok_or_else(|| lacks("type"))?)?;
        let bytes = data(source, layout)?;
        let length = shape.iter().try_fold(width, |n, &dim| n.checked_mul(dim));
        if length != Some(bytes.len()) {
            let there = bytes.len();
            return Err(damaged(format!("a data set of the shape {shape:?} has {there} bytes")));
        }
        Ok(Some(Self { kind, shape, width, bytes }))
    }

    /// The numbers as `f32`; `None` where they are none.
    pub(crate) fn floats(&self) -> Option<Vec<f32>> {
        let each = |convert: fn(&[u8]) -> f32| self.bytes.chunks_exact(self.width).map(convert);
        Some(match (self.kind, self.width) {
            (Kind::Float, 4) => each(|b| f32::from_le_bytes(word(b))).collect(),
            (Kind::Float, 8) => each(|b| f64::from_le_bytes(word(b)) as f32).collect(),
            (Kind::Float, 2) => each(|b| half(u16::from_le_bytes(word(b)))).collect(),
            (Kind::Int, 4) => each(|b| i32::from_le_bytes(word(b)) as f32).collect(),
            (Kind::Int, 8) => each(|b| i64::from_le_bytes(word(b)) as f32).collect(),
            _ => return None,
        })
    }
}

fn word<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("chunks of the number's width")
}

/// A number of 16 bits: a sign, five of exponent, ten of fraction.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn shape(mut f: Fields<'_>) -> Result<Vec<usize>, FormatError> {
    let (version, rank, flags) = (f.u8()?, f.u8()?, f.u8()?);
    match version {
        1 => f.skip(5)?,
        2 if f.u8()? == 2 => return Err(unsupported("a data set without data (a null dataspace)")),
        2 => {}
        other => return Err(unsupported(format!("a shape of version {other}"))),
    }
    if rank > MOST_AXES || flags & !1 != 0 {
        return Err(unsupported(format!(
            "a data set of {rank} axes, or with its axes in an order"
        )));
    }
    let dim = |_| {
        let dim = f.u64()?;
        usize::try_from(dim).map_err(|_| damaged(format!("an axis of the length {dim}")))
    };
    (0..rank).map(dim).collect()
}

fn datatype(mut f: Fields<'_>) -> Result<(Kind, usize), FormatError> {
    let (class, flags, size) = (f.u8()?, f.number(3)?, f.u32()?);
    let width = usize::try_from(size).ok().filter(|&width| width > 0);
    let width = width.ok_or_else(|| damaged("numbers of no bytes"))?;
    let other = match class & 15 {
        0 => {
            let (offset, bits) = (f.u16()?, f.u16()?);
            if flags & 1 != 0 || offset != 0 || usize::from(bits) != width * 8 {
                "whole numbers of an unusual form"
            } else if flags & 8 == 0 {
                "whole numbers without a sign"
            } else {
                return Ok((Kind::Int, width));
            }
        }
        1 if is_ieee(flags, size, f.rest()) => return Ok((Kind::Float, width)),
        1 => "numbers of another form than IEEE's, the least byte first",
        2 => "times",
        3 => "strings",
        4 => "bit fields",
        5 => "opaque bytes, as for bfloat16",
        6 => "records",
        7 => "references",
        8 => "an enumeration, as for booleans",
        9 => "lists of any length",
        10 => "arrays",
        _ => "something unknown",
    };
    Ok((Kind::Other(other), width))
}

/// Whether a floating-point type is IEEE's, the least byte first.
fn is_ieee(flags: u64, size: u32, properties: &[u8]) -> bool {
    let (exponent, fraction, bias) = match size {
        2 => (5, 10, 15),
        4 => (8, 23, 127),
        8 => (11, 52, 1023),
        _ => return false,
    };
    // The place of the sign; that the fraction's first bit is implied; the least byte first.
    let form = (u64::from(size) * 8 - 1) << 8 | 0x20;
    let [b0, b1, b2, b3] = u32::to_le_bytes(bias);
    let bits = (size * 8) as u8;
    let expected = [0, 0, bits, 0, fraction, exponent, 0, fraction, b0, b1, b2, b3];
    flags & !0x0e == form && properties.starts_with(&expected)
}

/// Where the numbers lie.
fn data<'a>(source: &Source<'a>, mut f: Fields<'a>) -> Result<&'a [u8], FormatError> {
    let (version, class) = (f.u8()?, f.u8()?);
    if !matches!(version, 3 | 4) {
        return Err(unsupported(format!("a data layout of version {version}")));
    }
    match class {
        0 => {
            let length = f.u16()?;
            f.bytes(length.into())
        }
        1 => match (f.u64()?, f.u64()?) {
            (_, 0) => Ok(&[]),
            (NOWHERE, _) => Err(unsupported("a data set that was never written")),
            (at, length) => source.take(at, length),
        },
        2 => Err(unsupported("data in chunks")),
        3 => Err(unsupported("virtual data: a view of other files")),
        other => Err(unsupported(format!("data laid out in the unknown way {other}"))),
    }
}
