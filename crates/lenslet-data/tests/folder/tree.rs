//! A folder of images for a test.

use std::fs;
use std::path::PathBuf;

use image::{Rgb, RgbImage};
use lenslet_data::folder::Folder;
use lenslet_data::{DataError, Dataset, Split};
use tempfile::TempDir;

pub(crate) struct Tree(pub(crate) TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Files of one plain colour each.
    pub(crate) fn images(self, files: &[(&str, u8)]) -> Self {
        for (name, grey) in files {
            RgbImage::from_pixel(8, 4, Rgb([*grey; 3])).save(self.path(name)).unwrap();
        }
        self
    }

    pub(crate) fn file(self, name: &str, contents: &[u8]) -> Self {
        fs::write(self.path(name), contents).unwrap();
        self
    }

    pub(crate) fn load(&self) -> Result<Split, DataError> {
        Folder { size: [2, 2], channels: 1, ..Folder::default() }.load(self.0.path())
    }

    pub(crate) fn trouble(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

/// The first byte of every image: its file's grey.
pub(crate) fn greys(set: &Dataset) -> Vec<u8> {
    (0..set.len()).map(|i| set.image(i)[0]).collect()
}
