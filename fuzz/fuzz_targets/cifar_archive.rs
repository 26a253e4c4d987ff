//! CIFAR-10's archive, which is read from a file.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use lenslet_data::cifar10;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join(cifar10::ARCHIVE);
    fs::write(&path, bytes).unwrap();
    let _ = cifar10::read(&path);
});
