//! Range, mean and deviation of a data set's pixels.

use crate::Dataset;

/// What the pixels of a data set look like, each taken as `value / 255`, a number in `[0, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The smallest value; 0 for a set without pictures.
    pub min: f64,
    /// The largest value; 0 for a set without pictures.
    pub max: f64,
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The deviation of each channel: the root of the mean squared distance from the mean
    /// (division by the count, not by the count less one).
    pub std: Vec<f64>,
}

impl Dataset {
    /// Range over all pixels, mean and deviation per channel, of `value / 255`.
    pub fn statistics(&self) -> Statistics {
        let channels = self.image_shape()[2];
        // Counts of the 256 values are exact, so the result depends on no order of summation.
        let mut counts = vec![[0_u64; 256]; channels];
        for pixel in self.pixels().chunks_exact(channels) {
            for (count, &value) in counts.iter_mut().zip(pixel) {
                count[usize::from(value)] += 1;
            }
        }
        let seen = |value: &usize| counts.iter().any(|count| count[*value] > 0);
        let scaled = |value: Option<usize>| value.map_or(0.0, |value| value as f64 / 255.0);
        let (mean, std) = counts.iter().map(mean_and_deviation).unzip();
        Statistics {
            min: scaled((0..256).find(seen)),
            max: scaled((0..256).rev().find(seen)),
            mean,
            std,
        }
    }
}

fn mean_and_deviation(counts: &[u64; 256]) -> (f64, f64) {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    let moment = |power: i32, center: f64| {
        let terms = counts.iter().enumerate();
        let sum: f64 =
            terms.map(|(v, &n)| n as f64 * (v as f64 / 255.0 - center).powi(power)).sum();
        sum / total
    };
    let mean = moment(1, 0.0);
    (mean, moment(2, mean).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(pixels: Vec<u8>, labels: Vec<u32>) -> Dataset {
        Dataset::new("test", vec!["a".into(), "b".into()], [1, 2, 2], pixels, labels).unwrap()
    }

    #[test]
    fn of_two_pictures() {
        let statistics = dataset(vec![0, 255, 0, 255, 255, 51, 255, 51], vec![0, 1]).statistics();
        assert_eq!((statistics.min, statistics.max), (0.0, 1.0));
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(&statistics.mean, &[0.5, 0.6]), "{statistics:?}");
        assert!(near(&statistics.std, &[0.5, 0.4]), "{statistics:?}");
    }

    #[test]
    fn of_no_picture_are_zero() {
        let statistics = dataset(vec![], vec![]).statistics();
        assert_eq!(statistics.mean, [0.0, 0.0]);
        assert_eq!((statistics.min, statistics.max), (0.0, 0.0));
    }
}
