//! From the words for a data set to its images.

use std::path::{Path, PathBuf, absolute};
use std::str::FromStr;

use lenslet_data::cifar10::{self, Cifar10, Md5, Source};
use lenslet_data::folder::Folder;
use lenslet_data::synthetic::{Scenes, Synthetic};
use lenslet_data::{DataError, Dataset, Labels, Split, shuffled_order};
use lenslet_model::nearest;
use lenslet_store::DataConfig;

use crate::console::{counted, note, thousands};
use crate::failure::Failure;
use crate::machine::CacheArgs;
use crate::number::{natural, real};
use crate::progress;

const NAMES: [&str; 3] = ["synthetic", "scenes", "cifar10"];
/// How many classes are named in a sentence.
const NAMED: usize = 20;

/// Options of every command that reads a data set.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    #[command(flatten)]
    pub(crate) cifar10: Cifar10Args,

    /// Image folders: the size that every image is resized to [default: the model's, else 32x32]
    #[arg(long, value_name = "HxW")]
    pub(crate) image_size: Option<ImageSize>,

    /// Image folders without test/ or val/: the share held out for testing [default: 0.2]
    #[arg(long, value_name = "SHARE", value_parser = real, allow_negative_numbers = true)]
    pub(crate) validation_split: Option<f64>,

    /// Image folders: take a broken image for an error instead of skipping it
    #[arg(long)]
    pub(crate) strict: bool,

    /// What the synthetic images, or the choice of the images held out, grow from [default: 42]
    #[arg(long, value_name = "N", value_parser = natural, allow_negative_numbers = true)]
    pub(crate) data_seed: Option<u64>,
}

/// Where CIFAR-10 is.
#[derive(Debug, clap::Args)]
pub(crate) struct Cifar10Args {
    /// CIFAR-10: an archive, a folder `cifar-10-batches-bin`, or the address of a mirror
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) data: Option<String>,

    /// CIFAR-10: take what a mirror sends even if it is not the official archive
    #[arg(long, requires = "data")]
    pub(crate) unchecked: bool,

    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

/// `32x48`: height, then width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageSize([usize; 2]);

impl FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut sides = text.split(['x', 'X']).map(|side| side.parse().ok().filter(|&n| n > 0));
        match (sides.next().flatten(), sides.next().flatten(), sides.next()) {
            (Some(height), Some(width), None) => Ok(Self([height, width])),
            _ => Err("give height and width in pixels, for example 32x32".to_owned()),
        }
    }
}

/// What is known before the data set is: what it should look like, and what it was last time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// `[height, width, channels]` of the model that is to see the images.
    pub(crate) shape: Option<[usize; 3]>,
    /// The data of a run that is repeated.
    pub(crate) last: Option<&'a DataConfig>,
}

impl DataArgs {
    /// Which images are meant; opens none.
    pub(crate) fn config(
        &self,
        dataset: Option<&str>,
        wanted: Wanted<'_>,
    ) -> Result<DataConfig, Failure> {
        let mut config = match (dataset, wanted.last) {
            (None, Some(last)) => last.clone(),
            (dataset, _) => named(dataset.unwrap_or(NAMES[0]), wanted.shape)?,
        };
        self.refuse_idle(&config)?;
        match &mut config {
            DataConfig::Synthetic { seed, .. } | DataConfig::Scenes { seed, .. } => {
                *seed = self.data_seed.unwrap_or(*seed);
            }
            DataConfig::Cifar10 { path } => {
                if let Some(data) = &self.cifar10.data {
                    *path = Some(self.cifar10.place(data)?);
                }
            }
            DataConfig::Folder { size, seed, validation_fraction, strict, .. } => {
                *size = self.image_size.map_or(*size, |size| size.0);
                *seed = self.data_seed.unwrap_or(*seed);
                *validation_fraction = self.validation_split.unwrap_or(*validation_fraction);
                *strict |= self.strict;
            }
            _ => {}
        }
        Ok(config)
    }

