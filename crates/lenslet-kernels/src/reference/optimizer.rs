//! Optimiser updates; the formulas stand at the steps' descriptions.

use crate::{
    AdagradStep, AdamStep, LambStep, LionStep, Moments, NadamStep, Real, RmsPropStep, Rule,
    SgdStep, Update,
};

/// `x` brought to between `-limit` and `limit`; what is no number stays.
fn clipped<R: Real>(x: R, limit: R) -> R {
    if x > limit {
        limit
    } else if x < -limit {
        -limit
    } else {
        x
    }
}

/// One update, parameter by parameter.
pub(super) fn update<R: Real>(update: Update, p: &mut [R], g: &[R], moments: Moments<'_, R>) {
    let [first, second, third, average] = moments;
    let n = p.len();
    assert_eq!(g.len(), n);
    let [scale, clip, decay] = [update.scale, update.clip, update.decay].map(R::from_f64);
    for (i, p) in p.iter_mut().enumerate() {
        let g = clipped(g[i] * scale, clip);
        if decay != R::ZERO {
            *p -= *p * decay;
        }
        // A moment that the rule does not have is empty.
        let at = |moment: &[R]| moment.get(i).copied().unwrap_or_default();
        let mut moments = [at(first), at(second), at(third)];
        *p = applied(update.rule, *p, g, &mut moments);
        for (moment, new) in [&mut *first, &mut *second, &mut *third].into_iter().zip(moments) {
            if let Some(moment) = moment.get_mut(i) {
                *moment = new;
            }
        }
        if let Some(share) = update.average {
            let share = R::from_f64(share);
            average[i] = share * average[i] + (R::ONE - share) * *p;
        }
    }
}

/// The parameter after the rule; changes its moments.
fn applied<R: Real>(rule: Rule, p: R, g: R, moments: &mut [R; 3]) -> R {
    match rule {
        Rule::Adam(step) => adam(step, p, g, moments),
        Rule::Sgd(step) => sgd(step, p, g, moments),
        Rule::RmsProp(step) => rmsprop(step, p, g, moments),
        Rule::Adagrad(step) => adagrad(step, p, g, moments),
        Rule::Nadam(step) => nadam(step, p, g, moments),
        Rule::Lion(step) => lion(step, p, g, moments),
    }
}

fn adam<R: Real>(step: AdamStep, p: R, g: R, [m, v, largest]: &mut [R; 3]) -> R {
    let [alpha, rest_1, rest_2, epsilon] =
        [step.alpha, 1.0 - step.beta_1, 1.0 - step.beta_2, step.epsilon].map(R::from_f64);
    *m += (g - *m) * rest_1;
    *v += (g * g - *v) * rest_2;
    if step.amsgrad && *v > *largest {
        *largest = *v;
    }
    let below = if step.amsgrad { *largest } else { *v };
    p - alpha * *m / (below.sqrt() + epsilon)
}

fn sgd<R: Real>(step: SgdStep, p: R, g: R, [velocity, ..]: &mut [R; 3]) -> R {
    let [rate, momentum] = [step.learning_rate, step.momentum].map(R::from_f64);
    if step.momentum == 0.0 {
        return p - rate * g;
    }
    *velocity = momentum * *velocity - rate * g;
    p + if step.nesterov { momentum * *velocity - rate * g } else { *velocity }
}

fn rmsprop<R: Real>(step: RmsPropStep, p: R, g: R, moments: &mut [R; 3]) -> R {
    let [rate, rho, rest, momentum, epsilon] =
        [step.learning_rate, step.rho, 1.0 - step.rho, step.momentum, step.epsilon]
            .map(R::from_f64);
    let [v, sum, third] = moments;
    // Without momentum the mean gradient is the second moment.
    let mean = if step.momentum > 0.0 { third } else { &mut *sum };
    *v = rho * *v + rest * (g * g);
    let mut below = *v + epsilon;
    if step.centered {
        *mean = rho * *mean + rest * g;
        below = *v - *mean * *mean + epsilon;
    }
    let increment = rate * g / below.sqrt();
    if step.momentum == 0.0 {
        return p - increment;
    }
    *sum = momentum * *sum + increment;
    p - *sum
}

fn adagrad<R: Real>(step: AdagradStep, p: R, g: R, [sum, ..]: &mut [R; 3]) -> R {
    let [rate, epsilon] = [step.learning_rate, step.epsilon].map(R::from_f64);
    *sum += g * g;
    p - rate * g / (*sum + epsilon).sqrt()
}

fn nadam<R: Real>(step: NadamStep, p: R, g: R, [m, v, _]: &mut [R; 3]) -> R {
    let [by_m, by_g, by_root, rest_1, rest_2, epsilon] =
        [step.by_m, step.by_g, step.by_root, 1.0 - step.beta_1, 1.0 - step.beta_2, step.epsilon]
            .map(R::from_f64);
    *m += (g - *m) * rest_1;
    *v += (g * g - *v) * rest_2;
    p - (by_m * *m + by_g * g) / (by_root * v.sqrt() + epsilon)
}

fn lion<R: Real>(step: LionStep, p: R, g: R, [m, ..]: &mut [R; 3]) -> R {
    let [rate, beta_1, rest_1, beta_2, rest_2] =
        [step.learning_rate, step.beta_1, 1.0 - step.beta_1, step.beta_2, 1.0 - step.beta_2]
            .map(R::from_f64);
    let direction = sign(beta_1 * *m + rest_1 * g);
    *m = beta_2 * *m + rest_2 * g;
    p - rate * direction
}

/// 1, -1, or what is neither above nor below zero.
fn sign<R: Real>(x: R) -> R {
    if x > R::ZERO {
        R::ONE
    } else if x < R::ZERO {
        -R::ONE
    } else {
        x
    }
}

/// Moments as by Adam; `g` becomes the direction.
pub(super) fn lamb_direction<R: Real>(step: LambStep, g: &mut [R], m: &mut [R], v: &mut [R]) {
    assert_eq!((m.len(), v.len()), (g.len(), g.len()));
    let [by_m, by_v, rest_1, rest_2, epsilon] =
        [step.by_m, step.by_v, 1.0 - step.beta_1, 1.0 - step.beta_2, step.epsilon].map(R::from_f64);
    for ((g, m), v) in g.iter_mut().zip(m).zip(v) {
        *m += (*g - *m) * rest_1;
        *v += (*g * *g - *v) * rest_2;
        *g = by_m * *m / ((by_v * *v).sqrt() + epsilon);
    }
}

/// `y = a x + b y`.
pub(super) fn combine<R: Real>(a: f64, x: &[R], b: f64, y: &mut [R]) {
    assert_eq!(x.len(), y.len());
    let [a, b] = [a, b].map(R::from_f64);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = if b == R::ZERO { a * x } else { a * x + b * *y };
    }
}

/// `x = scale * x`, then brought to between `-clip` and `clip`.
pub(super) fn limit<R: Real>(scale: f64, clip: f64, x: &mut [R]) {
    let [scale, clip] = [scale, clip].map(R::from_f64);
    x.iter_mut().for_each(|x| *x = clipped(*x * scale, clip));
}
