//! Checkpoints: round trips, folders of them, and faults of the disk.

mod common;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lenslet_store::{
    CheckpointWriter, Checkpoints, Disk, Files, NewFile, decode_checkpoint, encode_checkpoint,
};
use lenslet_train::{Checkpoint, Keeper, Moment};

use common::{SETTINGS, checkpoint};

/// Numbers that are none are equal, too.
fn words(checkpoint: &Checkpoint) -> String {
    format!("{checkpoint:?}")
}

/// The newest one in a folder.
fn newest(folder: &Path) -> Option<Checkpoint> {
    Checkpoints::new(folder, SETTINGS).newest().unwrap().map(|found| found.newest)
}

#[test]
fn a_checkpoint_is_read_back_as_it_was_written() {
    for epoch in 1..5 {
        let checkpoint = checkpoint(epoch);
        let bytes = encode_checkpoint(&checkpoint, SETTINGS).unwrap();
        let (read, settings) = decode_checkpoint(&bytes).unwrap();
        assert_eq!((words(&read), &*settings), (words(&checkpoint), SETTINGS));
        assert_eq!(bytes, encode_checkpoint(&read, SETTINGS).unwrap(), "the same bytes");
    }
}

#[test]
fn other_programs_read_the_arrays() {
    let checkpoint = checkpoint(3);
    let bytes = encode_checkpoint(&checkpoint, SETTINGS).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let parameters = tensors.tensor("parameters").unwrap();
    assert_eq!(parameters.shape(), [500]);
    assert_eq!(parameters.data(), bytemuck::cast_slice::<_, u8>(&checkpoint.state.parameters));
    assert_eq!(tensors.tensor("history").unwrap().shape(), [2, 7]);
    assert!(tensors.tensor("moments/1").is_ok() && tensors.tensor("callbacks/0/weights").is_ok());
}

#[test]
fn the_last_two_are_kept_and_the_one_at_which_the_epoch_began() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoints = Checkpoints::new(folder.path(), SETTINGS);
    let names = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names.into_iter().map(|name| name.trim_end_matches(".safetensors").to_owned()).collect()
    };
    let expected: [(usize, &[&str]); 6] = [
        (2, &["000001-epoch-2-step-2"]),
        (3, &["000001-epoch-2-step-2", "000002-epoch-3-step-0"]),
        (4, &["000002-epoch-3-step-0", "000003-epoch-4-step-1"]),
        (5, &["000002-epoch-3-step-0", "000003-epoch-4-step-1", "000004-epoch-5-step-2"]),
        (7, &["000002-epoch-3-step-0", "000004-epoch-5-step-2", "000005-epoch-7-step-1"]),
        (9, &["000005-epoch-7-step-1", "000006-epoch-9-step-0"]),
    ];
    for (epoch, files) in expected {
        checkpoints.write(&checkpoint(epoch)).unwrap();
        let found: Vec<String> = names();
        assert_eq!(found, files);
        assert_eq!(newest(folder.path()).as_ref().map(words), Some(words(&checkpoint(epoch))));
    }
}

#[test]
fn a_damaged_newest_one_gives_way_to_the_one_before_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoints = Checkpoints::new(folder.path(), SETTINGS);
    (2..5).for_each(|epoch| checkpoints.write(&checkpoint(epoch)).unwrap());
    let damaged = folder.path().join("000003-epoch-4-step-1.safetensors");
    let mut bytes = fs::read(&damaged).unwrap();
    let last = bytes.len() - 1;
    bytes[last / 2] ^= 1;
    fs::write(&damaged, bytes).unwrap();

    let mut checkpoints = Checkpoints::new(folder.path(), SETTINGS);
    let found = checkpoints.newest().unwrap().unwrap();
    assert_eq!(words(&found.newest), words(&checkpoint(3)));
    let message = found.damaged[0].to_string();
    assert!(message.contains("000003-epoch-4") && message.contains("checksum"), "{message}");
    // The sound one stays and the damaged one goes.
    checkpoints.write(&checkpoint(5)).unwrap();
    assert!(!damaged.exists());
    assert!(folder.path().join("000002-epoch-3-step-0.safetensors").exists());

    for entry in fs::read_dir(folder.path()).unwrap() {
        fs::write(entry.unwrap().path(), b"").unwrap();
    }
    let error = Checkpoints::new(folder.path(), SETTINGS).newest().unwrap_err();
    assert!(error.to_string().contains("not whole"), "{error}");
}

