//! Ten classes of small pictures, drawn in the process from a seed.
//!
//! The set stands in for photographs where there is no network: toy drawings of 32 x 32 RGB pixels
//! with varied pose, scale, proportion, colour, background, clutter, occlusion, light and noise.
//! Its classes come in pairs that share parts and are easily taken for each other: car and truck,
//! house and boat, tree and mushroom, fish and bird, star and flower.
//!
//! [`Scenes`] shows up to four of the ten in one picture: pictures with any number of labels.
//!
//! Picture `i` is a function of the seed and `i` alone, in arithmetic that rounds the same
//! everywhere (no sine or logarithm of the platform), so the pixels are the same on every machine.

mod colour;
mod dice;
mod figure;
mod picture;
mod shape;

use lenslet_kernels::Stream;

use crate::{DataError, Dataset, Labels, MultiHot, Split, parallel, purpose};
use picture::SIDE;

/// The names of the classes, in the order of their labels.
pub const CLASSES: [&str; 10] =
    ["car", "truck", "house", "boat", "tree", "mushroom", "fish", "bird", "star", "flower"];

/// The most pictures that one part may have.
pub const MAX_IMAGES: usize = 1_000_000;

/// How many pictures to draw, from which seed. Made in about a second by default.
///
/// ```
/// use lenslet_data::synthetic::Synthetic;
/// let split = Synthetic { train: 20, test: 10, ..Synthetic::default() }.generate()?;
/// assert_eq!(split.train.image_shape(), [32, 32, 3]);
/// assert_eq!(split.test.class_counts(), [1; 10]);
/// # Ok::<(), lenslet_data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// What everything random grows from; default 42.
    pub seed: u64,
    /// Pictures to learn from; default 10,000, at most [`MAX_IMAGES`].
    pub train: usize,
    /// Pictures to judge by; default 2,000, at most [`MAX_IMAGES`].
    pub test: usize,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self { seed: 42, train: 10_000, test: 2_000 }
    }
}

/// The two parts draw from different pictures, however many there are of each.
#[derive(Clone, Copy)]
enum Part {
    Train,
    Test,
}

impl Part {
    /// Tells the picture of this number apart from all others.
    fn step(self, index: usize) -> u64 {
        (self as u64) << 32 | index as u64
    }
}

impl Synthetic {
    /// Draws the pictures. Each part has equally many of every class, to one, in a shuffled
    /// order; a smaller part's pictures are not the first ones of a larger part.
    ///
    /// # Errors
    /// When more than [`MAX_IMAGES`] are asked for.
    pub fn generate(&self) -> Result<Split, DataError> {
        split([self.train, self.test], |part, count| self.part(part, count))
    }

    fn part(&self, part: Part, count: usize) -> Result<Dataset, DataError> {
        let order =
            Stream::new(self.seed, purpose::SYNTHETIC_ORDER, part as u64).permutation(count);
        let labels: Vec<u32> = order.iter().map(|i| i % CLASSES.len() as u32).collect();
        let stream = |index| Stream::new(self.seed, purpose::SYNTHETIC, part.step(index));
        let (pixels, _) = drawn(count, |index, image| {
            picture::draw(labels[index] as usize, stream(index), image);
        });
        dataset("synthetic", pixels, labels.into())
    }
}

/// How many pictures of several things to draw, from which seed.
///
/// Each shows none to four of [`CLASSES`], no two of a kind, and has their labels.
///
/// ```
/// use lenslet_data::synthetic::Scenes;
/// let split = Scenes { train: 20, test: 10, ..Scenes::default() }.generate()?;
/// let labels = split.train.labels().multi_hot().expect("any number of labels each");
/// assert_eq!(labels.rows().len(), 20 * 10);
/// # Ok::<(), lenslet_data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenes {
    /// What everything random grows from; default 42.
    pub seed: u64,
    /// Pictures to learn from; default 10,000, at most [`MAX_IMAGES`].
    pub train: usize,
    /// Pictures to judge by; default 2,000, at most [`MAX_IMAGES`].
    pub test: usize,
}

impl Default for Scenes {
    fn default() -> Self {
        let Synthetic { seed, train, test } = Synthetic::default();
        Self { seed, train, test }
    }
}

