//! One program at a time.

use std::fs::{File, TryLockError, create_dir_all};
use std::path::Path;

use crate::StoreError;

/// Keeps other programs from training in the same run, for as long as it lives; the system ends it
/// with the program, however that ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Locks the run in `folder` by way of the file `lock` in `within`.
    pub(crate) fn new(folder: &Path, within: &Path) -> Result<Self, StoreError> {
        let path = within.join("lock");
        let trouble = |e| StoreError::io("write", &path, e);
        create_dir_all(within).map_err(trouble)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(trouble)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: folder.to_owned() }),
            // Some network file systems know no locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { _file: file }),
        }
    }
}
