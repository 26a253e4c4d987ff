//! Reads the binary version of CIFAR-10 from an archive or a folder.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use super::ARCHIVE;
use crate::{DataError, Dataset, Split};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
/// A label byte, then the red, green and blue planes.
const RECORD: usize = 1 + 3 * PLANE;
/// The largest batch: the official 10,000 records.
const BATCH: u64 = 10_000 * RECORD as u64;
/// The most that an archive may unpack to; the official one unpacks to 184 MB.
const UNPACKED: u64 = 1 << 28;
/// The longest list of class names.
const META: u64 = 1 << 16;

const FOLDER: &str = "cifar-10-batches-bin";
const NAMES: &str = "batches.meta.txt";
/// The training batches in order, then the test batch.
const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Reads CIFAR-10 from an archive, a folder `cifar-10-batches-bin`, or a folder that holds one of
/// the two under its official name.
///
/// An archive is read as a stream: nothing is unpacked to disk, and only the six batches and
/// `batches.meta.txt` are looked at, wherever in the archive they are. A batch may have fewer than
/// the official 10,000 records, but only whole ones. Planes become NHWC pixels; the test batch is
/// [`Split::test`]. Class names come from `batches.meta.txt`, or are the official ones without it.
///
/// # Errors
/// When a file cannot be read, is missing, ends too early, is not made of whole records or is
/// larger than the official one, or when a label is not 0 to 9.
pub fn read(path: &Path) -> Result<Split, DataError> {
    if !path.is_dir() {
        return read_archive(path)?.split();
    }
    let inner = path.join(FOLDER);
    if inner.is_dir() {
        return read_folder(&inner)?.split();
    }
    let archive = path.join(ARCHIVE);
    if archive.is_file() && !path.join(BATCHES[0]).is_file() {
        return read_archive(&archive)?.split();
    }
    read_folder(path)?.split()
}

/// The files that matter, as they were found.
struct Files<'a> {
    source: &'a Path,
    batches: [Option<Vec<u8>>; 6],
    names: Option<Vec<u8>>,
}

fn read_archive(path: &Path) -> Result<Files<'_>, DataError> {
    let file = File::open(path).map_err(|e| DataError::io("cannot open", path, e))?;
    let mut files = Files::new(path);
    let unpacked = GzDecoder::new(BufReader::with_capacity(1 << 16, file)).take(UNPACKED);
    let mut archive = tar::Archive::new(unpacked);
    let broken = |source: io::Error| files_error(path, &archive_trouble(&source));
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if entry.header().entry_type().is_file() {
            let name = entry.path().map_err(broken)?;
            let name = name.file_name().and_then(|name| name.to_str()).map(String::from);
            if let Some(name) = name {
                files.accept(&name, entry)?;
            }
        }
    }
    // The checksum comes at the very end, behind the last file.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
    if rest.limit() == 0 {
        return Err(files_error(path, "unpacks to far more than CIFAR-10 does; use another file"));
    }
    Ok(files)
}

fn archive_trouble(source: &io::Error) -> String {
    if source.kind() == io::ErrorKind::UnexpectedEof {
        "ends too early: a file was only partly copied or downloaded; delete it and get it again"
            .into()
    } else {
        format!("is not a readable .tar.gz archive ({source}); delete it and get it again")
    }
}

fn read_folder(path: &Path) -> Result<Files<'_>, DataError> {
    let mut files = Files::new(path);
    for name in BATCHES.into_iter().chain([NAMES]) {
        let path = path.join(name);
        match File::open(&path) {
            Ok(file) => files.accept(name, file)?,
            // What is missing is said by name, together with what is needed.
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(DataError::io("cannot open", &path, source)),
        }
    }
    Ok(files)
}

fn files_error(path: &Path, what: &str) -> DataError {
    DataError::Cifar10 { path: path.into(), what: what.into() }
}

impl<'a> Files<'a> {
    fn new(source: &'a Path) -> Self {
        Self { source, batches: Default::default(), names: None }
    }

    fn error(&self, what: &str) -> DataError {
        files_error(self.source, what)
    }

    /// Reads the file if it is one of ours.
    fn accept(&mut self, name: &str, file: impl Read) -> Result<(), DataError> {
        let batch = BATCHES.iter().position(|batch| *batch == name);
        let limit = match batch {
            Some(_) => BATCH,
            None if name == NAMES => META,
            None => return Ok(()),
        };
        let mut bytes = Vec::new();
        let read = file.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|e| self.error(&format!("{name}: {}", archive_trouble(&e))))?;
        if bytes.len() as u64 > limit {
            let what = format!("{name} is larger than the {limit} bytes it can have");
            return Err(self.error(&what));
        }
        let place = match batch {
            Some(batch) => &mut self.batches[batch],
            None => &mut self.names,
        };
        if place.replace(bytes).is_some() {
            return Err(self.error(&format!("has {name} twice; use the official archive")));
        }
        Ok(())
    }

    fn split(mut self) -> Result<Split, DataError> {
        let missing = BATCHES.iter().zip(&self.batches).filter(|(_, bytes)| bytes.is_none());
        let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            let what = format!(
                "has no {}; give the official binary archive or the folder {FOLDER} from it",
                missing.join(", ")
            );
            return Err(self.error(&what));
        }
        let classes = self.classes()?;
        let [train @ .., test] = &mut self.batches;
        let part = |batches: &mut [Option<Vec<u8>>], names: &[&str]| {
            let mut records = Records::default();
            for (bytes, name) in batches.iter_mut().zip(names) {
                // Each batch is let go as soon as it is read: the pictures are as large again.
                records.read(&bytes.take().unwrap_or_default(), name, self.source)?;
            }
            let Records { pixels, labels } = records;
            Dataset::new("cifar10", classes.clone(), [SIDE, SIDE, 3], pixels, labels)
        };
        let train = part(train, &BATCHES[..5])?;
        let test = part(std::slice::from_mut(test), &BATCHES[5..])?;
        Ok(Split { train, test, skipped: Vec::new() })
    }

    fn classes(&self) -> Result<Vec<String>, DataError> {
        let Some(bytes) = &self.names else {
            return Ok(CLASSES.map(String::from).to_vec());
        };
        let text = String::from_utf8_lossy(bytes);
        let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let names: Vec<String> = names.map(String::from).collect();
        if names.len() != CLASSES.len() {
            let what = format!("{NAMES} has {} class names, not 10; remove the file", names.len());
            return Err(self.error(&what));
        }
        Ok(names)
    }
}

/// Pictures read so far, NHWC, and their labels.
#[derive(Default)]
struct Records {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl Records {
    fn read(&mut self, bytes: &[u8], name: &str, source: &Path) -> Result<(), DataError> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
            let what = format!(
                "{name} has {} bytes, which is not a whole number of records of {RECORD} bytes; \
                 the file is damaged, get it again",
                bytes.len()
            );
            return Err(files_error(source, &what));
        }
        self.pixels.reserve(bytes.len() / RECORD * 3 * PLANE);
        for (index, record) in bytes.chunks_exact(RECORD).enumerate() {
            let label = u32::from(record[0]);
            if label as usize >= CLASSES.len() {
                let place = format!("{}: {name}, record {index}", source.display());
                return Err(DataError::Label { place, label, classes: CLASSES.len() });
            }
            self.labels.push(label);
            let (red, rest) = record[1..].split_at(PLANE);
            let (green, blue) = rest.split_at(PLANE);
            let planes = red.iter().zip(green).zip(blue);
            self.pixels.extend(planes.flat_map(|((r, g), b)| [*r, *g, *b]));
        }
        Ok(())
    }
}
