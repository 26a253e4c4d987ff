//! What was taken for what.

/// Counts of (true class, predicted class).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: Vec<String>,
    counts: Vec<u64>,
}

/// One kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// The class that the samples are.
    pub truth: usize,
    /// The class that they were taken for.
    pub predicted: usize,
    /// How many.
    pub count: u64,
}

impl ConfusionMatrix {
    /// No counts yet.
    pub fn new(classes: Vec<String>) -> Self {
        let counts = vec![0; classes.len() * classes.len()];
        Self { classes, counts }
    }

    /// Counts one sample.
    ///
    /// # Panics
    /// Where a class is out of range.
    pub fn count(&mut self, truth: usize, predicted: usize) {
        let n = self.classes.len();
        assert!(truth < n && predicted < n, "class out of range");
        self.counts[truth * n + predicted] += 1;
    }

    /// The classes' names.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The counts, a row for each true class.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many samples of class `truth` were taken for `predicted`.
    pub fn get(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes.len() + predicted]
    }

    /// Number of samples of a class.
    pub fn support(&self, truth: usize) -> u64 {
        (0..self.classes.len()).map(|predicted| self.get(truth, predicted)).sum()
    }

    /// Number of samples that were taken for a class.
    pub fn predicted(&self, predicted: usize) -> u64 {
        (0..self.classes.len()).map(|truth| self.get(truth, predicted)).sum()
    }

    /// Share of a class's samples that were recognised; `None` where there are none.
    pub fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.get(class, class), self.support(class))
    }

    /// Share right among the samples taken for a class; `None` where there are none.
    pub fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.get(class, class), self.predicted(class))
    }

    /// The classes that are recognised least often, with their recall; the weakest first.
    pub fn weakest(&self, most: usize) -> Vec<(usize, f64)> {
        let all = 0..self.classes.len();
        let mut classes: Vec<_> = all.filter_map(|c| Some((c, self.recall(c)?))).collect();
        classes.sort_by(|a, b| a.1.total_cmp(&b.1));
        classes.truncate(most);
        classes
    }

    /// The most frequent mistakes, the worst first.
    pub fn most_confused(&self, most: usize) -> Vec<Confusion> {
        let n = self.classes.len();
        let mut all: Vec<_> = (0..n * n)
            .map(|i| Confusion { truth: i / n, predicted: i % n, count: self.counts[i] })
            .filter(|c| c.truth != c.predicted && c.count > 0)
            .collect();
        all.sort_by_key(|c| std::cmp::Reverse(c.count));
        all.truncate(most);
        all
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(["cat", "dog", "frog"].map(String::from).into());
        for (truth, predicted, times) in
            [(0, 0, 5), (0, 1, 4), (1, 1, 7), (1, 0, 2), (1, 2, 1), (2, 2, 3)]
        {
            (0..times).for_each(|_| matrix.count(truth, predicted));
        }
        matrix
    }

    #[test]
    fn rows_are_the_truth() {
        let matrix = example();
        assert_eq!(matrix.counts(), [5, 4, 0, 2, 7, 1, 0, 0, 3]);
        assert_eq!((matrix.support(1), matrix.predicted(1)), (10, 11));
        assert_eq!(matrix.recall(1), Some(0.7));
        assert_eq!(matrix.precision(2), Some(0.75));
    }

    #[test]
    fn weakest_classes_and_worst_confusions_come_first() {
        let matrix = example();
        assert_eq!(matrix.weakest(2), [(0, 5.0 / 9.0), (1, 0.7)]);
        let worst = matrix.most_confused(5);
        assert_eq!(worst.len(), 3);
        assert_eq!(worst[0], Confusion { truth: 0, predicted: 1, count: 4 });
    }

    #[test]
    fn a_class_without_samples_has_no_recall() {
        let mut matrix = ConfusionMatrix::new(vec!["a".into(), "b".into()]);
        matrix.count(0, 0);
        assert_eq!(matrix.recall(1), None);
        assert_eq!(matrix.weakest(5), [(0, 1.0)]);
    }
}
