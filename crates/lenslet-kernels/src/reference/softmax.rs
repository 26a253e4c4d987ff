//! Softmax of one row, and its cross-entropy with a label.

use crate::Real;

/// `y = exp(y - max) / sum(exp(y - max))`.
pub(super) fn forward<R: Real>(y: &mut [R]) {
    exponentiate(y);
}

/// `dy = y * (dy - sum(y * dy))`.
pub(super) fn backward<R: Real>(y: &[R], dy: &mut [R]) {
    let dot: R = y.iter().zip(&*dy).map(|(&y, &dy)| y * dy).sum();
    dy.iter_mut().zip(y).for_each(|(dy, &y)| *dy = y * (*dy - dot));
}

/// `z` becomes `p = softmax(z)`; returns `-log(p[label])`.
pub(super) fn cross_entropy<R: Real>(z: &mut [R], label: usize) -> R {
    let logit = z[label];
    let (max, sum) = exponentiate(z);
    sum.ln() - (logit - max)
}

/// `dz = scale * (p - onehot(label))`.
pub(super) fn cross_entropy_backward<R: Real>(p: &[R], label: usize, scale: R, dz: &mut [R]) {
    assert_eq!(p.len(), dz.len());
    for (i, (dz, &p)) in dz.iter_mut().zip(p).enumerate() {
        let target = if i == label { R::ONE } else { R::ZERO };
        *dz = scale * (p - target);
    }
    assert!(label < dz.len());
}

/// Softmax in place; returns the maximum and the sum that it divided by.
fn exponentiate<R: Real>(y: &mut [R]) -> (R, R) {
    let max = y.iter().fold(R::NEG_INFINITY, |max, &y| if y > max { y } else { max });
    y.iter_mut().for_each(|y| *y = (*y - max).exp());
    let sum: R = y.iter().copied().sum();
    y.iter_mut().for_each(|y| *y = *y / sum);
    (max, sum)
}
