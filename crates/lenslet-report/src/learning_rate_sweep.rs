//! Loss over learning rates.

use crate::line_chart::{Across, Curve, LineChart, Mark};
use crate::picture::Picture;

/// The loss at learning rates that grow by the same factor from one point to the next: a logarithmic
/// axis. `suggested`, the index of a point, is marked. The curve ends where, behind the lowest loss, it is
/// as far above the first one as the lowest is below: what grows without end would leave no room for the
/// fall.
pub fn learning_rate_sweep(rates: &[f64], losses: &[f64], suggested: Option<usize>) -> Picture {
    let losses = &losses[..shown(losses)];
    let rates = &rates[..losses.len().min(rates.len())];
    let point = suggested.and_then(|index| Some((index, *rates.get(index)?, *losses.get(index)?)));
    let mark = point.map(|(index, rate, loss)| Mark {
        epoch: index + 1,
        value: loss,
        label: format!("Suggested: {rate:.1e}"),
    });
    LineChart {
        title: "Loss while the learning rate grows",
        y_title: "Loss (smoothed)",
        curves: &[Curve { label: "Train", values: losses }],
        y_limits: [0.0, f64::INFINITY],
        mark,
        across: Some(Across { title: "Learning rate", labels: decades(rates) }),
    }
    .draw()
}

/// How many of the losses are drawn.
fn shown(losses: &[f64]) -> usize {
    let lowest = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or(0);
    let Some(first) = losses.first() else { return 0 };
    let highest = first + (first - losses[lowest]).max(0.1 * first.abs());
    let beyond = losses[lowest..].iter().position(|&loss| loss > highest);
    beyond.map_or(losses.len(), |after| lowest + after)
}

/// The powers of ten between the first and the last rate.
fn decades(rates: &[f64]) -> Vec<(f64, String)> {
    let (Some(first), Some(last)) = (rates.first(), rates.last()) else { return Vec::new() };
    let (low, high) = (first.log10(), last.log10());
    if !(low.is_finite() && high > low) {
        return Vec::new();
    }
    let place = |power: f64| 1.0 + (power - low) / (high - low) * (rates.len() - 1) as f64;
    let powers = (low - 1e-9).ceil() as i32..=(high + 1e-9).floor() as i32;
    powers.map(|power| (place(f64::from(power)), format!("1e{power}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_stand_where_their_rates_do() {
        let rates: Vec<_> = (0..=20).map(|i| 1e-3 * 10f64.powf(f64::from(i) / 10.0)).collect();
        let expected = [(1.0, "1e-3"), (11.0, "1e-2"), (21.0, "1e-1")];
        for ((at, label), (place, words)) in decades(&rates).iter().zip(expected) {
            assert!((at - place).abs() < 1e-9 && label == words, "{at} {label}");
        }
        assert_eq!(decades(&rates).len(), 3);
        assert!(decades(&[0.1]).is_empty() && decades(&[]).is_empty());
    }

    #[test]
    fn the_fall_is_not_dwarfed() {
        assert_eq!(shown(&[2.0, 2.1, 1.0, 2.5, 3.5, 9.0]), 4);
        assert_eq!(shown(&[2.0, 1.0, 1.5]), 3);
        assert_eq!(shown(&[2.0, 2.1, 2.3]), 2, "a tenth where nothing falls");
        assert_eq!(shown(&[]), 0);
    }

    #[test]
    fn the_suggestion_is_told() {
        let picture = learning_rate_sweep(&[1e-3, 1e-2, 1e-1], &[2.0, 1.0, 3.0], Some(1));
        assert!(picture.svg().contains("Suggested: 1.0e-2"));
        assert!(picture.svg().contains("Learning rate"));
    }
}
