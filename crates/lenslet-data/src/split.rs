//! A training and a test set.

use std::path::PathBuf;

use crate::Dataset;

/// A training and a test set with the same classes in the same order and pictures of one shape.
#[derive(Clone, Debug)]
pub struct Split {
    /// What the network learns from.
    pub train: Dataset,
    /// What it is judged by; never trained on.
    pub test: Dataset,
    /// Files that could not be read and are in neither part, sorted by path.
    pub skipped: Vec<Skipped>,
}

/// A file that is not in the data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file, as it was found below the folder that was asked for.
    pub path: PathBuf,
    /// Why it was not read.
    pub reason: String,
}
