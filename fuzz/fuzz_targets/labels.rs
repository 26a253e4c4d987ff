//! Tables of labels, in a folder with some images for them to name.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use lenslet_data::folder::Folder;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const IMAGE: &[u8] = include_bytes!("../corpus/image_decode/colour.bmp");

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("old")).unwrap();
    for name in ["a.bmp", "b.bmp", "old/c.bmp"] {
        fs::write(folder.path().join(name), IMAGE).unwrap();
    }
    folder
});

fuzz_target!(|bytes: &[u8]| {
    fs::write(FOLDER.path().join("labels.csv"), bytes).unwrap();
    let folder = Folder { size: [4, 4], ..Folder::default() };
    if let Ok(split) = folder.load(FOLDER.path()) {
        let labels = split.train.labels().multi_hot().expect("there is a table");
        assert_eq!(labels.classes(), split.train.classes().len());
        assert_eq!(labels.len(), split.train.len());
    }
});
