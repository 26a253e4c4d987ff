//! The values of metrics.

use lenslet_model::Metric;

/// Values of some metrics; the others have none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricValues([Option<f64>; Metric::ALL.len()]);

impl MetricValues {
    /// The value of a metric, where there is one.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0[metric as usize]
    }

    /// Gives a metric this value, or none.
    pub fn set(&mut self, metric: Metric, value: impl Into<Option<f64>>) {
        self.0[metric as usize] = value.into();
    }

    /// The metrics that have a value, in the order of [`Metric::ALL`].
    pub fn entries(&self) -> impl Iterator<Item = (Metric, f64)> + '_ {
        Metric::ALL.into_iter().filter_map(|metric| Some((metric, self.get(metric)?)))
    }
}

impl FromIterator<(Metric, f64)> for MetricValues {
    fn from_iter<I: IntoIterator<Item = (Metric, f64)>>(entries: I) -> Self {
        let mut values = Self::default();
        entries.into_iter().for_each(|(metric, value)| values.set(metric, value));
        values
    }
}
