//! The zip archive of a `.keras` file.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::FormatError;

const METADATA: &str = "metadata.json";
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.weights.h5";
/// The most bytes of a text: more than any network that Lenslet can have.
const MOST_TEXT: u64 = 4 << 20;
/// How much longer than the archive an entry may be that was compressed, and what is always allowed.
const MOST_GROWTH: u64 = 16;
const ALWAYS: u64 = 1 << 20;

/// What is in the archive.
pub(super) struct Archive {
    pub(super) metadata: Vec<u8>,
    pub(super) config: Vec<u8>,
    pub(super) weights: Vec<u8>,
}

const AGAIN: &str = "get or save it again";

impl Archive {
    /// Reads an archive; its entries' names are compared, and never become paths.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let no_zip = |e| FormatError::damaged(format!("it is no whole zip archive: {e}"), AGAIN);
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(no_zip)?;
        if zip.has_duplicate_names() {
            return Err(FormatError::damaged("two files in it have one name", AGAIN));
        }
        let known = |name: &[u8]| [METADATA, CONFIG, WEIGHTS].iter().any(|k| k.as_bytes() == name);
        if let Some(name) = zip.file_names_raw().find(|name| !known(name)) {
            let name = String::from_utf8_lossy(name);
            let what =
                format!("it has a file {name:?} inside, which no model of Keras's layers has");
            return Err(FormatError::unsupported(what, "save the model with Keras 3 as .keras"));
        }
        let weights = MOST_GROWTH * bytes.len() as u64 + ALWAYS;
        Ok(Self {
            metadata: entry(&mut zip, METADATA, MOST_TEXT)?,
            config: entry(&mut zip, CONFIG, MOST_TEXT)?,
            weights: entry(&mut zip, WEIGHTS, weights)?,
        })
    }

    /// The bytes of an archive: nothing compressed, no times. The same content gives the same bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let entries =
            [(METADATA, &self.metadata), (CONFIG, &self.config), (WEIGHTS, &self.weights)];
        for (name, bytes) in entries {
            let large = u32::try_from(bytes.len()).is_err();
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(DateTime::default())
                .large_file(large);
            let written = zip.start_file(name, options).map(|()| zip.write_all(bytes));
            written.expect("the names differ").expect("memory takes all that is written");
        }
        zip.finish().expect("memory takes all that is written").into_inner()
    }
}

fn entry(
    zip: &mut ZipArchive<Cursor<&[u8]>>,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, FormatError> {
    let damaged = |e: String| FormatError::damaged(format!("{name} in it: {e}"), AGAIN);
    let mut entry = zip.by_name(name).map_err(|e| damaged(e.to_string()))?;
    let mut bytes = Vec::new();
    // One more than allowed shows that there is more.
    (&mut entry).take(most + 1).read_to_end(&mut bytes).map_err(|e| damaged(e.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(damaged(format!("it is longer than {most} bytes when unpacked")));
    }
    Ok(bytes)
}
