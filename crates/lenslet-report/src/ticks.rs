//! Round numbers along an axis.

/// Places of ticks, from first to last, all multiples of one round step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticks {
    pub(crate) values: Vec<f64>,
    step: f64,
}

impl Ticks {
    /// Ticks around `low..=high` (finite), about `wanted` of them, their step 1, 2 or 5 times a
    /// power of ten. The first is not above `low` and the last not below `high`.
    pub(crate) fn around(low: f64, high: f64, wanted: usize) -> Self {
        let (low, high) = widened(low.min(high), low.max(high));
        let step = round_step(high - low, wanted);
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil();
        let count = (last - first) as usize;
        // Adding zero turns -0 into 0.
        let values = (0..=count).map(|i| (first + i as f64) * step + 0.0).collect();
        Self { values, step }
    }

    pub(crate) fn first(&self) -> f64 {
        self.values[0]
    }

    pub(crate) fn last(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// The ticks as text, all with as many decimals as the step needs; very large and very small
    /// steps as powers of ten.
    pub(crate) fn labels(&self) -> Vec<String> {
        let exponent = self.step.log10().floor();
        let format = |value: &f64| {
            if *value == 0.0 {
                "0".to_owned()
            } else if (-5.0..6.0).contains(&exponent) {
                format!("{value:.*}", (-exponent).max(0.0) as usize)
            } else {
                let step = 10f64.powf(exponent);
                let digits = ((value / step).abs().log10().max(0.0) + 1e-9) as usize;
                format!("{value:.digits$e}")
            }
        };
        self.values.iter().map(format).collect()
    }
}

/// The epochs `1..=last` that get a label: all of them, or multiples of a round step.
pub(crate) fn epochs(last: usize, most: usize) -> Vec<usize> {
    let most = most.max(2);
    if last <= most {
        return (1..=last).collect();
    }
    let step = round_step((last - 1) as f64, most).max(1.0) as usize;
    let multiples = (1..=last / step).map(|i| i * step);
    // The first epoch is named where there is room for it.
    let first = (step >= 5).then_some(1);
    first.into_iter().chain(multiples).collect()
}

/// A range that is never empty: a single value gets a tenth of itself on either side.
fn widened(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if high - low > size * 1e-9 {
        return (low, high);
    }
    let room = if size == 0.0 { 1.0 } else { size * 0.1 };
    (low - room, high + room)
}

/// The smallest of 1, 2, 5, 10, ... times a power of ten that cuts `span` into at most `wanted`.
fn round_step(span: f64, wanted: usize) -> f64 {
    let rough = span / wanted as f64;
    let exponent = rough.log10().floor();
    // Negative powers are divided by: 0.01 is closer to 1 / 100 than 10^-2 computes.
    let scale = |digit: f64| {
        if exponent < 0.0 { digit / 10f64.powf(-exponent) } else { digit * 10f64.powf(exponent) }
    };
    [1.0, 2.0, 5.0].map(scale).into_iter().find(|step| *step >= rough).unwrap_or(scale(10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_enclose_the_data() {
        let ticks = Ticks::around(0.413, 0.782, 6);
        assert_eq!(ticks.labels(), ["0.4", "0.5", "0.6", "0.7", "0.8"]);
        assert_eq!(Ticks::around(0.0, 100.0, 5).labels(), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(Ticks::around(0.981, 0.9993, 5).labels()[..2], ["0.980", "0.985"]);
    }

    #[test]
    fn a_single_value_has_room() {
        let ticks = Ticks::around(2.0, 2.0, 6);
        assert!(ticks.first() < 2.0 && ticks.last() > 2.0);
        let ticks = Ticks::around(0.0, 0.0, 6);
        assert!(ticks.first() < 0.0 && ticks.last() > 0.0);
    }

    #[test]
    fn huge_and_tiny_ranges_stay_short() {
        for (low, high) in [(0.0, 3e30), (1e-12, 5e-12), (-1e300, 1e300), (1e15, 1e15 + 4.0)] {
            let labels = Ticks::around(low, high, 6).labels();
            assert!((2..12).contains(&labels.len()), "{labels:?}");
            assert!(labels.iter().all(|label| label.len() <= 20), "{labels:?}");
        }
        assert_eq!(Ticks::around(0.0, 3e30, 6).labels()[..3], ["0", "5e29", "1.0e30"]);
    }

    #[test]
    fn epochs_are_whole_numbers() {
        assert_eq!(epochs(1, 12), [1]);
        assert_eq!(epochs(10, 12), (1..=10).collect::<Vec<_>>());
        assert_eq!(epochs(20, 12), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
        assert_eq!(epochs(200, 12), [1, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200]);
        assert_eq!(epochs(0, 12), [0; 0]);
    }
}
