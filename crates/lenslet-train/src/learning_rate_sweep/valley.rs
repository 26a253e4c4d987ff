//! The valley that the loss goes through while the learning rate grows.

/// How wide losses are smoothed: the standard deviation of the weights, in powers of ten of the rate.
const WIDTH: f64 = 0.12;
/// How far a fall must go beyond the smoothed losses' standard deviation to be none of their noise:
/// from the highest to the lowest of some thousand it is six.
const STANDS_OUT: f64 = 8.0;
/// The suggested rate is at most that of the lowest loss by this: beyond it the loss grows.
const MARGIN: f64 = 2.0;

/// What the losses at growing learning rates say.
pub(super) struct Valley {
    /// The losses, smoothed.
    pub(super) smooth: Vec<f64>,
    /// The index of the rate in the middle of the valley's lower half.
    pub(super) suggestion: Option<usize>,
    /// Whether the loss is lowest at the last rate.
    pub(super) falls_to_the_end: bool,
}

impl Valley {
    /// Of these losses at these rates. A loss of `most` times the first ones counts as that.
    pub(super) fn new(rates: &[f64], losses: &[f64], most: f64) -> Self {
        let first = (losses.len() / 10).max(1).min(losses.len());
        let start = mean(&losses[..first]);
        let losses: Vec<_> = losses.iter().map(|loss| loss.min(most * start)).collect();
        let width = width(rates);
        let smooth = smoothed(&losses, width);
        let lowest = (first..smooth.len()).min_by(|&a, &b| smooth[a].total_cmp(&smooth[b]));
        let Some(lowest) = lowest else {
            return Self { smooth, suggestion: None, falls_to_the_end: false };
        };
        let fall = start - smooth[lowest];
        if fall.is_nan() || fall <= STANDS_OUT * noise(&losses, &smooth, width) {
            return Self { smooth, suggestion: None, falls_to_the_end: false };
        }
        let half = (0..lowest).rev().find(|&i| smooth[i] > start - fall / 2.0).unwrap_or(0);
        // The middle, where rates grow by a factor, is the geometric mean.
        let middle = (rates[half] * rates[lowest]).sqrt().min(rates[lowest] / MARGIN);
        let suggestion = rates.partition_point(|&rate| rate < middle);
        let falls_to_the_end = (smooth.len() - lowest) as f64 <= width;
        Self { smooth, suggestion: Some(suggestion), falls_to_the_end }
    }
}

/// The width in steps.
fn width(rates: &[f64]) -> f64 {
    let growth = rates.get(..2).map_or(1.0, |pair| (pair[1] / pair[0]).log10());
    (WIDTH / growth).max(1.0)
}

/// Means, weighted by a normal distribution of this standard deviation around each place.
fn smoothed(losses: &[f64], width: f64) -> Vec<f64> {
    let reach = (3.0 * width).ceil() as usize;
    let weight = |distance: usize| (-0.5 * (distance as f64 / width).powi(2)).exp();
    let weights: Vec<_> = (0..=reach).map(weight).collect();
    let around = |at: usize| {
        let near = at.saturating_sub(reach)..(at + reach + 1).min(losses.len());
        let terms = near.map(|i| (weights[at.abs_diff(i)], losses[i]));
        let (total, sum) =
            terms.fold((0.0, 0.0), |(total, sum), (w, loss)| (total + w, sum + w * loss));
        sum / total
    };
    (0..losses.len()).map(around).collect()
}

/// The standard deviation of the smoothed losses where nothing is learnt: that of the losses of the
/// first quarter, over the square root of how many of them such a mean is of. What is learnt later
/// makes losses noisier and says nothing of those before.
fn noise(losses: &[f64], smooth: &[f64], width: f64) -> f64 {
    let early = losses.len().div_ceil(4);
    let squares = losses.iter().zip(smooth).take(early).map(|(loss, mean)| (loss - mean).powi(2));
    let variance = squares.sum::<f64>() / early.max(1) as f64;
    (variance / (2.0 * std::f64::consts::PI.sqrt() * width)).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand losses over five powers of ten from 1e-5 on, by the exponent, with noise of a tenth
    /// from a fixed sequence.
    fn valley(loss: impl Fn(f64) -> f64) -> (Valley, Vec<f64>) {
        let exponents: Vec<_> = (0..1000).map(|i| f64::from(i) / 200.0 - 5.0).collect();
        let noise = |i: usize| 0.1 * (((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0);
        let losses = exponents.iter().enumerate().map(|(i, &x)| loss(x) + noise(i));
        let rates: Vec<_> = exponents.iter().map(|&x| 10f64.powf(x)).collect();
        (Valley::new(&rates, &losses.collect::<Vec<_>>(), 4.0), rates)
    }

    /// From 2.3 down by `depth` around 10^`at`, and up beyond 10^-1.
    fn dip(at: f64, depth: f64) -> impl Fn(f64) -> f64 {
        move |x| {
            let fall = depth / (1.0 + ((at - x) * 8.0).exp());
            2.3 - fall + if x > -1.0 { 20.0 * (x + 1.0) } else { 0.0 }
        }
    }

    #[test]
    fn the_middle_of_the_lower_half_is_suggested() {
        for at in [-4.0, -3.0, -2.0] {
            let (found, rates) = valley(dip(at, 1.0));
            let rate = rates[found.suggestion.expect("a fall by a half")];
            // Half of it is done at 10^at, and the lowest loss is at 10^-1 at most.
            let highest = 10f64.powf((at - 1.0) / 2.0);
            assert!(rate > 10f64.powf(at) && rate < 1.1 * highest, "1e{at}: {rate}");
            assert!(!found.falls_to_the_end);
        }
    }

    #[test]
    fn it_is_not_at_the_brink() {
        let (found, rates) = valley(dip(-1.1, 1.0));
        let rate = rates[found.suggestion.expect("a fall by a half")];
        assert!(rate < 0.07, "{rate}");
    }

    #[test]
    fn a_fall_to_the_end_is_told() {
        let (found, rates) = valley(|x| 2.3 - 0.1 * (x + 5.0));
        let rate = rates[found.suggestion.expect("a fall by half a unit")];
        assert!(found.falls_to_the_end && rate > 1e-3, "{rate}");
    }

    #[test]
    fn noise_is_no_fall() {
        for loss in [|_| 2.3, |x| 7.3 + x, |x| 2.2 - 0.002 * x] {
            assert_eq!(valley(loss).0.suggestion, None);
        }
        assert_eq!(Valley::new(&[], &[], 4.0).suggestion, None);
        assert_eq!(Valley::new(&[0.1], &[2.0], 4.0).suggestion, None);
    }

    #[test]
    fn smoothing_keeps_a_line() {
        let line: Vec<_> = (0..100).map(f64::from).collect();
        let smooth = smoothed(&line, 4.0);
        assert!(smooth[20..80].iter().zip(&line[20..]).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}