    /// Refuses an option that would do nothing.
    fn refuse_idle(&self, config: &DataConfig) -> Result<(), Failure> {
        let folder = matches!(config, DataConfig::Folder { .. });
        let cifar10 = matches!(config, DataConfig::Cifar10 { .. });
        let cases = [
            ("--data", self.cifar10.data.is_some() && !cifar10, "cifar10"),
            ("--image-size", self.image_size.is_some() && !folder, "image folders"),
            ("--validation-split", self.validation_split.is_some() && !folder, "image folders"),
            ("--strict", self.strict && !folder, "image folders"),
            (
                "--data-seed",
                self.data_seed.is_some() && cifar10,
                "synthetic, scenes and image folders",
            ),
        ];
        match cases.into_iter().find(|(_, idle, _)| *idle) {
            Some((flag, _, what)) => Err(Failure::usage(format!(
                "{flag} is for {what}, but the data set is {}; leave it out, or name another data \
                 set",
                title(config)
            ))),
            None => Ok(()),
        }
    }
}

impl Cifar10Args {
    /// What `--data` names, in words that mean the same from any folder.
    fn place(&self, data: &str) -> Result<String, Failure> {
        match Source::from(data) {
            Source::Path(path) => whole(&path),
            _ => Ok(data.to_owned()),
        }
    }

    /// The archive or folder, downloaded where it is on no disk yet.
    pub(crate) fn get(&self, place: Option<&str>, quiet: bool) -> Result<PathBuf, Failure> {
        let mut cifar10 = Cifar10::new(self.cache.folder()?);
        if let Some(place) = place {
            cifar10.source = Source::from(place);
        }
        if let (true, Source::Mirror(url)) = (self.unchecked, &cifar10.source) {
            // Kept apart, so that it is never taken for the official archive.
            cifar10.cache.push(format!("mirror-{}", Md5::of(url.as_bytes())));
            cifar10.expected = None;
        }
        let words = match &cifar10.source {
            Source::Mirror(url) => url.clone(),
            _ => cifar10::URL.to_owned(),
        };
        let download = progress::Download::new(&words, quiet);
        let found = cifar10.get(&|done, total| download.at(done, total));
        download.finish();
        Ok(found?)
    }
}

/// The data set of that name, else the folder there.
fn named(name: &str, shape: Option<[usize; 3]>) -> Result<DataConfig, Failure> {
    let path = Path::new(name);
    match name {
        "synthetic" => {
            let Synthetic { seed, train, test } = Synthetic::default();
            Ok(DataConfig::Synthetic { seed, train, test })
        }
        "scenes" => {
            let Scenes { seed, train, test } = Scenes::default();
            Ok(DataConfig::Scenes { seed, train, test })
        }
        "cifar10" => Ok(DataConfig::Cifar10 { path: None }),
        _ if is_cifar10(path) => Err(Failure::usage(format!(
            "{name} is no folder of images; if it holds CIFAR-10, say `cifar10 --data {name}`"
        ))),
        _ if path.is_dir() => {
            let Folder { size, channels, test_fraction, seed, strict, .. } = Folder::default();
            let [height, width, channels] = shape.unwrap_or([size[0], size[1], channels]);
            Ok(DataConfig::Folder {
                path: whole(path)?,
                size: [height, width],
                channels,
                seed,
                validation_fraction: test_fraction,
                strict,
            })
        }
        _ => {
            let hint = nearest(name, NAMES).map(|name| format!("; did you mean `{name}`?"));
            Err(Failure::usage(format!(
                "there is no data set and no folder called `{name}`: give synthetic, scenes, cifar10 \
                 or the path of a folder of images{}",
                hint.unwrap_or_default()
            )))
        }
    }
}

fn is_cifar10(path: &Path) -> bool {
    let batches = ["data_batch_1.bin", "cifar-10-batches-bin", cifar10::ARCHIVE];
    let address = path.to_str().is_some_and(|text| text.contains("://"));
    address || path.is_file() || batches.iter().any(|name| path.join(name).exists())
}

/// A path that means the same from any folder, as text.
fn whole(path: &Path) -> Result<String, Failure> {
    let whole = absolute(path).unwrap_or_else(|_| path.to_owned());
    whole
        .into_os_string()
        .into_string()
        .map_err(|path| Failure::usage(format!("the path {path:?} is no text in UTF-8; rename it")))
}

