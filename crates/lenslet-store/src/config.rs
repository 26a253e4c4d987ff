//! What repeats a run.

use std::path::Path;

use lenslet_engine::Shortcut;
use lenslet_model::{Graph, Loss, Metric, Optimizer, serde_hint};
use lenslet_train::{EarlyStopping, OnNan, ReduceLROnPlateau};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::read::{MOST_TEXT, read_text};
use crate::{ContentError, StoreError, atomic};

/// All that repeats a run to the last bit, as TOML: the data, the model and the training.
///
/// The number of threads is not part of it: no result depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The version of the program that made the run.
    pub version: String,
    /// The instruction set whose kernels ran (`avx2`, `portable`, ...): on another one sums are
    /// rounded differently.
    pub isa: String,
    /// Shortcuts that were not taken: without them sums are rounded differently, too; none by
    /// default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Shortcut>,
    /// Only this many training images were used, the first in the order of the training's seed;
    /// all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The images.
    pub data: DataConfig,
    /// How the model was trained.
    pub training: TrainingConfig,
    /// The model, in full.
    pub model: Graph,
}

/// What to write in place of a key that once was.
const EXACT: &str = "it is called `without` since; in place of `exact = true` write `without = [\"winograd\", \
                     \"fusion\", \"skipping\"]`, and leave `exact = false` out";

/// Where images come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum DataConfig {
    /// The built-in set.
    Synthetic {
        /// The seed that the images are made from.
        seed: u64,
        /// How many images to train on.
        train: usize,
        /// How many images to test on.
        test: usize,
    },
    /// The built-in set of pictures with any number of labels.
    Scenes {
        /// The seed that the images are made from.
        seed: u64,
        /// How many images to train on.
        train: usize,
        /// How many images to test on.
        test: usize,
    },
    /// CIFAR-10.
    Cifar10 {
        /// An archive, a folder or an address; the official address and the cache by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// A folder of image files.
    Folder {
        /// The folder.
        path: String,
        /// `[height, width]` that images are resized to, in pixels.
        size: [usize; 2],
        /// Channels: 1 for grey, 3 for RGB.
        channels: usize,
        /// The seed of the split, where the folder has none of its own.
        seed: u64,
        /// The share of images that are set aside for tests, where the folder has no split of its
        /// own: between 0 and 1.
        validation_fraction: f64,
        /// Whether a broken image is an error; else it is skipped.
        strict: bool,
    },
    /// None: the model was read from a file of another program.
    Imported {},
}

/// How a model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// How often every image is seen.
    pub epochs: usize,
    /// Images per step.
    pub batch_size: usize,
    /// The seed of the initial weights, the order and the dropout.
    pub seed: u64,
    /// Whether every epoch has an order of its own.
    pub shuffle: bool,
    /// What ends the training early; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// What makes the learning rate smaller; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduce_lr_on_plateau: Option<ReduceLROnPlateau>,
    /// What is done where numbers stop being numbers; training stops by default.
    #[serde(default, skip_serializing_if = "OnNan::is_stop")]
    pub on_nan: OnNan,
    /// What is told of every epoch beside loss and accuracy; nothing by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The loss.
    pub loss: Loss,
}

impl RunConfig {
    /// Refuses what cannot be trained.
    ///
    /// # Errors
    /// Where the model does not build, or the batch size or the optimiser is out of range.
    pub fn check(&self) -> Result<(), ContentError> {
        self.model.build()?;
        self.training.optimizer.check()?;
        if self.training.batch_size == 0 {
            return Err(ContentError::setting("batch_size", "0 is too few", "give at least 1"));
        }
        Ok(())
    }

    /// A digest of all that a training must be told to go on as it began: everything but the
    /// version and the number of epochs, which may grow. 32 hexadecimal digits.
    pub fn digest(&self) -> String {
        let mut config = self.clone();
        config.version.clear();
        config.training.epochs = 0;
        format!("{:032x}", xxh3_128(config.to_toml().as_bytes()))
    }

    /// The first setting in which another configuration differs, of those that [`Self::digest`]
    /// is of.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let table = |config: &Self| {
            let mut table = toml::Table::try_from(config).expect("a configuration is plain data");
            table.remove("version");
            if let Some(toml::Value::Table(training)) = table.get_mut("training") {
                training.remove("epochs");
            }
            toml::Value::Table(table)
        };
        difference(String::new(), Some(&table(self)), Some(&table(other)))
    }

    /// The text that [`RunConfig::from_toml`] reads back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is plain data")
    }

    /// Reads TOML.
    ///
    /// # Errors
    /// Where it is no TOML or lacks a key, where a key is not known (the nearest known one is
    /// named), or where it fails [`RunConfig::check`].
    pub fn from_toml(text: &str) -> Result<Self, ContentError> {
        let config: Self = toml::from_str(text).map_err(|e| {
            let message = e.to_string();
            let remedy = match message.contains("unknown field `exact`") {
                true => EXACT.to_owned(),
                false => serde_hint(&message).unwrap_or_else(|| "correct it".to_owned()),
            };
            ContentError::text(message.trim_end(), remedy)
        })?;
        config.check()?;
        Ok(config)
    }

    /// Reads a file of [`RunConfig::write`], of at most 4 MiB.
    ///
    /// # Errors
    /// As [`RunConfig::from_toml`], or where the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        Self::from_toml(&read_text(path, MOST_TEXT)?).map_err(|e| e.at(path))
    }

    /// Writes TOML, whole or not at all.
    ///
    /// # Errors
    /// Where it fails [`RunConfig::check`], and as [`write`](crate::write()).
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        self.check().map_err(|e| e.at(path))?;
        atomic::write(path, self.to_toml().as_bytes())
    }
}

/// A setting that two configurations have different values for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, as in `config.toml`: `training.batch_size`.
    pub setting: String,
    /// Its value in one, as TOML; `none` where there is none.
    pub here: String,
    /// Its value in the other.
    pub there: String,
}

fn difference(
    setting: String,
    here: Option<&toml::Value>,
    there: Option<&toml::Value>,
) -> Option<Difference> {
    use toml::Value::{Array, Table};
    let child = |name: &str| match setting.is_empty() {
        true => name.to_owned(),
        false => format!("{setting}.{name}"),
    };
    match (here, there) {
        _ if here == there => None,
        (Some(Table(a)), Some(Table(b))) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            names.into_iter().find_map(|name| difference(child(name), a.get(name), b.get(name)))
        }
        (Some(Array(a)), Some(Array(b))) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(i, (a, b))| difference(child(&i.to_string()), Some(a), Some(b)))
        }
        _ => {
            let [here, there] = [here, there]
                .map(|value| value.map_or_else(|| "none".to_owned(), |value| value.to_string()));
            Some(Difference { setting, here, there })
        }
    }
}
