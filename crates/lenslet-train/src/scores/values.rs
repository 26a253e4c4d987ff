//! The values of metrics.

use lenslet_model::Metric;

/// Values of some metrics; the others have none. Only those that are there take memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricValues(Box<[(Metric, f64)]>);

impl MetricValues {
    /// The value of a metric, where there is one.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.entries().find_map(|(m, value)| (m == metric).then_some(value))
    }

    /// The metrics that have a value, in the order of [`Metric::ALL`].
    pub fn entries(&self) -> impl Iterator<Item = (Metric, f64)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(Metric, f64)> for MetricValues {
    /// Of a metric's values the first counts.
    fn from_iter<I: IntoIterator<Item = (Metric, f64)>>(entries: I) -> Self {
        let given = entries.into_iter();
        let most = given.size_hint().1.unwrap_or(0).min(Metric::ALL.len());
        let mut entries = Vec::with_capacity(most);
        entries.extend(given);
        entries.sort_by_key(|&(metric, _)| metric as usize);
        entries.dedup_by_key(|&mut (metric, _)| metric);
        Self(entries.into_boxed_slice())
    }
}
