//! Whether a probability is as often right as it says.

use crate::evaluation::first_largest;

/// Furthest from 1 that probabilities may add up to.
const TOLERANCE: f32 = 1e-3;

/// The expected calibration error (Naeini et al. 2015; Guo et al. 2017): samples fall by their
/// largest probability into `bins` intervals of equal width, open below; the mean over samples of
/// how far the share that is right in an interval is from the mean probability there. `None` where
/// there are no samples, or outputs that are no probabilities.
pub fn expected_calibration_error(outputs: &[f32], labels: &[u32], bins: usize) -> Option<f64> {
    let mut sums = vec![(0.0, 0.0); bins];
    for (row, label) in super::rows(outputs, labels) {
        let sum: f32 = row.iter().sum();
        let apart = (sum - 1.0).abs() > TOLERANCE || row.iter().any(|p| !(0.0..=1.001).contains(p));
        if apart {
            return None;
        }
        let predicted = first_largest(row);
        let probability = f64::from(row[predicted]);
        let bin = ((probability * bins as f64).ceil() as usize).clamp(1, bins) - 1;
        sums[bin].0 += probability;
        sums[bin].1 += f64::from(u8::from(predicted == label));
    }
    let off: f64 = sums.iter().map(|(probability, right)| (probability - right).abs()).sum();
    (!labels.is_empty()).then(|| off / labels.len() as f64)
}
