//! Pictures with their classes.

use std::fmt;

use crate::{DataError, Labels};

/// Equally sized `u8` pictures, each with its class or with any number of labels.
///
/// What [`Dataset::new`] checks holds for the value's whole life: there are at least two classes (one
/// is enough where pictures have any number of labels), every label names one of them, and there are
/// exactly `len * height * width * channels` pixels. A set may have no picture at all;
/// [`Dataset::check_trainable`] says whether it can be learnt.
#[derive(Clone, PartialEq)]
pub struct Dataset {
    name: String,
    classes: Vec<String>,
    image_shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Labels,
}

impl Dataset {
    /// A set called `name` of pictures of `[height, width, channels]`, their `pixels` in NHWC
    /// order (channels fastest), and for each picture the index of its class in `classes`, as a
    /// `Vec<u32>`, or the indices of its labels, as a [`MultiHot`](crate::MultiHot).
    ///
    /// # Errors
    /// When there are too few classes, a class name is empty or appears twice, a side or the number
    /// of channels is 0, the number of pixels does not fit the number of labels, or a label is out of
    /// range.
    pub fn new(
        name: impl Into<String>,
        classes: Vec<String>,
        image_shape: [usize; 3],
        pixels: Vec<u8>,
        labels: impl Into<Labels>,
    ) -> Result<Self, DataError> {
        let (name, labels) = (name.into(), labels.into());
        let set = Self { name, classes, image_shape, pixels, labels };
        set.check_classes()?;
        set.check_pixels()?;
        set.check_labels()?;
        Ok(set)
    }

