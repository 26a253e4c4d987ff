//! Reads the binary version of CIFAR-10 from an archive or a folder.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use super::ARCHIVE;
use super::records::{CLASSES, Records, SIDE, Trouble};
use crate::{DataError, Dataset, Split};

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
const TEST: usize = 5;
const CLASS_NAMES: [&str; CLASSES as usize] =
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

/// What was read of the files that matter.
struct Files<'a> {
    source: &'a Path,
    /// Which batches have been read.
    read: [bool; BATCHES.len()],
    /// The training batches up to the first that has not been read yet.
    train: Records,
    /// Those that came before their turn, and the test batch.
    others: [Option<Records>; BATCHES.len()],
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
        let (train, others) = (Records::default(), Default::default());
        Self { source, read: Default::default(), train, others, names: None }
    }

    fn error(&self, what: &str) -> DataError {
        files_error(self.source, what)
    }

    /// Reads the file if it is one of ours.
    fn accept(&mut self, name: &str, file: impl Read) -> Result<(), DataError> {
        match BATCHES.iter().position(|batch| *batch == name) {
            Some(batch) if self.read[batch] => Err(self.twice(name)),
            Some(batch) => self.batch(batch, file),
            None if name == NAMES && self.names.is_some() => Err(self.twice(name)),
            None if name == NAMES => {
                let mut names = Vec::new();
                let read = file.take(META + 1).read_to_end(&mut names);
                read.map_err(|e| self.error(&format!("{name}: {}", archive_trouble(&e))))?;
                if names.len() as u64 > META {
                    let what = format!("{name} is larger than the {META} bytes it can have");
                    return Err(self.error(&what));
                }
                self.names = Some(names);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn twice(&self, name: &str) -> DataError {
        self.error(&format!("has {name} twice; use the official archive"))
    }

    /// Reads a batch: a training batch whose turn it is goes to the others at once, so that nothing
    /// need be moved where batches come in order.
    fn batch(&mut self, batch: usize, file: impl Read) -> Result<(), DataError> {
        let in_turn = batch < TEST && self.read[..batch].iter().all(|&read| read);
        let mut apart = Records::default();
        let place = if in_turn { &mut self.train } else { &mut apart };
        let name = BATCHES[batch];
        place.read(file).map_err(|trouble| match trouble {
            Trouble::Io(e) => self.error(&format!("{name}: {}", archive_trouble(&e))),
            Trouble::Content(what) => self.error(&format!("{name} {what}")),
            Trouble::Label(index, label) => {
                let place = format!("{}: {name}, record {index}", self.source.display());
                DataError::Label { place, label, classes: CLASSES as usize }
            }
        })?;
        self.read[batch] = true;
        if !in_turn {
            self.others[batch] = Some(apart);
            return Ok(());
        }
        // Now it may be the turn of batches that came before.
        for next in self.others[batch + 1..TEST].iter_mut().map_while(Option::take) {
            self.train.append(next);
        }
        Ok(())
    }

    fn split(mut self) -> Result<Split, DataError> {
        let missing = BATCHES.iter().zip(&self.read).filter(|(_, read)| !**read);
        let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            let what = format!(
                "has no {}; give the official binary archive or the folder {FOLDER} from it",
                missing.join(", ")
            );
            return Err(self.error(&what));
        }
        let classes = self.classes()?;
        let part = |Records { pixels, labels }| {
            Dataset::new("cifar10", classes.clone(), [SIDE, SIDE, 3], pixels, labels)
        };
        let test = part(self.others[TEST].take().unwrap_or_default())?;
        Ok(Split { train: part(self.train)?, test, skipped: Vec::new() })
    }

    fn classes(&self) -> Result<Vec<String>, DataError> {
        let Some(bytes) = &self.names else {
            return Ok(CLASS_NAMES.map(String::from).to_vec());
        };
        let text = String::from_utf8_lossy(bytes);
        let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let names: Vec<String> = names.map(String::from).collect();
        if names.len() != CLASS_NAMES.len() {
            let what = format!("{NAMES} has {} class names, not 10; remove the file", names.len());
            return Err(self.error(&what));
        }
        Ok(names)
    }
}
