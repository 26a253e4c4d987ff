//! Files of groups and data sets of numbers.

use super::checksum::checksum;
use super::fields::NOWHERE;
use super::header::kind;
use super::superblock::SIGNATURE;

/// What a file is made of.
pub(crate) enum Item<'a> {
    /// Objects with names.
    Group(Vec<(String, Item<'a>)>),
    /// Numbers of a shape.
    Floats(Vec<usize>, &'a [f32]),
    /// One whole number.
    Int(i64),
}

/// Bytes of a superblock.
const SUPERBLOCK: usize = 48;

/// The bytes of a file with these objects in its root. The same objects give the same bytes.
pub(crate) fn write(root: &[(String, Item<'_>)]) -> Vec<u8> {
    let mut file = vec![0; SUPERBLOCK];
    let root = group(&mut file, root);
    let mut start = SIGNATURE.to_vec();
    // Version 2; addresses and lengths of eight bytes; no flags; base address, no extension.
    start.extend([2, 8, 8, 0]);
    for number in [0, NOWHERE, file.len() as u64, root] {
        start.extend(number.to_le_bytes());
    }
    let sum = checksum(&start);
    start.extend(sum.to_le_bytes());
    file[..SUPERBLOCK].copy_from_slice(&start);
    file
}

/// Appends an object and what is in it; gives the address of its header.
fn item(file: &mut Vec<u8>, item: &Item<'_>) -> u64 {
    match item {
        Item::Group(items) => group(file, items),
        Item::Floats(shape, numbers) => {
            let at = file.len() as u64;
            file.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
            dataset(file, shape, &FLOAT, at, numbers.len() * 4)
        }
        Item::Int(number) => {
            let at = file.len() as u64;
            file.extend(number.to_le_bytes());
            dataset(file, &[], &INT, at, 8)
        }
    }
}

/// IEEE numbers of four bytes, the least first.
const FLOAT: [u8; 20] = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];
/// Whole numbers of eight bytes with a sign.
const INT: [u8; 12] = [0x10, 8, 0, 0, 8, 0, 0, 0, 0, 0, 64, 0];

fn group(file: &mut Vec<u8>, items: &[(String, Item<'_>)]) -> u64 {
    let mut messages = Vec::new();
    // Links are in this header: no heap of them, no index.
    let nowhere = [NOWHERE.to_le_bytes(), NOWHERE.to_le_bytes()].concat();
    message(&mut messages, kind::LINK_INFO, &[&[0, 0], &nowhere[..]].concat());
    message(&mut messages, kind::GROUP_INFO, &[0, 0]);
    for (name, object) in items {
        let address = item(file, object);
        // Version 1; a length of two bytes and the character set are given, which is UTF-8.
        let mut link = vec![1, 0x11, 1];
        let length = u16::try_from(name.len()).expect("names of layers are checked");
        link.extend(length.to_le_bytes());
        link.extend(name.as_bytes());
        link.extend(address.to_le_bytes());
        message(&mut messages, kind::LINK, &link);
    }
    header(file, &messages)
}

fn dataset(file: &mut Vec<u8>, shape: &[usize], datatype: &[u8], at: u64, length: usize) -> u64 {
    let mut messages = Vec::new();
    let rank = u8::try_from(shape.len()).expect("shapes have few axes");
    let mut space = vec![2, rank, 0, u8::from(rank > 0)];
    space.extend(shape.iter().flat_map(|&dim| (dim as u64).to_le_bytes()));
    message(&mut messages, kind::DATASPACE, &space);
    message(&mut messages, kind::DATATYPE, datatype);
    // Space is there from the beginning; no value for what was not written.
    message(&mut messages, kind::FILL_VALUE, &[3, 0x09]);
    let mut layout = vec![3, 1];
    layout.extend(at.to_le_bytes());
    layout.extend((length as u64).to_le_bytes());
    message(&mut messages, kind::LAYOUT, &layout);
    header(file, &messages)
}

fn message(to: &mut Vec<u8>, kind: u16, body: &[u8]) {
    let length = u16::try_from(body.len()).expect("messages are short");
    to.push(kind as u8);
    to.extend(length.to_le_bytes());
    to.push(0);
    to.extend(body);
}

/// An object header of version 2, its length in four bytes.
fn header(file: &mut Vec<u8>, messages: &[u8]) -> u64 {
    let at = file.len();
    file.extend(b"OHDR\x02\x02");
    let length = u32::try_from(messages.len()).expect("a network has far fewer layers");
    file.extend(length.to_le_bytes());
    file.extend(messages);
    let sum = checksum(&file[at..]);
    file.extend(sum.to_le_bytes());
    at as u64
}
