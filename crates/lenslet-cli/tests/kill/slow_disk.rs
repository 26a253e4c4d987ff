//! A disk on which every call takes its time.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use lenslet_store::{Disk, Files, NewFile};

/// Said when a file is begun.
pub(crate) const BEGUN: &str = "begun";
/// Said when it has its name.
const NAMED: &str = "named";

/// What every call takes.
const TIME: Duration = Duration::from_millis(1);
/// Bytes that one call writes.
const MOST: usize = 512;

/// The disk, slowed down; it says what it does on standard output.
#[derive(Debug)]
pub(crate) struct SlowDisk;

struct SlowFile(Box<dyn NewFile>);

impl Files for SlowDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = Disk.create_new(path)?;
        println!("{BEGUN}");
        Ok(Box::new(SlowFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        sleep(TIME);
        Disk.rename(from, to)?;
        println!("{NAMED}");
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        sleep(TIME);
        Disk.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sleep(TIME);
        Disk.sync_folder(folder)
    }
}

impl NewFile for SlowFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        sleep(TIME);
        self.0.write(&bytes[..bytes.len().min(MOST)])
    }

    fn sync(&mut self) -> io::Result<()> {
        sleep(TIME);
        self.0.sync()
    }
}
