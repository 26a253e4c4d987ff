//! From an algorithm's description to what its kernel needs for one step.

use lenslet_kernels::{
    AdagradStep, AdamStep, LambStep, LionStep, NadamStep, RmsPropStep, Rule, SgdStep,
};
use lenslet_model::{Adam, Algorithm, Lamb, Nadam};

/// The rule of update `t`, counted from 1, at a learning rate. LAMB's own steps are
/// [`lamb`]'s and Muon's those of its file: here stands what they do to all that they leave.
pub(crate) fn rule(algorithm: &Algorithm, learning_rate: f64, t: u64) -> Rule {
    match *algorithm {
        Algorithm::Adam(o) => adam(o, learning_rate, t),
        Algorithm::AdamW(o) => adam(o.adam(), learning_rate, t),
        Algorithm::Sgd(o) => {
            Rule::Sgd(SgdStep { learning_rate, momentum: o.momentum, nesterov: o.nesterov })
        }
        Algorithm::RmsProp(o) => Rule::RmsProp(RmsPropStep {
            learning_rate,
            rho: o.rho,
            momentum: o.momentum,
            epsilon: o.epsilon,
            centered: o.centered,
        }),
        Algorithm::Adagrad(o) => Rule::Adagrad(AdagradStep { learning_rate, epsilon: o.epsilon }),
        Algorithm::Nadam(o) => nadam(o, learning_rate, t),
        Algorithm::Lion(o) => {
            Rule::Lion(LionStep { learning_rate, beta_1: o.beta_1, beta_2: o.beta_2 })
        }
        Algorithm::Lamb(_) => Rule::Sgd(SgdStep::plain(learning_rate)),
        Algorithm::Muon(o) => {
            let (beta_1, beta_2, epsilon) = (o.adam_beta_1, o.adam_beta_2, o.epsilon);
            let rest = Adam { beta_1, beta_2, epsilon, ..Adam::default() };
            adam(rest, learning_rate * o.adam_lr_ratio, t)
        }
        ref other => unreachable!("no rule for {}", other.name()),
    }
}

fn adam(adam: Adam, learning_rate: f64, t: u64) -> Rule {
    Rule::Adam(AdamStep {
        alpha: learning_rate * rest(adam.beta_2, t).sqrt() / rest(adam.beta_1, t),
        beta_1: adam.beta_1,
        beta_2: adam.beta_2,
        epsilon: adam.epsilon,
        amsgrad: adam.amsgrad,
    })
}

fn nadam(nadam: Nadam, learning_rate: f64, t: u64) -> Rule {
    let beta_1 = nadam.beta_1;
    let share = |t: u64| beta_1 * (1.0 - 0.5 * 0.96f64.powf(t as f64));
    let product = shares_until(beta_1, t);
    let (now, next) = (share(t), share(t + 1));
    Rule::Nadam(NadamStep {
        by_m: learning_rate * next / (1.0 - product * next),
        by_g: learning_rate * (1.0 - now) / (1.0 - product),
        by_root: 1.0 / rest(nadam.beta_2, t).sqrt(),
        beta_1,
        beta_2: nadam.beta_2,
        epsilon: nadam.epsilon,
    })
}

/// The product of Nadam's shares of the momentum of updates 1 to `t`. One less it is one, to the
/// last bit, once it is below half of `f64::EPSILON`: nothing is multiplied after that.
fn shares_until(beta_1: f64, t: u64) -> f64 {
    let (mut product, mut power) = (1.0, 1.0);
    for _ in 0..t {
        power *= 0.96;
        product *= beta_1 * (1.0 - 0.5 * power);
        if product < 1e-20 {
            return 0.0;
        }
    }
    product
}

/// The step of update `t` by LAMB, but for the learning rate.
pub(crate) fn lamb(lamb: &Lamb, t: u64) -> LambStep {
    LambStep {
        by_m: 1.0 / rest(lamb.beta_1, t),
        by_v: 1.0 / rest(lamb.beta_2, t),
        beta_1: lamb.beta_1,
        beta_2: lamb.beta_2,
        epsilon: lamb.epsilon,
    }
}

/// `1 - beta^t`.
///
/// Keras raises the betas to the power as `f32` numbers, while it averages the moments with their
/// exact values: that makes `1 - 0.999` smaller by 1.3e-5 of itself. So do we, to take the same
/// steps.
fn rest(beta: f64, t: u64) -> f64 {
    1.0 - f64::from(beta as f32).powf(t as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nadams_product_ends_in_zero() {
        assert!((shares_until(0.9, 1) - 0.9 * 0.52).abs() < 1e-15);
        assert_eq!(shares_until(0.9, 10_000_000_000), 0.0);
    }
}
