//! Optimiser updates; the formulas stand at [`AdamStep`] and [`SgdStep`].

use crate::{AdamStep, Real, SgdStep};

/// One Adam update.
pub(super) fn adam<R: Real>(step: AdamStep, p: &mut [R], g: &[R], m: &mut [R], v: &mut [R]) {
    let n = p.len();
    assert_eq!((g.len(), m.len(), v.len()), (n, n, n));
    let [alpha, rest_1, rest_2, epsilon] =
        [step.alpha, 1.0 - step.beta_1, 1.0 - step.beta_2, step.epsilon].map(R::from_f64);
    for i in 0..n {
        m[i] += (g[i] - m[i]) * rest_1;
        v[i] += (g[i] * g[i] - v[i]) * rest_2;
        p[i] -= alpha * m[i] / (v[i].sqrt() + epsilon);
    }
}

/// One update of stochastic gradient descent.
pub(super) fn sgd<R: Real>(step: SgdStep, p: &mut [R], g: &[R], velocity: &mut [R]) {
    let [rate, momentum] = [step.learning_rate, step.momentum].map(R::from_f64);
    assert_eq!(g.len(), p.len());
    if step.momentum == 0.0 {
        p.iter_mut().zip(g).for_each(|(p, &g)| *p -= rate * g);
        return;
    }
    assert_eq!(velocity.len(), p.len());
    for ((p, &g), v) in p.iter_mut().zip(g).zip(velocity) {
        *v = momentum * *v - rate * g;
        *p += if step.nesterov { momentum * *v - rate * g } else { *v };
    }
}
