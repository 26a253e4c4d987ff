//! Pictures with their classes.

use std::fmt;

use crate::DataError;

/// Equally sized `u8` pictures, each with the number of its class.
///
/// What [`Dataset::new`] checks holds for the value's whole life: there are at least two classes,
/// every label names one of them, and there are exactly `len * height * width * channels` pixels.
/// A set may have no picture at all; [`Dataset::check_trainable`] says whether it can be learnt.
#[derive(Clone, PartialEq, Eq)]
pub struct Dataset {
    name: String,
    classes: Vec<String>,
    image_shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl Dataset {
    /// A set called `name` of pictures of `[height, width, channels]`, their `pixels` in NHWC
    /// order (channels fastest), and for each picture the index of its class in `classes`.
    ///
    /// # Errors
    /// When there are fewer than two classes, a class name is empty or appears twice, a side or
    /// the number of channels is 0, the number of pixels does not fit the number of labels, or a
    /// label is out of range.
    pub fn new(
        name: impl Into<String>,
        classes: Vec<String>,
        image_shape: [usize; 3],
        pixels: Vec<u8>,
        labels: Vec<u32>,
    ) -> Result<Self, DataError> {
        let set = Self { name: name.into(), classes, image_shape, pixels, labels };
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

    /// The class of picture `index`.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    /// The class of every picture.
    pub fn labels(&self) -> &[u32] {
        &self.labels
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
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
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
            self.labels[to] = self.labels[from];
        }
        self.pixels.truncate(ascending.len() * size);
        self.pixels.shrink_to_fit();
        self.labels.truncate(ascending.len());
        self
    }

    /// Replaces the contents of `pixels` (NHWC) and `labels` with the pictures at `indices`, in
    /// that order. Allocates only while the two are still growing to a batch's size.
    ///
    /// # Panics
    /// When an index is not below [`Dataset::len`].
    pub fn gather(&self, indices: &[u32], pixels: &mut Vec<u8>, labels: &mut Vec<u32>) {
        pixels.clear();
        labels.clear();
        pixels.reserve(indices.len() * self.image_len());
        labels.reserve(indices.len());
        for &index in indices {
            pixels.extend_from_slice(self.image(index as usize));
            labels.push(self.labels[index as usize]);
        }
    }

    /// How many pictures each class has, in the order of [`Dataset::classes`].
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// Whether a network can learn every class from this set.
    ///
    /// # Errors
    /// When there is no picture, when only one class has pictures, or when a class has none; the
    /// message names the class.
    pub fn check_trainable(&self) -> Result<(), DataError> {
        let counts = self.class_counts();
        if self.is_empty() {
            return Err(DataError::NoImages { dataset: self.name.clone() });
        }
        let mut filled = counts.iter().zip(&self.classes).filter(|(count, _)| **count > 0);
        if let (Some((_, class)), None) = (filled.next(), filled.next()) {
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
        if self.classes.len() < 2 {
            return refuse(format!("{} given; at least two are needed", self.classes.len()));
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
        match self.labels.iter().position(|&label| label as usize >= classes) {
            None => Ok(()),
            Some(index) => Err(DataError::Label {
                place: format!("{}, image {index}", self.name),
                label: self.labels[index],
                classes,
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
        assert_eq!(taken.labels(), [0, 1]);
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
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        set.gather(&[0, 1, 2], &mut pixels, &mut labels);
        let before = (pixels.as_ptr(), labels.as_ptr());
        set.gather(&[2], &mut pixels, &mut labels);
        assert_eq!((&pixels[..], &labels[..]), (&[20, 21][..], &[1][..]));
        assert_eq!(before, (pixels.as_ptr(), labels.as_ptr()));
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
}