    /// What the set is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the classes; label `i` means `classes()[i]`.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// `[height, width, channels]` of every picture.
    pub fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of picture `index`, HWC.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.image_len();
        &self.pixels[index * size..][..size]
    }

    /// The class of every picture, or its labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The names of what picture `index` shows, with commas between them: one class, any number of
    /// labels, or `none of them`.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn words(&self, index: usize) -> String {
        let names: Vec<_> =
            self.labels.of(index).into_iter().map(|class| &*self.classes[class]).collect();
        if names.is_empty() { "none of them".to_owned() } else { names.join(", ") }
    }

    /// All pixels, NHWC.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pictures named by `order`, in that order: a subset, or the same set rearranged. The
    /// name and the classes stay.
    ///
    /// # Panics
    /// When an index is not below [`Dataset::len`].
    pub fn take(&self, order: &[u32]) -> Self {
        let (mut pixels, mut labels) = (Vec::new(), Labels::default());
        self.gather(order, &mut pixels, &mut labels);
        Self { name: self.name.clone(), classes: self.classes.clone(), pixels, labels, ..*self }
    }

    /// [`Dataset::take`] in the set's own order, in the memory of this set.
    pub(crate) fn keep(mut self, ascending: &[u32]) -> Self {
        debug_assert!(ascending.is_sorted());
        let size = self.image_len();
        for (to, &from) in ascending.iter().enumerate() {
            let from = from as usize;
            self.pixels.copy_within(from * size..(from + 1) * size, to * size);
        }
        self.pixels.truncate(ascending.len() * size);
        self.pixels.shrink_to_fit();
        self.labels = self.labels.take(ascending);
        self
    }

    /// Replaces the contents of `pixels` (NHWC) and `labels` with the pictures at `indices`, in
    /// that order. Allocates only while the two are still growing to a batch's size.
    ///
    /// # Panics
    /// When an index is not below [`Dataset::len`].
    pub fn gather(&self, indices: &[u32], pixels: &mut Vec<u8>, labels: &mut Labels) {
        pixels.clear();
        pixels.reserve(indices.len() * self.image_len());
        for &index in indices {
            pixels.extend_from_slice(self.image(index as usize));
        }
        self.labels.gather(indices, labels);
    }

    /// How many pictures show each class, in the order of [`Dataset::classes`].
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        (0..self.len())
            .flat_map(|index| self.labels.of(index))
            .for_each(|class| counts[class] += 1);
        counts
    }

    /// Whether a network can learn every class from this set.
    ///
    /// # Errors
    /// When there is no picture, when only one class has pictures (of which each picture has one
    /// alone), or when a class has none; the message names the class.
    pub fn check_trainable(&self) -> Result<(), DataError> {
        let counts = self.class_counts();
        if self.is_empty() {
            return Err(DataError::NoImages { dataset: self.name.clone() });
        }
        let mut filled = counts.iter().zip(&self.classes).filter(|(count, _)| **count > 0);
        let only = self.labels.sparse().and_then(|_| filled.next());
        if let (Some((_, class)), None) = (only, filled.next()) {
            let (dataset, class) = (self.name.clone(), class.clone());
            return Err(DataError::SingleClass { dataset, class });
        }
        match counts.iter().position(|&count| count == 0) {
            None => Ok(()),
            Some(empty) => Err(DataError::EmptyClass {
                dataset: self.name.clone(),
                class: self.classes[empty].clone(),
            }),
        }
    }

    /// How many bytes one picture has.
    fn image_len(&self) -> usize {
        self.image_shape.iter().product()
    }

    fn check_classes(&self) -> Result<(), DataError> {
        let refuse = |what: String| Err(DataError::Classes { dataset: self.name.clone(), what });
        let (classes, least) = match self.labels {
            Labels::Sparse(_) => (self.classes.len(), "two are"),
            // One label is there or not: two cases to tell apart.
            Labels::MultiHot(_) => (self.classes.len() + 1, "one is"),
        };
        if classes < 2 {
            return refuse(format!("{} given; at least {least} needed", self.classes.len()));
        }
        let mut sorted: Vec<&str> = self.classes.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if sorted[0].is_empty() {
            return refuse("one has no name; name every class".into());
        }
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => refuse(format!("two are called `{}`; give each its own name", pair[0])),
            None => Ok(()),
        }
    }

    fn check_pixels(&self) -> Result<(), DataError> {
        let sizes = [self.labels.len()].into_iter().chain(self.image_shape);
        let expected = sizes.into_iter().try_fold(1_usize, usize::checked_mul);
        if self.image_shape.contains(&0) || expected != Some(self.pixels.len()) {
            let [height, width, channels] = self.image_shape;
            return Err(DataError::Pixels {
                dataset: self.name.clone(),
                images: self.labels.len(),
                shape: format!("{height} x {width} x {channels}"),
                bytes: self.pixels.len(),
            });
        }
        Ok(())
    }

    fn check_labels(&self) -> Result<(), DataError> {
        let classes = self.classes.len();
        match &self.labels {
            Labels::Sparse(labels) => match labels.iter().position(|&l| l as usize >= classes) {
                None => Ok(()),
                Some(index) => {
                    let place = format!("{}, image {index}", self.name);
                    Err(DataError::Label { place, label: labels[index], classes })
                }
            },
            Labels::MultiHot(labels) if labels.classes() == classes => Ok(()),
            Labels::MultiHot(labels) => Err(DataError::MultiHot {
                what: format!(
                    "rows of {} do not fit the {classes} classes of {}; give a number for each",
                    labels.classes(),
                    self.name
                ),
            }),
        }
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("name", &self.name)
            .field("classes", &self.classes)
            .field("image_shape", &self.image_shape)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MultiHot;

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    fn four() -> Dataset {
        let pixels = vec![0, 1, 10, 11, 20, 21, 30, 31];
        Dataset::new("four", classes(&["cat", "dog"]), [1, 2, 1], pixels, vec![0, 1, 1, 0]).unwrap()
    }

    fn refusal(names: &[&str], shape: [usize; 3], pixels: usize, labels: &[u32]) -> String {
        Dataset::new("set", classes(names), shape, vec![0; pixels], labels.to_vec())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn takes_a_subset_in_the_order_asked_for() {
        let taken = four().take(&[3, 1]);
        assert_eq!(taken.pixels(), [30, 31, 10, 11]);
        assert_eq!(taken.labels().sparse(), Some(&[0, 1][..]));
        assert_eq!(taken.image(1), [10, 11]);
        assert_eq!((taken.name(), taken.len()), ("four", 2));
    }

    #[test]
    fn keeps_a_subset_in_place() {
        for order in [&[][..], &[2], &[1, 3], &[0, 1, 2, 3]] {
            let (kept, taken) = (four().keep(order), four().take(order));
            assert_eq!((kept.pixels(), kept.labels()), (taken.pixels(), taken.labels()));
        }
    }

    #[test]
    fn gathers_without_allocating_once_warm() {
        let set = four();
        let (mut pixels, mut labels) = (Vec::new(), Labels::default());
        let start = |labels: &Labels| labels.sparse().unwrap().as_ptr();
        set.gather(&[0, 1, 2], &mut pixels, &mut labels);
        let before = (pixels.as_ptr(), start(&labels));
        set.gather(&[2], &mut pixels, &mut labels);
        assert_eq!((&pixels[..], &labels), (&[20, 21][..], &Labels::from(vec![1])));
        assert_eq!(before, (pixels.as_ptr(), start(&labels)));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let ab = ["a", "b"];
        for (message, expected) in [
            (refusal(&["a"], [1, 1, 1], 0, &[]), "at least two"),
            (refusal(&["a", "a"], [1, 1, 1], 0, &[]), "two are called `a`"),
            (refusal(&["a", ""], [1, 1, 1], 0, &[]), "no name"),
            (refusal(&ab, [1, 0, 1], 0, &[]), "1 x 0 x 1"),
            (refusal(&ab, [2, 2, 1], 7, &[0, 0]), "7 bytes"),
            (refusal(&ab, [usize::MAX, 2, 1], 4, &[0, 1]), "4 bytes"),
            (refusal(&ab, [1, 1, 1], 2, &[0, 2]), "label 2 is out of range"),
        ] {
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn only_a_set_with_pictures_of_every_class_is_trainable() {
        let trouble = |order: &[u32]| four().take(order).check_trainable().unwrap_err().to_string();
        assert!(four().check_trainable().is_ok());
        assert!(trouble(&[]).contains("no image"));
        assert!(trouble(&[0, 3]).contains("only one class, `cat`"));
        let three =
            Dataset::new("set", classes(&["a", "b", "c"]), [1, 1, 1], vec![0; 2], vec![0, 2]);
        let message = three.unwrap().check_trainable().unwrap_err().to_string();
        assert!(message.contains("class `b` has no image"), "{message}");
    }

    fn tagged(names: &[&str], lists: &[Vec<u32>]) -> Result<Dataset, DataError> {
        let labels = MultiHot::of_lists(names.len(), lists).unwrap();
        Dataset::new("set", classes(names), [1, 1, 1], vec![0; lists.len()], labels)
    }

    #[test]
    fn pictures_may_show_any_number_of_labels() {
        let set = tagged(&["cat", "dog"], &[vec![0, 1], vec![], vec![1]]).unwrap();
        assert_eq!(set.class_counts(), [1, 2]);
        assert_eq!([0, 1, 2].map(|i| set.words(i)), ["cat, dog", "none of them", "dog"]);
        assert_eq!(set.take(&[2, 0]).words(1), "cat, dog");
        assert!(set.check_trainable().is_ok());
        let message = set.take(&[1, 2]).check_trainable().unwrap_err().to_string();
        assert!(message.contains("class `cat` has no image"), "{message}");
        let single = tagged(&["cat"], &[vec![0], vec![]]).unwrap();
        assert!(single.check_trainable().is_ok(), "a label that is there or not");
    }

    #[test]
    fn rows_of_labels_must_fit_the_classes() {
        let labels = MultiHot::of_lists(3, &[vec![0]]).unwrap();
        let error = Dataset::new("set", classes(&["a", "b"]), [1, 1, 1], vec![0], labels);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("rows of 3 do not fit the 2 classes of set"), "{message}");
    }
}
