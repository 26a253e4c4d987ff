//! Data sets for Lenslet.
//!
//! A [`Dataset`] is a block of equally sized `u8` pictures (NHWC) with [`Labels`]: one class per picture,
//! or any number of labels. A [`Split`] is a training and a test set with the same classes. Three
//! sources make them:
//!
//! * [`synthetic`]: ten classes drawn in the process from a seed; needs no file and no network.
//! * [`cifar10`]: the official binary archive, downloaded, checked and cached.
//! * [`folder`]: folders of image files, one folder per class, or with a table of labels.
//!
//! [`shuffled_order`] and [`Batches`] then say which pictures make which step of training, and
//! [`read_image`] reads a single picture the way folders are read, for predictions.
//!
//! The crate prints nothing and reads no environment variable: cache folders and progress callbacks
//! come in as arguments. Everything random is a function of a seed and gives the same bits on
//! every machine and for any number of threads.

#![forbid(unsafe_code)]

mod batches;
pub mod cifar10;
mod dataset;
mod decode;
mod error;
pub mod folder;
mod labels;
mod parallel;
mod purpose;
mod split;
mod statistics;
pub mod synthetic;

pub use batches::{Batches, shuffled_order};
pub use dataset::Dataset;
pub use decode::{decode_image, read_image, read_original};
pub use error::DataError;
pub use labels::{Labels, MultiHot};
pub use split::{Skipped, Split};
pub use statistics::Statistics;
