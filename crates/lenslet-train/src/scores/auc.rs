//! Area under the curve of the receiver operating characteristic.

/// The probability that a sample of a class gets a higher output for it than one of another class,
/// with equal outputs counting one half: exactly the area under the curve through all thresholds
/// (Mann and Whitney). The mean over all classes, each against the rest. For two classes it is that
/// of the second. `None` where a class has no sample or an output is no number.
pub fn roc_auc(outputs: &[f32], labels: &[u32]) -> Option<f64> {
    let classes = outputs.len().checked_div(labels.len())?;
    let of_class = |class: usize| {
        let scored = super::rows(outputs, labels).map(|(row, label)| (row[class], label == class));
        roc_auc_binary(scored)
    };
    match classes {
        0 | 1 => None,
        2 => of_class(1),
        _ => {
            let all: Option<Vec<_>> = (0..classes).map(of_class).collect();
            all.map(|all| all.iter().sum::<f64>() / classes as f64)
        }
    }
}

/// The same of pairs of an output and whether the sample is of the class.
pub fn roc_auc_binary(scored: impl Iterator<Item = (f32, bool)>) -> Option<f64> {
    let mut scored: Vec<_> = scored.collect();
    if scored.iter().any(|(output, _)| output.is_nan()) {
        return None;
    }
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = scored.iter().filter(|(_, own)| *own).count() as f64;
    let negatives = scored.len() as f64 - positives;
    // Of all pairs: each sample of the class above another, half a pair where they are equal.
    let (mut below, mut pairs) = (0.0, 0.0);
    for equal in scored.chunk_by(|a, b| a.0 == b.0) {
        let own = equal.iter().filter(|(_, own)| *own).count() as f64;
        let others = equal.len() as f64 - own;
        pairs += own * (below + others / 2.0);
        below += others;
    }
    (positives > 0.0 && negatives > 0.0).then(|| pairs / (positives * negatives))
}
