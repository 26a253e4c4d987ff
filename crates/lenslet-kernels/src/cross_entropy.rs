//! Cross-entropy from probabilities that do not come out of a softmax of ours.
//!
//! As Keras computes it on TensorFlow: probabilities are clipped to `1e-7 ..= 1 - 1e-7`, and
//! since clipped numbers need not add up to one, divided by their sum. One row of a few numbers:
//! there is nothing to vectorise.

use crate::Real;

/// Keras's `epsilon()`.
const EPSILON: f64 = 1e-7;

fn clip<R: Real>(p: R) -> R {
    let (low, high) = (R::from_f64(EPSILON), R::from_f64(1.0 - EPSILON));
    if p < low {
        low
    } else if p > high {
        high
    } else {
        p
    }
}

/// `-log(clip(p[label]) / sum(clip(p)))`.
pub(crate) fn forward<R: Real>(p: &[R], label: usize) -> R {
    let sum: R = p.iter().map(|&p| clip(p)).sum();
    sum.ln() - clip(p[label]).ln()
}

/// Gradient of `scale *` [`forward`]: zero where `p` was clipped.
pub(crate) fn backward<R: Real>(p: &[R], label: usize, scale: R, dp: &mut [R]) {
    let sum: R = p.iter().map(|&p| clip(p)).sum();
    for (i, (dp, &p)) in dp.iter_mut().zip(p).enumerate() {
        let own = if i == label { R::ONE / p } else { R::ZERO };
        *dp = if clip(p) == p { scale * (R::ONE / sum - own) } else { R::ZERO };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_of_zero_costs_what_keras_says() {
        let loss = forward(&[1.0f64, 0.0, 0.0], 1);
        assert!((loss - 16.118_095_8).abs() < 1e-5, "{loss}");
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let p = [0.2f64, 0.5, 0.1, 0.3];
        let mut gradient = [0.0; 4];
        backward(&p, 2, 1.0, &mut gradient);
        for i in 0..4 {
            let at = |step: f64| {
                let mut q = p;
                q[i] += step;
                forward(&q, 2)
            };
            let expected = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((gradient[i] - expected).abs() < 1e-6, "{i}: {} {expected}", gradient[i]);
        }
    }
}
