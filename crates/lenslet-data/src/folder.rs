//! Folders of image files, one folder per class or with a table of labels.

mod load;
mod scan;
mod table;

use std::path::Path;

use lenslet_kernels::Stream;

use crate::{DataError, Dataset, Labels, Split, decode, purpose};
use load::{Loaded, load};
use scan::{Layout, scan};

/// How to read a folder of images.
///
/// Where each image has one class, two layouts are understood. Either `train/CLASS/...` beside
/// `test/CLASS/...` (or `val`, `validation`, `valid`; the first of these that there is, and only that
/// one); or `CLASS/...` side by side (in the folder itself or in `train/` alone), of which a fraction
/// of every class is held out for testing.
///
/// Where each image has any number of labels, `labels.csv` in the folder, or in `train/` and in the
/// test folder, has a line for each. Either `file,labels` with `|` between labels, which are then in
/// bytewise order, or `file,cat,dog,...` with a 1 for each label that the image has and a 0 for each
/// other, in the order of the columns:
///
/// ```text
/// file,labels                  file,cat,dog
/// a.jpg,cat|dog                a.jpg,1,1
/// old/b.jpg,dog                old/b.jpg,0,1
/// c.jpg,                       c.jpg,0,0
/// ```
///
/// Files are looked for below the folder of the table and nowhere else. To be held out for testing, an
/// image counts as one of its rarest label.
///
/// A class is the name of its folder; classes and files are in the bytewise order of their names.
/// All files below a class's folder that end in jpg, jpeg, png, gif, bmp or webp are its images;
/// other files and everything hidden (a name with a leading dot) are passed over. Links are followed,
/// loops noticed. How a file becomes pixels is told at [`read_image`](crate::read_image). Nothing is
/// ever changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Folder {
    /// `[height, width]` of the network's input; default 32 x 32.
    pub size: [usize; 2],
    /// 3 for red, green and blue, the default, or 1 for grey.
    pub channels: usize,
    /// How much of every class is held out for testing when there is no test folder, between 0
    /// and 1; default 0.2. A class of at least two images has at least one in each part, a single
    /// image is trained on.
    pub test_fraction: f64,
    /// Which images are held out; default 42.
    pub seed: u64,
    /// Whether a broken image is an error instead of being listed in [`Split::skipped`]; default no.
    pub strict: bool,
    /// The most that all pictures may take, in bytes; default 16 GiB. While a single folder is
    /// split, those that are held out are there twice.
    pub limit: u64,
}

impl Default for Folder {
    fn default() -> Self {
        Self {
            size: [32, 32],
            channels: 3,
            test_fraction: 0.2,
            seed: 42,
            strict: false,
            limit: 16 << 30,
        }
    }
}

impl Folder {
    /// Reads the images below `path`, on all cores; the result does not depend on how many.
    ///
    /// # Errors
    /// When the folder cannot be read or is laid out in another way, has fewer than two classes, a
    /// class without a readable image, or a test class that is not trained on; when a table of labels
    /// has a line that cannot be understood, names a file that is not there, or names one twice; when the
    /// pictures take
    /// more than [`Folder::limit`]; when the size or the fraction is out of range; and with
    /// [`Folder::strict`], when an image is broken.
    pub fn load(&self, path: &Path) -> Result<Split, DataError> {
        let shape = [self.size[0], self.size[1], self.channels];
        decode::check_shape(shape)?;
        if !(self.test_fraction > 0.0 && self.test_fraction < 1.0) {
            return Err(DataError::Fraction { fraction: self.test_fraction });
        }
        let layout = scan(path)?;
        self.check_memory(path, &layout, shape)?;
        let Loaded { pixels, labels, mut skipped } = load(&layout.train, shape);
        let all = Dataset::new(name(path), layout.classes.clone(), shape, pixels, labels)?;
        let test = layout.test.as_ref().map(|files| load(files, shape));
        if let Some(test) = &test {
            skipped.extend_from_slice(&test.skipped);
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        if let (true, Some(first)) = (self.strict, skipped.first()) {
            let (path, reason) = (first.path.clone(), first.reason.clone());
            return Err(DataError::BrokenImages { count: skipped.len(), path, reason });
        }
        all.check_trainable()?;
        match test {
            Some(Loaded { pixels, labels, .. }) => {
                let test = Dataset::new(name(path), layout.classes, shape, pixels, labels)?;
                Ok(Split { train: all, test, skipped })
            }
            None => {
                let [train, test] = hold_out(&all, self.test_fraction, self.seed);
                let test = all.take(&test);
                Ok(Split { train: all.keep(&train), test, skipped })
            }
        }
    }

    fn check_memory(
        &self,
        path: &Path,
        layout: &Layout,
        shape: [usize; 3],
    ) -> Result<(), DataError> {
        let images = layout.train.files.len() + layout.test.as_ref().map_or(0, |t| t.files.len());
        let pixels = shape.iter().fold(images as u128, |bytes, &side| bytes * side as u128);
        let labels = match layout.train.labels {
            Labels::Sparse(_) => 0,
            Labels::MultiHot(_) => layout.classes.len(),
        };
        let bytes = pixels + images as u128 * (labels * size_of::<f32>()) as u128;
        if bytes <= u128::from(self.limit) {
            return Ok(());
        }
        let shape = shape.map(|side| side.to_string()).join(" x ");
        Err(DataError::TooLarge { path: path.into(), images, shape, bytes, limit: self.limit })
    }
}

/// The last part of a path that names something.
fn name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| path.display().to_string())
}

