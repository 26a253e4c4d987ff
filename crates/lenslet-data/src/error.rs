//! What can be wrong with data.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why data cannot be had or used. Every message says what is wrong, where, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The class names cannot be used.
    #[error("data set `{dataset}`: classes: {what}")]
    Classes {
        /// The data set's name.
        dataset: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The number of pixel bytes is not what the shape and the number of labels ask for.
    #[error(
        "data set `{dataset}`: {images} images of {shape} do not fit {bytes} bytes of pixels; \
         give height x width x channels bytes, none of them 0, for every label"
    )]
    Pixels {
        /// The data set's name.
        dataset: String,
        /// How many labels there are.
        images: usize,
        /// Height, width and channels.
        shape: String,
        /// How many bytes there are.
        bytes: usize,
    },
    /// A label that names no class.
    #[error("{place}: label {label} is out of range; the labels of {classes} classes are 0 to {}", classes - 1)]
    Label {
        /// The file and record, or the data set and image.
        place: String,
        /// The label.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// Rows of labels that are none.
    #[error("labels: {what}")]
    MultiHot {
        /// What is wrong, and what to do.
        what: String,
    },
    /// A table of labels that cannot be read.
    #[error("{}{}: {what}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, from 1; none where it is about the whole file.
        line: Option<u64>,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A set without pictures.
    #[error("data set `{dataset}` has no image; nothing can be learnt from it, add images")]
    NoImages {
        /// The data set's name or path.
        dataset: String,
    },
    /// A class without pictures.
    #[error("data set `{dataset}`: class `{class}` has no image; add some, or remove the class")]
    EmptyClass {
        /// The data set's name or path.
        dataset: String,
        /// The class.
        class: String,
    },
    /// All pictures are of one class.
    #[error(
        "data set `{dataset}` has images of only one class, `{class}`; \
         a classifier needs at least two"
    )]
    SingleClass {
        /// The data set's name or path.
        dataset: String,
        /// The class.
        class: String,
    },
    /// More synthetic pictures than can be made.
    #[error("{count} synthetic images are too many; ask for at most {limit}")]
    TooManyImages {
        /// How many were asked for.
        count: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The system refuses.
    #[error("{action} {}: {source}; check the path and its permissions, and the space on the disk if it is written to", path.display())]
    Io {
        /// What was tried: "cannot open", for example.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An image file that cannot be read as one.
    #[error("{place}: {reason}; is it a whole JPEG, PNG, GIF, BMP or WebP file?")]
    Image {
        /// The file.
        place: String,
        /// Why not.
        reason: String,
    },
    /// Pictures of this shape cannot be made from image files.
    #[error("images cannot be read as {shape}; ask for 1 or 3 channels and sides of 1 to 65,536")]
    ImageShape {
        /// Height, width and channels.
        shape: String,
    },
    /// A folder that is not laid out as a data set.
    #[error(
        "{} {what}; make a folder of images for each class, either below train/ and test/ \
         (or val/), or side by side: the test part is then taken from them", path.display()
    )]
    Layout {
        /// The folder.
        path: PathBuf,
        /// What is not right.
        what: String,
    },
    /// The test part has a class that is never learnt.
    #[error("{}: the training part has no class `{class}`; add it there, or remove it here", path.display())]
    UnknownClass {
        /// The class's folder in the test part.
        path: PathBuf,
        /// The class.
        class: String,
    },
    /// Broken images, in strict reading.
    #[error(
        "{count} of the images are broken, the first is {}: {reason}; \
         repair or remove them, or leave out strict reading, which then skips them", path.display()
    )]
    BrokenImages {
        /// How many.
        count: usize,
        /// The first, in the order of the paths.
        path: PathBuf,
        /// What is wrong with the first.
        reason: String,
    },
    /// The pictures do not fit in memory.
    #[error(
        "{}: {images} images of {shape} take {bytes} bytes, more than the {limit} that are \
         allowed; use fewer images or a smaller size", path.display()
    )]
    TooLarge {
        /// The folder.
        path: PathBuf,
        /// How many images there are.
        images: usize,
        /// Height, width and channels.
        shape: String,
        /// What they take.
        bytes: u128,
        /// What they may take.
        limit: u64,
    },
    /// The part that is held out for testing is not a fraction.
    #[error("the test fraction is {fraction}; give a number between 0 and 1, such as 0.2")]
    Fraction {
        /// What was asked for.
        fraction: f64,
    },
    /// A CIFAR-10 archive or folder that is not what it should be.
    #[error("{} {what}", path.display())]
    Cifar10 {
        /// The archive or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A file that is not the one it should be.
    #[error(
        "{}: the {what} is {actual}, but should be {expected}; the file is damaged or another one: \
         delete it and get it again", path.display()
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What is compared: size or digest.
        what: &'static str,
        /// What it is.
        actual: String,
        /// What it should be.
        expected: String,
    },
    /// A download that came to nothing.
    #[error(
        "cannot download {url}: {reason}; try again (what came so far is kept), \
         or get the file elsewhere and put it at {}, or give its path or a mirror's address \
         with --data; the data set `synthetic` needs no download", target.display()
    )]
    Download {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
        /// Where the file belongs.
        target: PathBuf,
    },
}

impl DataError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }
}
