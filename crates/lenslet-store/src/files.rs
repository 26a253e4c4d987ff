//! What durable writing asks of the operating system.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// The calls by which files come to be. [`Disk`] makes them; tests put faults and delays in
/// between.
pub trait Files: fmt::Debug + Send + Sync {
    /// A new empty file.
    ///
    /// # Errors
    /// Where there is one of that name, or none can be made.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;

    /// Gives a file another name, that of an older file perhaps, which is then gone.
    ///
    /// # Errors
    /// Where it cannot; then the older file is still there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Where it cannot.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder survive a loss of power.
    ///
    /// # Errors
    /// Where it cannot.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub trait NewFile {
    /// Writes the first of these bytes; how many it were.
    ///
    /// # Errors
    /// Where it cannot write any.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written survive a loss of power.
    ///
    /// # Errors
    /// Where that is not sure.
    fn sync(&mut self) -> io::Result<()>;
}

/// The disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        // With the rights that the user's umask says, so that others may read it where they should.
        Ok(Box::new(File::create_new(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Elsewhere folders cannot be opened as files.
        if !cfg!(unix) {
            return Ok(());
        }
        use ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // Nothing more can be done where the file system has no such call, as some network
            // ones, or where a folder may be written to but not read.
            Err(e) if matches!(e.kind(), InvalidInput | Unsupported | PermissionDenied) => Ok(()),
            result => result,
        }
    }
}

impl NewFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}