/// Splits every class by itself, chosen by the seed; both parts stay in the set's order.
fn hold_out(all: &Dataset, fraction: f64, seed: u64) -> [Vec<u32>; 2] {
    let mut held_out = vec![false; all.len()];
    for (class, members) in (0..).zip(by_rarest(all)) {
        let wanted = (members.len() as f64 * fraction).round() as usize;
        let count = wanted.max(1).min(members.len().saturating_sub(1));
        let order = Stream::new(seed, purpose::HOLD_OUT, class).permutation(members.len());
        for &chosen in &order[..count] {
            held_out[members[chosen as usize]] = true;
        }
    }
    let part = |held| (0..all.len() as u32).filter(|&i| held_out[i as usize] == held).collect();
    [part(false), part(true)]
}

/// The pictures of each class, each counted as one of its rarest; behind them those of none.
fn by_rarest(all: &Dataset) -> Vec<Vec<usize>> {
    let counts = all.class_counts();
    let mut members = vec![Vec::new(); counts.len() + 1];
    for index in 0..all.len() {
        let rarest = all.labels().of(index).into_iter().min_by_key(|&class| counts[class]);
        members[rarest.unwrap_or(counts.len())].push(index);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(counts: &[u32]) -> Dataset {
        let labels: Vec<u32> =
            (0..).zip(counts).flat_map(|(class, &n)| (0..n).map(move |_| class)).collect();
        let classes = (0..counts.len()).map(|class| format!("class {class}")).collect();
        Dataset::new("set", classes, [1, 1, 1], vec![0; labels.len()], labels).unwrap()
    }

    #[test]
    fn every_class_is_split_by_itself() {
        let all = counted(&[100, 10, 2, 1]);
        for (fraction, expected) in
            [(0.2, [20, 2, 1, 0]), (0.9, [90, 9, 1, 0]), (0.01, [1, 1, 1, 0])]
        {
            let [train, test] = hold_out(&all, fraction, 42);
            assert_eq!(all.take(&test).class_counts(), expected);
            let mut both = [train, test].concat();
            both.sort_unstable();
            assert_eq!(both, (0..113).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn a_picture_counts_as_one_of_its_rarest_label() {
        let lists: Vec<Vec<u32>> = (0..60)
            .map(|i| match i {
                0..40 => vec![0],
                40..50 => vec![0, 1],
                _ => vec![],
            })
            .collect();
        let labels = crate::MultiHot::of_lists(2, &lists).unwrap();
        let names = ["often", "rare"].map(String::from).to_vec();
        let all = Dataset::new("set", names, [1, 1, 1], vec![0; 60], labels).unwrap();
        let [train, test] = hold_out(&all, 0.2, 42);
        assert_eq!((train.len(), test.len()), (48, 12));
        let of_none = test.iter().filter(|&&i| i >= 50).count();
        assert_eq!((all.take(&test).class_counts(), of_none), (vec![10, 2], 2));
    }

    #[test]
    fn the_seed_chooses() {
        let all = counted(&[50, 50]);
        assert_eq!(hold_out(&all, 0.2, 1), hold_out(&all, 0.2, 1));
        assert_ne!(hold_out(&all, 0.2, 1), hold_out(&all, 0.2, 2));
    }
}