impl Scenes {
    /// Draws the pictures.
    ///
    /// # Errors
    /// When more than [`MAX_IMAGES`] are asked for.
    pub fn generate(&self) -> Result<Split, DataError> {
        split([self.train, self.test], |part, count| self.part(part, count))
    }

    fn part(&self, part: Part, count: usize) -> Result<Dataset, DataError> {
        let stream = |index| Stream::new(self.seed, purpose::SCENE, part.step(index));
        let (pixels, lists) =
            drawn(count, |index, image| picture::draw_scene(stream(index), image));
        dataset("scenes", pixels, MultiHot::of_lists(CLASSES.len(), &lists)?.into())
    }
}

/// Both parts, of so many pictures each.
fn split(
    [train, test]: [usize; 2],
    part: impl Fn(Part, usize) -> Result<Dataset, DataError>,
) -> Result<Split, DataError> {
    let checked = |kind, count| match count {
        ..=MAX_IMAGES => part(kind, count),
        _ => Err(DataError::TooManyImages { count, limit: MAX_IMAGES }),
    };
    let (train, test) = (checked(Part::Train, train)?, checked(Part::Test, test)?);
    Ok(Split { train, test, skipped: Vec::new() })
}

/// So many pictures, side by side, and what drawing each gave.
fn drawn<T: Clone + Default + Send>(
    count: usize,
    draw: impl Fn(usize, &mut [u8]) -> T + Sync,
) -> (Vec<u8>, Vec<T>) {
    let mut pixels = vec![0; count * SIDE * SIDE * 3];
    let mut results = vec![T::default(); count];
    let places = pixels.chunks_exact_mut(SIDE * SIDE * 3).zip(&mut results);
    parallel::for_each(places.enumerate().collect(), |(index, (image, result))| {
        *result = draw(index, image);
    });
    (pixels, results)
}

fn dataset(name: &str, pixels: Vec<u8>, labels: Labels) -> Result<Dataset, DataError> {
    Dataset::new(name, CLASSES.map(String::from).to_vec(), [SIDE, SIDE, 3], pixels, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cifar10::Md5;

    fn small() -> Split {
        Synthetic { seed: 7, train: 40, test: 20 }.generate().unwrap()
    }

    /// Every change of these digits changes what people's recorded runs were trained on.
    #[test]
    fn the_pictures_are_the_same_for_ever() {
        let split = small();
        let digest = Md5::of(&[split.train.pixels(), split.test.pixels()].concat());
        assert_eq!(digest.to_string(), "c849c99c365498f87b44f812813154b5");
        assert_eq!(split.train.pixels(), small().train.pixels());
    }

    #[test]
    fn the_scenes_are_the_same_for_ever() {
        let split = Scenes { seed: 7, train: 40, test: 20 }.generate().unwrap();
        let digest = Md5::of(&[split.train.pixels(), split.test.pixels()].concat());
        assert_eq!(digest.to_string(), "a2578dac925b825aabf535179a60eb0e");
    }

    #[test]
    fn scenes_show_none_to_four_things() {
        let train = Scenes { seed: 7, train: 500, test: 0 }.generate().unwrap().train;
        let mut counts = [0; 5];
        (0..500).for_each(|index| counts[train.labels().of(index).len()] += 1);
        assert!(counts.iter().all(|&count| (70..130).contains(&count)), "{counts:?}");
        let of_class = train.class_counts();
        assert!(of_class.iter().all(|count| (70..130).contains(count)), "{of_class:?}");
    }

    #[test]
    fn classes_are_balanced_and_the_parts_differ() {
        let split = small();
        assert_eq!(split.train.class_counts(), [4; 10]);
        assert_eq!(split.test.class_counts(), [2; 10]);
        let images: std::collections::HashSet<&[u8]> = (0..40)
            .map(|i| split.train.image(i))
            .chain((0..20).map(|i| split.test.image(i)))
            .collect();
        assert_eq!(images.len(), 60);
    }

    #[test]
    fn every_class_has_a_figure() {
        assert_eq!(CLASSES.len(), figure::KINDS.len());
    }

    #[test]
    fn too_many_are_refused() {
        let error = Synthetic { train: MAX_IMAGES + 1, ..Synthetic::default() }.generate();
        assert!(error.unwrap_err().to_string().contains("1000001 synthetic images"));
    }
}
