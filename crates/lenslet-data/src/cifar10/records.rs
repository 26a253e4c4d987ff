//! The records of a batch, turned into pictures while they are read.

use std::io::{self, Read};

pub(super) const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
/// Bytes of a record: a label, then the red, green and blue planes.
const RECORD: usize = 1 + 3 * PLANE;
/// Bytes of the largest batch: the official 10,000 records.
const BATCH: u64 = 10_000 * RECORD as u64;
/// Bytes that are read at a time, whole records that fit into a core's cache: the only ones that
/// are in memory twice.
const BLOCK: u64 = 64 * RECORD as u64;
pub(super) const CLASSES: u32 = 10;

/// Pictures, NHWC, and their labels.
#[derive(Default)]
pub(super) struct Records {
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u32>,
}

/// Why a batch cannot be read.
pub(super) enum Trouble {
    Io(io::Error),
    /// What is wrong with its contents.
    Content(String),
    /// The number of the record, and its label.
    Label(usize, u32),
}

impl Records {
    /// Reads a batch to its end.
    pub(super) fn read(&mut self, mut batch: impl Read) -> Result<(), Trouble> {
        let mut block = Vec::new();
        let (mut bytes, mut count) = (0, 0);
        loop {
            block.clear();
            let filled = batch.by_ref().take(BLOCK).read_to_end(&mut block).map_err(Trouble::Io)?;
            bytes += filled as u64;
            if bytes > BATCH {
                return trouble(format!("is larger than the {BATCH} bytes it can have"));
            }
            let (records, rest) = block.as_chunks();
            for record in records {
                self.add(record).map_err(|label| Trouble::Label(count, label))?;
                count += 1;
            }
            if bytes == 0 || !rest.is_empty() {
                return trouble(format!(
                    "has {bytes} bytes, which is not a whole number of records of {RECORD} bytes; \
                     the file is damaged, get it again"
                ));
            }
            if (filled as u64) < BLOCK {
                return Ok(());
            }
        }
    }

    /// Adds a record, or returns its label, which is out of range.
    fn add(&mut self, record: &[u8; RECORD]) -> Result<(), u32> {
        let [label, planes @ ..] = record;
        let label = u32::from(*label);
        if label >= CLASSES {
            return Err(label);
        }
        self.labels.push(label);
        let start = self.pixels.len();
        self.pixels.resize(start + 3 * PLANE, 0);
        let (pixels, _) = self.pixels[start..].as_chunks_mut::<3>();
        let (red, rest) = planes.split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        for (((pixel, &red), &green), &blue) in pixels.iter_mut().zip(red).zip(green).zip(blue) {
            *pixel = [red, green, blue];
        }
        Ok(())
    }

    /// Adds all of `other`.
    pub(super) fn append(&mut self, mut other: Self) {
        self.pixels.append(&mut other.pixels);
        self.labels.append(&mut other.labels);
    }
}

fn trouble<T>(what: String) -> Result<T, Trouble> {
    Err(Trouble::Content(what))
}
