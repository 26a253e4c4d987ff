//! The true class among the likeliest.

/// Share of samples for which fewer than `k` classes are likelier than the true one; 0 for none.
/// `outputs` has a row for each of the `labels`. An output that is no number is never right.
pub fn top_k_accuracy(outputs: &[f32], labels: &[u32], k: usize) -> f64 {
    let right = super::rows(outputs, labels).filter(|(row, label)| {
        let own = row[*label];
        !own.is_nan() && row.iter().filter(|&&p| p > own || p.is_nan()).count() < k
    });
    right.count() as f64 / labels.len().max(1) as f64
}
