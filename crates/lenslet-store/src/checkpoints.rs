//! The checkpoints of a run.

mod name;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};

use lenslet_train::Checkpoint;

use crate::checkpoint::{read_checkpoint, write_checkpoint};
use crate::files::{Disk, Files};
use crate::{StoreError, atomic};
use name::Name;
pub use writer::CheckpointWriter;

/// How many of the newest are kept.
const KEPT: usize = 2;

/// A folder with the newest two checkpoints of one training and the one at which the newest one's
/// epoch began, numbered as they were made: `000012-epoch-3-step-450.safetensors`.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    settings: String,
    files: Box<dyn Files>,
    /// Those that are known to be whole, oldest first.
    whole: Vec<Name>,
    next: u64,
}

/// What a folder of checkpoints holds.
#[derive(Debug)]
pub struct Found {
    /// The newest one that is whole.
    pub newest: Checkpoint,
    /// What is wrong with newer ones.
    pub damaged: Vec<StoreError>,
}

impl Checkpoints {
    /// Of a training whose settings have this digest: see
    /// [`RunConfig::digest`](crate::RunConfig::digest). The folder is made with the first of them.
    pub fn new(folder: impl Into<PathBuf>, settings: impl Into<String>) -> Self {
        Self::with_files(folder, settings, Box::new(Disk))
    }

    /// The same by way of other calls than the disk's.
    pub fn with_files(
        folder: impl Into<PathBuf>,
        settings: impl Into<String>,
        files: Box<dyn Files>,
    ) -> Self {
        let (folder, settings) = (folder.into(), settings.into());
        let last = names(&folder).last().map_or(0, |name| name.number);
        Self { folder, settings, files, whole: Vec::new(), next: last + 1 }
    }

    /// The newest checkpoint that is whole; `None` where there is none and never was. Half-written
    /// files of a program that was killed are removed: nobody else may be at work in the folder.
    ///
    /// # Errors
    /// Where there are checkpoints but all are damaged, with what is wrong with the newest; where
    /// it belongs to other settings.
    pub fn newest(&mut self) -> Result<Option<Found>, StoreError> {
        atomic::remove_temporaries(&self.folder);
        let mut damaged = Vec::new();
        let mut names = names(&self.folder);
        while let Some(name) = names.pop() {
            match self.read(name) {
                Ok(newest) => {
                    // What is older is taken for whole until it is needed.
                    self.whole = names;
                    self.whole.push(name);
                    return Ok(Some(Found { newest, damaged }));
                }
                Err(error @ StoreError::Settings { .. }) => return Err(error),
                Err(error) => damaged.push(error),
            }
        }
        damaged.into_iter().next().map_or(Ok(None), Err)
    }

    fn read(&self, name: Name) -> Result<Checkpoint, StoreError> {
        let path = self.folder.join(name.to_string());
        let (checkpoint, settings) = read_checkpoint(&path)?;
        if settings == self.settings { Ok(checkpoint) } else { Err(StoreError::Settings { path }) }
    }

    /// Writes one, whole or not at all, and removes those that are not kept any more.
    ///
    /// # Errors
    /// As [`write`](crate::write()); all that were there before still are then.
    pub fn write(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        // The folder may have been removed meanwhile.
        fs::create_dir_all(&self.folder)
            .map_err(|e| StoreError::io("make the folder", &self.folder, e))?;
        let name = Name { number: self.next, ..Name::of(checkpoint) };
        let path = self.folder.join(name.to_string());
        write_checkpoint(&*self.files, &path, checkpoint, &self.settings)?;
        self.next += 1;
        self.whole.push(name);
        self.remove_old();
        Ok(())
    }

    /// The file at which the newest one's epoch began, if that is another one.
    fn epoch_start(&self) -> Option<PathBuf> {
        let newest = self.whole.last().filter(|newest| newest.step > 0)?;
        let mut earlier = self.whole.iter().rev();
        let start = earlier.find(|name| name.step == 0 && name.epoch == newest.epoch)?;
        Some(self.folder.join(start.to_string()))
    }

    /// Damaged ones go, too. What cannot be removed is tried again the next time.
    fn remove_old(&mut self) {
        let newest = self.whole.iter().copied().rev().take(KEPT);
        let begun = self.whole.iter().copied().rev().find(|name| name.step == 0);
        let kept: Vec<_> = newest.chain(begun).collect();
        self.whole.retain(|name| kept.contains(name));
        for name in names(&self.folder) {
            if !kept.contains(&name) {
                let _ = self.files.remove(&self.folder.join(name.to_string()));
            }
        }
    }
}

/// The checkpoints in a folder, oldest first. None where it cannot be read.
fn names(folder: &Path) -> Vec<Name> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut names: Vec<Name> = names.collect();
    names.sort_by_key(|name| name.number);
    names
}
