//! Files that are whole or not there.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::StoreError;

/// Puts `bytes` under `path`, replacing a file that is there.
///
/// A reader, or the next start after a crash or a loss of power, finds the old bytes or the new
/// ones, never a mixture: they go to a new temporary file in the same folder (`.….tmp`), which is
/// synchronised with the disk and then renamed, and the folder is synchronised last. Where it
/// fails the temporary file is removed. A symbolic link at `path` is replaced, not followed.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes.txt");
/// lenslet_store::write(&path, b"first")?;
/// lenslet_store::write(&path, b"second")?;
/// assert_eq!(std::fs::read(&path)?, b"second");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError::Io`] where the folder does not exist or may not be written to, or the disk is
/// full; the old file is then still there, unless only the last synchronisation failed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, bytes).map_err(|e| StoreError::io("write", path, e))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = parent(path);
    let mut file = temporary(folder)?;
    file.as_file_mut().write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// The folder that `path` is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A new empty file in `folder`, removed when dropped.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    // With a function of our own, so that others may read it where the user's umask lets them, and
    // errors do not name a file that the user has never heard of.
    tempfile::Builder::new()
        .prefix(".")
        .suffix(".tmp")
        .make_in(folder, |path| File::create_new(path))
}

/// Makes the names in `folder` survive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened as files.
    if !cfg!(unix) {
        return Ok(());
    }
    use ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Nothing more can be done where the file system has no such call, as some network ones,
        // or where a folder may be written to but not read.
        Err(e) if matches!(e.kind(), InvalidInput | Unsupported | PermissionDenied) => Ok(()),
        result => result,
    }
}