/// What a data set is called in a sentence and in the name of a run.
pub(crate) fn title(config: &DataConfig) -> String {
    match config {
        DataConfig::Synthetic { .. } => "synthetic".to_owned(),
        DataConfig::Scenes { .. } => "scenes".to_owned(),
        DataConfig::Cifar10 { .. } => "cifar10".to_owned(),
        DataConfig::Folder { path, .. } => match Path::new(path).file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => path.clone(),
        },
        DataConfig::Imported {} => "imported".to_owned(),
        _ => "data".to_owned(),
    }
}

/// The images, and where they really are: a config that finds them again without the arguments.
pub(crate) fn load(
    config: DataConfig,
    args: &Cifar10Args,
    quiet: bool,
) -> Result<(Split, DataConfig), Failure> {
    match config {
        DataConfig::Synthetic { seed, train, test } => {
            Ok((Synthetic { seed, train, test }.generate()?, config))
        }
        DataConfig::Scenes { seed, train, test } => {
            Ok((Scenes { seed, train, test }.generate()?, config))
        }
        DataConfig::Cifar10 { path } => {
            let found = args.get(path.as_deref(), quiet)?;
            let split = cifar10::read(&found)?;
            let path = if args.unchecked { Some(whole(&found)?) } else { path };
            Ok((split, DataConfig::Cifar10 { path }))
        }
        DataConfig::Folder { ref path, size, channels, seed, validation_fraction, strict } => {
            let test_fraction = validation_fraction;
            let folder =
                Folder { size, channels, seed, test_fraction, strict, ..Folder::default() };
            let split = folder.load(Path::new(path)).map_err(|error| match error {
                DataError::Fraction { .. } => {
                    Failure::usage(format!("--validation-split: {error}"))
                }
                _ => error.into(),
            })?;
            if !quiet {
                split.skipped.iter().for_each(|skipped| {
                    note(format_args!("skipped {}: {}", skipped.path.display(), skipped.reason));
                });
            }
            Ok((split, config))
        }
        DataConfig::Imported {} => Err(Failure::usage(
            "the model was imported and has no images of its own; name a data set: synthetic, \
             scenes, cifar10 or the path of a folder of images",
        )),
        _ => Err(Failure::failed("this data set is not known to this version of lenslet")),
    }
}

/// Leaves only so many of the training images: the first in the order of the training's seed.
pub(crate) fn limit(split: &mut Split, limit: Option<usize>, seed: u64) {
    if let Some(limit) = limit.filter(|&limit| limit < split.train.len()) {
        let order = shuffled_order(seed, 0, split.train.len());
        split.train = split.train.take(&order[..limit]);
    }
}

/// The names of the classes, the first ones where there are many.
pub(crate) fn classes(data: &Dataset) -> String {
    let classes = data.classes();
    let words = classes.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match classes.len().saturating_sub(NAMED) {
        0 => words,
        more => format!("{words} and {} more", thousands(more)),
    }
}

/// A sentence on a data set.
pub(crate) fn describe(split: &Split) -> String {
    let skipped = match split.skipped.len() {
        0 => String::new(),
        n => format!(" ({} skipped)", counted(n, "broken image")),
    };
    format!(
        "{}: {} to learn from and {} to test on{skipped}, {}, {}",
        split.train.name(),
        counted(split.train.len(), "image"),
        counted(split.test.len(), "image"),
        shape(&split.train),
        kinds(&split.train),
    )
}

/// How many classes, or labels, there are.
fn kinds(data: &Dataset) -> String {
    let count = data.classes().len();
    match data.labels() {
        // There are never fewer than two.
        Labels::Sparse(_) => format!("{} classes", thousands(count)),
        Labels::MultiHot(_) => format!("{}, any number for each image", counted(count, "label")),
    }
}

/// The size of the images in words.
pub(crate) fn shape(data: &Dataset) -> String {
    let [height, width, channels] = data.image_shape();
    let kind = match channels {
        1 => "grey".to_owned(),
        3 => "RGB".to_owned(),
        n => format!("{n} channels"),
    };
    format!("{height}x{width} pixels {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_height_and_width() {
        assert_eq!("32x48".parse(), Ok(ImageSize([32, 48])));
        for wrong in ["32", "0x3", "1x2x3", "axb", ""] {
            assert!(wrong.parse::<ImageSize>().is_err(), "{wrong}");
        }
    }
}
