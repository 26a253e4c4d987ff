//! What pictures show.

use crate::DataError;

/// What each picture of a set shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// One class each: its index.
    Sparse(Vec<u32>),
    /// Any number of labels each, none and all included.
    MultiHot(MultiHot),
}

impl Labels {
    /// How many pictures they are of.
    pub fn len(&self) -> usize {
        match self {
            Self::Sparse(classes) => classes.len(),
            Self::MultiHot(labels) => labels.len(),
        }
    }

    /// Whether they are of no picture.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of each picture; `None` where pictures have any number of labels.
    pub fn sparse(&self) -> Option<&[u32]> {
        match self {
            Self::Sparse(classes) => Some(classes),
            Self::MultiHot(_) => None,
        }
    }

    /// The labels of each picture; `None` where each picture has one class.
    pub fn multi_hot(&self) -> Option<&MultiHot> {
        match self {
            Self::Sparse(_) => None,
            Self::MultiHot(labels) => Some(labels),
        }
    }

    /// The classes that picture `index` shows, in ascending order: one, or any number.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn of(&self, index: usize) -> Vec<usize> {
        match self {
            Self::Sparse(classes) => vec![classes[index] as usize],
            Self::MultiHot(labels) => labels.of(index).collect(),
        }
    }

    /// Those of the pictures named by `order`, in that order.
    ///
    /// # Panics
    /// When an index is not below [`Self::len`].
    pub fn take(&self, order: &[u32]) -> Self {
        let mut taken = Self::default();
        self.gather(order, &mut taken);
        taken
    }

    /// [`Self::take`] in the memory of `into`: allocates only while that grows.
    pub fn gather(&self, order: &[u32], into: &mut Self) {
        match (self, &mut *into) {
            (Self::Sparse(from), Self::Sparse(into)) => {
                into.clear();
                into.extend(order.iter().map(|&index| from[index as usize]));
            }
            (Self::MultiHot(from), Self::MultiHot(into)) => from.gather(order, into),
            (Self::Sparse(_), _) => {
                *into = Self::default();
                self.gather(order, into);
            }
            (Self::MultiHot(_), _) => {
                *into = Self::MultiHot(MultiHot::default());
                self.gather(order, into);
            }
        }
    }
}

impl Default for Labels {
    /// Classes of no picture.
    fn default() -> Self {
        Self::Sparse(Vec::new())
    }
}

impl From<Vec<u32>> for Labels {
    fn from(classes: Vec<u32>) -> Self {
        Self::Sparse(classes)
    }
}

impl From<MultiHot> for Labels {
    fn from(labels: MultiHot) -> Self {
        Self::MultiHot(labels)
    }
}

/// A row for each picture with a number for each class: 1 where it shows it, else 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiHot {
    classes: usize,
    rows: Vec<f32>,
}

impl MultiHot {
    /// From rows of `classes` numbers, one after the other.
    ///
    /// ```
    /// use lenslet_data::MultiHot;
    /// let labels = MultiHot::new(3, vec![1.0, 0.0, 1.0, 0.0, 0.0, 0.0])?;
    /// assert_eq!(labels.of(0).collect::<Vec<_>>(), [0, 2]);
    /// # Ok::<(), lenslet_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no class, the numbers are no whole rows, or one is neither 0 nor 1.
    pub fn new(classes: usize, rows: Vec<f32>) -> Result<Self, DataError> {
        let refuse = |what: String| Err(DataError::MultiHot { what });
        if classes == 0 || !rows.len().is_multiple_of(classes) {
            return refuse(format!(
                "{} numbers are no whole rows of {classes} classes; give one for each class of each \
                 picture",
                rows.len()
            ));
        }
        match rows.iter().position(|&number| number != 0.0 && number != 1.0) {
            None => Ok(Self { classes, rows }),
            Some(place) => refuse(format!(
                "row {}, class {}: {} is neither 0 nor 1",
                place / classes,
                place % classes,
                rows[place]
            )),
        }
    }

    /// From the classes that each picture shows, in any order.
    ///
    /// # Errors
    /// When there is no class, or a picture shows one that is not below `classes`.
    pub fn of_lists(classes: usize, lists: &[Vec<u32>]) -> Result<Self, DataError> {
        let mut rows = vec![0.0; lists.len() * classes];
        for (index, list) in lists.iter().enumerate() {
            for &label in list {
                if label as usize >= classes {
                    let place = format!("image {index}");
                    return Err(DataError::Label { place, label, classes });
                }
                rows[index * classes + label as usize] = 1.0;
            }
        }
        Self::new(classes, rows)
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.rows.len().checked_div(self.classes).unwrap_or(0)
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All rows, one after the other: targets of a loss.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The classes that picture `index` shows, in ascending order.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn of(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let row = &self.rows[index * self.classes..][..self.classes];
        row.iter().enumerate().filter(|(_, number)| **number == 1.0).map(|(class, _)| class)
    }

    fn gather(&self, order: &[u32], into: &mut Self) {
        into.classes = self.classes;
        into.rows.clear();
        into.rows.reserve(order.len() * self.classes);
        for &index in order {
            into.rows
                .extend_from_slice(&self.rows[index as usize * self.classes..][..self.classes]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_rows() {
        let labels = MultiHot::of_lists(3, &[vec![2, 0], vec![], vec![1, 1]]).unwrap();
        assert_eq!(labels.rows(), [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let labels = Labels::from(labels);
        assert_eq!((labels.len(), labels.of(0), labels.of(1)), (3, vec![0, 2], vec![]));
    }

    #[test]
    fn either_kind_is_gathered_in_either_ones_memory() {
        let sparse = Labels::from(vec![4, 5, 6]);
        let multi_hot = Labels::from(MultiHot::of_lists(2, &[vec![0], vec![1], vec![]]).unwrap());
        let mut into = Labels::default();
        for labels in [&sparse, &multi_hot, &multi_hot, &sparse] {
            labels.gather(&[2, 0], &mut into);
            assert_eq!(into, labels.take(&[2, 0]));
            assert_eq!((into.len(), into.of(1)), (2, labels.of(0)));
        }
    }

    #[test]
    fn what_is_no_row_of_zeros_and_ones_is_refused() {
        let refusal = |classes, rows: &[f32]| MultiHot::new(classes, rows.to_vec()).unwrap_err();
        for (error, expected) in [
            (refusal(0, &[]), "0 numbers are no whole rows of 0 classes"),
            (refusal(2, &[1.0; 3]), "3 numbers"),
            (refusal(2, &[1.0, 0.0, 0.5, 1.0]), "row 1, class 0: 0.5"),
            (refusal(1, &[f32::NAN]), "NaN"),
            (MultiHot::of_lists(2, &[vec![0], vec![2]]).unwrap_err(), "image 1: label 2"),
        ] {
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
