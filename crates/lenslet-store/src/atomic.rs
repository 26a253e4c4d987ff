//! Files that are whole or not there.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::StoreError;
use crate::files::{Disk, Files, NewFile};

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
    write_parts(&Disk, path, [bytes])
}

/// [`write()`] of bytes that come one part after the other, by way of `files`.
pub(crate) fn write_parts(
    files: &dyn Files,
    path: &Path,
    parts: impl IntoIterator<Item: AsRef<[u8]>>,
) -> Result<(), StoreError> {
    replace(files, path, parts).map_err(|e| StoreError::io("write", path, e))
}

fn replace(
    files: &dyn Files,
    path: &Path,
    parts: impl IntoIterator<Item: AsRef<[u8]>>,
) -> io::Result<()> {
    let folder = parent(path);
    let (temporary, mut file) = temporary(files, folder)?;
    let mut parts = parts.into_iter();
    let mut written = parts.try_for_each(|part| write_all(&mut *file, part.as_ref()));
    written = written.and_then(|()| file.sync());
    drop(file);
    if let Err(error) = written.and_then(|()| files.rename(&temporary, path)) {
        // What is wrong is known already; a file that stays is removed by the next who may.
        let _ = files.remove(&temporary);
        return Err(error);
    }
    files.sync_folder(folder)
}

fn write_all(file: &mut dyn NewFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// The folder that `path` is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A new empty file in `folder` that no reader looks for.
fn temporary(files: &dyn Files, folder: &Path) -> io::Result<(PathBuf, Box<dyn NewFile>)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".{}-{count}.tmp", process::id()));
        match files.create_new(&path) {
            // A program of the same number has been killed here.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            file => return Ok((path, file?)),
        }
    }
}

/// Tries whether a file can be made in `folder`.
pub(crate) fn check_writable(folder: &Path) -> io::Result<()> {
    let (path, file) = temporary(&Disk, folder)?;
    drop(file);
    Disk.remove(&path)?;
    Disk.sync_folder(parent(folder))
}

/// Removes what killed programs have left half written in `folder`. Nobody may be writing there.
pub(crate) fn remove_temporaries(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            let _ = Disk.remove(&entry.path());
        }
    }
}
