//! Finds classes and image files; opens none.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::table::{self, Table};
use crate::{DataError, Labels, Skipped};

/// Endings of the files that are read, lower case.
const IMAGES: [&str; 6] = ["jpg", "jpeg", "png", "gif", "bmp", "webp"];
/// Endings of pictures that are not: named as skipped, where a text file is none of our business.
const OTHER_IMAGES: [&str; 9] = ["tif", "tiff", "heic", "heif", "avif", "jxl", "jp2", "svg", "psd"];
/// Names of the folder with the test part, the first that there is counts.
const TEST: [&str; 4] = ["test", "val", "validation", "valid"];

/// What is below a folder.
pub(super) struct Layout {
    pub(super) classes: Vec<String>,
    pub(super) train: Listing,
    /// `None`: to be held out of `train`.
    pub(super) test: Option<Listing>,
}

/// The files of one part with their labels: class by class, in bytewise order, or as a table has them.
pub(super) struct Listing {
    pub(super) files: Vec<PathBuf>,
    pub(super) labels: Labels,
    pub(super) skipped: Vec<Skipped>,
}

pub(super) fn scan(path: &Path) -> Result<Layout, DataError> {
    let top = folders(path)?;
    if let Some(layout) = scan_tables(path, &top)? {
        return Ok(layout);
    }
    let find = |name: &str| top.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let test = TEST.iter().find_map(|name| find(name));
    let (classes, test) = match (find("train"), test) {
        (Some((_, train)), test) => (folders(train)?, test),
        (None, Some((name, _))) => {
            return layout_error(path, &format!("has {name}/ but no train/"));
        }
        (None, None) => (top.clone(), None),
    };
    if classes.is_empty() {
        return layout_error(path, "has no classes");
    }
    let names: Vec<String> = classes.iter().map(|(name, _)| name.clone()).collect();
    if let [class] = &names[..] {
        return Err(DataError::SingleClass { dataset: show(path), class: class.clone() });
    }
    let mut train = Found::default();
    for (label, (class, folder)) in (0..).zip(&classes) {
        if train.add(folder, label) == 0 {
            return Err(DataError::EmptyClass { dataset: show(path), class: class.clone() });
        }
    }
    let test = test.map(|(_, folder)| scan_test(folder, &names)).transpose()?;
    Ok(Layout { classes: names, train: train.into(), test })
}

/// The layout of a folder with a table of labels, or with one in its training part.
fn scan_tables(path: &Path, top: &[(String, PathBuf)]) -> Result<Option<Layout>, DataError> {
    if path.join(table::NAME).is_file() {
        let Table { classes, listing } = Table::read(path, None)?;
        return Ok(Some(Layout { classes, train: listing, test: None }));
    }
    let find = |name: &str| top.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let Some((_, train)) = find("train").filter(|(_, train)| train.join(table::NAME).is_file())
    else {
        return Ok(None);
    };
    let Table { classes, listing } = Table::read(train, None)?;
    let test = TEST.iter().find_map(|name| find(name));
    let test = test.map(|(_, test)| Table::read(test, Some(&classes))).transpose()?;
    Ok(Some(Layout { classes, train: listing, test: test.map(|table| table.listing) }))
}

fn scan_test(path: &Path, classes: &[String]) -> Result<Listing, DataError> {
    let mut test = Found::default();
    for (class, folder) in folders(path)? {
        match classes.iter().position(|other| *other == class) {
            Some(label) => test.add(&folder, label as u32),
            None => return Err(DataError::UnknownClass { path: folder, class }),
        };
    }
    if test.files.is_empty() {
        return Err(DataError::NoImages { dataset: show(path) });
    }
    Ok(test.into())
}

/// The files below the folders of classes.
#[derive(Default)]
struct Found {
    files: Vec<(PathBuf, u32)>,
    skipped: Vec<Skipped>,
}

impl From<Found> for Listing {
    fn from(Found { files, skipped }: Found) -> Self {
        let (files, classes): (_, Vec<u32>) = files.into_iter().unzip();
        Self { files, labels: classes.into(), skipped }
    }
}

impl Found {
    /// Adds the image files below a class's folder and returns how many there are.
    fn add(&mut self, folder: &Path, label: u32) -> usize {
        let before = self.files.len();
        let walk = WalkDir::new(folder).min_depth(1).follow_links(true).sort_by_file_name();
        let shown = |entry: &walkdir::DirEntry| !hidden(&entry.file_name().to_string_lossy());
        for entry in walk.into_iter().filter_entry(shown) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => self.file(entry.into_path(), label),
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_path_buf();
                    self.skipped.push(Skipped { path, reason: error.to_string() });
                }
            }
        }
        self.files.len() - before
    }

    fn file(&mut self, path: PathBuf, label: u32) {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let is_one_of = |endings: &[&str]| ending.as_deref().is_some_and(|e| endings.contains(&e));
        if is_one_of(&IMAGES) {
            self.files.push((path, label));
        } else if is_one_of(&OTHER_IMAGES) {
            let reason = format!("not one of the formats that are read: {}", IMAGES.join(", "));
            self.skipped.push(Skipped { path, reason });
        }
    }
}

/// The folders in a folder that are not hidden, with their names, in bytewise order.
fn folders(path: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let trouble = |e| DataError::io("cannot read the folder", path, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !hidden(&name) && path.is_dir() {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}

fn hidden(name: &str) -> bool {
    name.starts_with('.')
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

fn layout_error<T>(path: &Path, what: &str) -> Result<T, DataError> {
    Err(DataError::Layout { path: path.into(), what: what.into() })
}
