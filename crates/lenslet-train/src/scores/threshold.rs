//! Outputs that are taken one by one.

/// Keras's `Precision` and `Recall`: of all outputs above `threshold`, the share that belong to the
/// sample's class; of the outputs of the samples' classes, the share above it. 0 where there are none.
/// `outputs` has a row for each of the `labels`.
pub fn precision_and_recall(outputs: &[f32], labels: &[u32], threshold: f32) -> [f64; 2] {
    let above = outputs.iter().filter(|&&output| output > threshold).count();
    let right = super::rows(outputs, labels).filter(|(row, label)| row[*label] > threshold).count();
    [above, labels.len()].map(|all| right as f64 / all.max(1) as f64)
}