#[test]
fn checkpoints_of_other_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    Checkpoints::new(folder.path(), SETTINGS).write(&checkpoint(2)).unwrap();
    let error = Checkpoints::new(folder.path(), "other").newest().unwrap_err().to_string();
    assert!(error.contains("other settings") && error.contains("config.toml"), "{error}");
    assert!(Checkpoints::new(folder.path().join("none"), "other").newest().unwrap().is_none());
}

/// A disk whose calls are counted, and fail from a certain one on for a while.
#[derive(Clone, Debug)]
struct Faulty {
    calls: Arc<AtomicUsize>,
    /// The first call that fails.
    first: usize,
    /// How many do.
    times: usize,
    /// Whether a write that fails has written a part, and each write writes little.
    short: bool,
}

impl Faulty {
    fn new(first: usize, times: usize, short: bool) -> Self {
        Self { calls: Arc::default(), first, times, short }
    }

    fn call(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fails = call >= self.first && call - self.first < self.times;
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

struct FaultyFile(Faulty, Box<dyn NewFile>);

impl Files for Faulty {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        self.call()?;
        Ok(Box::new(FaultyFile(self.clone(), Disk.create_new(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        Disk.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call()?;
        Disk.sync_folder(folder)
    }
}

impl NewFile for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = if self.0.short { &bytes[..bytes.len().div_ceil(2)] } else { bytes };
        match self.0.call() {
            Ok(()) => self.1.write(some),
            Err(error) => {
                // What was written until then is there.
                if self.0.short {
                    self.1.write(&bytes[..bytes.len() / 2])?;
                }
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.call()?;
        self.1.sync()
    }
}

#[test]
fn whichever_call_fails_the_old_or_the_new_one_is_read() {
    for short in [false, true] {
        for times in [1, usize::MAX] {
            let mut succeeded = 0;
            for first in 0.. {
                let folder = tempfile::tempdir().unwrap();
                let mut checkpoints = Checkpoints::new(folder.path(), SETTINGS);
                (2..4).for_each(|epoch| checkpoints.write(&checkpoint(epoch)).unwrap());
                let faulty = Faulty::new(first, times, short);
                let files = Box::new(faulty.clone());
                let mut checkpoints = Checkpoints::with_files(folder.path(), SETTINGS, files);
                checkpoints.newest().unwrap();
                let written = checkpoints.write(&checkpoint(4));
                let read = words(&newest(folder.path()).unwrap());
                let [old, new] = [3, 4].map(|epoch| words(&checkpoint(epoch)));
                match written {
                    Ok(()) => assert_eq!(read, new, "{faulty:?}"),
                    Err(error) => {
                        assert!(error.to_string().contains("free some space"), "{error}");
                        assert!(read == old || read == new, "{faulty:?}");
                    }
                }
                // No call of it failed.
                if faulty.calls.load(Ordering::Relaxed) <= first {
                    succeeded = first;
                    break;
                }
                // The next attempt, on a disk that is well, succeeds whatever is left of this one.
                let mut checkpoints = Checkpoints::new(folder.path(), SETTINGS);
                checkpoints.newest().unwrap();
                checkpoints.write(&checkpoint(5)).unwrap();
                assert_eq!(words(&newest(folder.path()).unwrap()), words(&checkpoint(5)));
                let hidden = fs::read_dir(folder.path()).unwrap().filter(|entry| {
                    entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.')
                });
                assert_eq!(hidden.count(), 0, "half-written files are gone: {faulty:?}");
            }
            assert!(succeeded > 8, "open, writes, sync, rename, sync of the folder, remove");
        }
    }
}

#[test]
fn the_writer_tries_again_and_says_at_the_end_what_it_could_not_write() {
    // Long enough for the first attempt; the second comes with the next checkpoint.
    for (times, written) in [(2, true), (usize::MAX, false)] {
        let folder = tempfile::tempdir().unwrap();
        let files = Box::new(Faulty::new(0, times, false));
        let checkpoints = Checkpoints::with_files(folder.path(), SETTINGS, files);
        let warnings = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&warnings);
        let warn = move |_: &_| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let mut writer = CheckpointWriter::new(checkpoints, Duration::MAX, warn);
        assert!(!writer.due(Moment::Step) && writer.due(Moment::Epoch) && writer.due(Moment::Stop));
        for epoch in 2..4 {
            writer.keep(checkpoint(epoch)).unwrap();
            while warnings.load(Ordering::Relaxed) < epoch - 1 {
                std::thread::yield_now();
            }
        }
        assert_eq!(writer.finish().is_ok(), written);
        assert_eq!(newest(folder.path()).is_some(), written);
    }
}
