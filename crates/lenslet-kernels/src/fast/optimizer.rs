//! Optimiser updates: one pass over the parameters, in fixed pieces shared out over the team.
//!
//! The formulas stand at the descriptions of the steps. The loops of all rules but Adam's are plain
//! enough for the compiler to vectorise with the instructions that [`dispatch!`] enables. What is
//! done around a rule (clipping, decay, the average) is done to a block that stays in the first cache.

mod adam;

use std::sync::atomic::{AtomicBool, Ordering};

use super::reduce;
use crate::simd::{Simd, dispatch};
use crate::{
    AdagradStep, AdamStep, Chunks, ChunksRef, Isa, LambStep, LionStep, Moments, NadamStep, Parts,
    RmsPropStep, Rule, SgdStep, Team, Update,
};
pub(super) use adam::Adam;

/// Parameters that one task updates: a few microseconds of work.
const PIECE: usize = 16 * 1024;
/// The same where there are few: those whose gradients one task has added up, which has them in its
/// cache.
const SMALL_PIECE: usize = reduce::PIECE;
/// Parameters that are worked on at a time where there is something around the rule.
const BLOCK: usize = 512;

/// One update; returns whether all parameters are finite.
pub(super) fn update(
    isa: Isa,
    team: &Team,
    update: &Update,
    p: &mut [f32],
    g: &[f32],
    moments: Moments<'_, f32>,
) -> bool {
    assert_eq!(g.len(), p.len());
    let finite = AtomicBool::new(true);
    let len = if p.len() < PIECE { SMALL_PIECE } else { PIECE };
    let (p, g) = (Chunks::new(p, len), ChunksRef::new(g, len));
    let pieces = p.count();
    let moments = moments.map(|moment| cut(moment, len, pieces));
    team.share((p, g, moments), |_, (p, g, moments)| {
        let all_finite = dispatch!(isa, |s| {
            let mut odd = Odd::new(s);
            piece(s, update, p, g, moments, &mut odd);
            odd.none(s)
        });
        if !all_finite {
            finite.store(false, Ordering::Relaxed);
        }
    });
    finite.into_inner()
}

/// A moment in chunks of `len`, of which there are `count`; empty ones where the rule has no such
/// moment.
pub(super) fn cut(moment: &mut [f32], len: usize, count: usize) -> Chunks<'_, f32> {
    if moment.is_empty() { Chunks::equal(moment, count) } else { Chunks::new(moment, len) }
}

/// Whether something was not finite: zero times that is NaN, which stays in a sum.
#[derive(Clone, Copy)]
pub(super) struct Odd<S: Simd>(S::F32);

impl<S: Simd> Odd<S> {
    #[inline(always)]
    pub(super) fn new(s: S) -> Self {
        Self(s.splat(0.0))
    }

    #[inline(always)]
    pub(super) fn look(&mut self, s: S, x: S::F32) {
        self.0 = s.mul_add(x, s.splat(0.0), self.0);
    }

    /// What others have seen.
    #[inline(always)]
    pub(super) fn join(&mut self, s: S, other: Self) {
        self.0 = s.add(self.0, other.0);
    }

    /// Whether all was finite.
    #[inline(always)]
    pub(super) fn none(self, s: S) -> bool {
        s.bits(s.eq(self.0, self.0)) == u32::MAX >> (32 - S::LANES)
    }
}

/// The update of some parameters, which `odd` looks at.
#[inline(always)]
pub(super) fn piece<S: Simd>(
    s: S,
    update: &Update,
    p: &mut [f32],
    g: &[f32],
    moments: Moments<'_, f32>,
    odd: &mut Odd<S>,
) {
    if update.is_plain() {
        apply(s, update.rule, p, g, moments, odd);
    } else {
        in_blocks(s, update, p, g, moments, odd);
    }
}

/// The rule and all around it, block by block.
#[inline(always)]
fn in_blocks<S: Simd>(
    s: S,
    update: &Update,
    p: &mut [f32],
    g: &[f32],
    mut moments: Moments<'_, f32>,
    odd: &mut Odd<S>,
) {
    let mut limited = [0.0; BLOCK];
    for start in (0..p.len()).step_by(BLOCK) {
        let block = start..p.len().min(start + BLOCK);
        let mut moments = moments.each_mut().map(|moment| match moment.is_empty() {
            true => &mut [][..],
            false => &mut moment[block.clone()],
        });
        let (p, mut g) = (&mut p[block.clone()], &g[block]);
        if !update.takes_gradients_as_they_are() {
            let limited = &mut limited[..g.len()];
            limited.copy_from_slice(g);
            scale_and_clip(update.scale, update.clip, limited);
            g = limited;
        }
        let decay = update.decay as f32;
        if decay != 0.0 {
            for p in p.iter_mut() {
                *p -= *p * decay;
            }
        }
        let own = moments.each_mut().map(|moment| &mut **moment);
        apply(s, update.rule, p, g, own, odd);
        if let Some(share) = update.average {
            let [.., average] = moments;
            mix((1.0 - share) as f32, p, share as f32, average);
        }
    }
}

#[inline(always)]
fn scale_and_clip(scale: f64, clip: f64, x: &mut [f32]) {
    let [scale, clip] = [scale, clip].map(|x| x as f32);
    for x in x {
        let scaled = *x * scale;
        // NaN is neither above nor below anything and stays.
        let below = if scaled > clip { clip } else { scaled };
        *x = if below < -clip { -clip } else { below };
    }
}

/// `y = a x + b y`.
#[inline(always)]
fn mix(a: f32, x: &[f32], b: f32, y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    for (y, &x) in y.iter_mut().zip(x) {
        *y = a * x + b * *y;
    }
}

#[inline(always)]
fn apply<S: Simd>(
    s: S,
    rule: Rule,
    p: &mut [f32],
    g: &[f32],
    [first, second, third, _]: Moments<'_, f32>,
    odd: &mut Odd<S>,
) {
    match rule {
        Rule::Adam(step) if !step.amsgrad => {
            return Adam::new(s, step).all(s, p, g, [first, second], odd);
        }
        Rule::Adam(step) => amsgrad(step, p, g, [first, second, third]),
        Rule::Sgd(step) if step.momentum == 0.0 => sgd(step, p, g),
        Rule::Sgd(step) => momentum(step, p, g, first),
        Rule::RmsProp(step) => match (step.centered, step.momentum > 0.0) {
            (false, false) => rmsprop(step, p, g, first),
            (false, true) => rmsprop_momentum(step, p, g, first, second),
            (true, false) => rmsprop_centered(step, p, g, first, second),
            (true, true) => rmsprop_both(step, p, g, [first, second, third]),
        },
        Rule::Adagrad(step) => adagrad(step, p, g, first),
        Rule::Nadam(step) => nadam(step, p, g, first, second),
        Rule::Lion(step) => lion(step, p, g, first),
    }
    let mut vectors = p.chunks_exact(S::LANES);
    for p in &mut vectors {
        odd.look(s, s.load(p));
    }
    odd.look(s, s.load_tail(vectors.remainder()));
}

/// A mean of squares too small for a normal number becomes 0, see [`Adam::vector`].
#[inline(always)]
fn normal_square(square: f32) -> f32 {
    if square < f32::MIN_POSITIVE { 0.0 } else { square }
}

#[inline(always)]
fn amsgrad(step: AdamStep, p: &mut [f32], g: &[f32], [m, v, largest]: [&mut [f32]; 3]) {
    let n = p.len();
    assert_eq!((g.len(), m.len(), v.len(), largest.len()), (n, n, n, n));
    let [alpha, rest_1, rest_2, epsilon] =
        [step.alpha, 1.0 - step.beta_1, 1.0 - step.beta_2, step.epsilon].map(|x| x as f32);
    for ((((p, &g), m), v), largest) in p.iter_mut().zip(g).zip(m).zip(v).zip(largest) {
        let first = *m + (g - *m) * rest_1;
        let second = normal_square(*v + (g * g - *v) * rest_2);
        let most = if second > *largest { second } else { *largest };
        *m = first;
        *v = second;
        *largest = most;
        *p -= alpha * first / (most.sqrt() + epsilon);
    }
}

#[inline(always)]
fn sgd(step: SgdStep, p: &mut [f32], g: &[f32]) {
    let rate = step.learning_rate as f32;
    for (p, &g) in p.iter_mut().zip(g) {
        *p -= rate * g;
    }
}

#[inline(always)]
fn momentum(step: SgdStep, p: &mut [f32], g: &[f32], velocity: &mut [f32]) {
    assert_eq!((g.len(), velocity.len()), (p.len(), p.len()));
    let [rate, momentum] = [step.learning_rate, step.momentum].map(|x| x as f32);
    for ((p, &g), v) in p.iter_mut().zip(g).zip(velocity) {
        *v = momentum * *v - rate * g;
        *p += if step.nesterov { momentum * *v - rate * g } else { *v };
    }
}

/// The numbers of an RMSprop step in `f32`: rate, rho, one less rho, momentum, epsilon.
#[inline(always)]
fn rmsprop_numbers(step: RmsPropStep) -> [f32; 5] {
    [step.learning_rate, step.rho, 1.0 - step.rho, step.momentum, step.epsilon].map(|x| x as f32)
}

#[inline(always)]
fn rmsprop(step: RmsPropStep, p: &mut [f32], g: &[f32], v: &mut [f32]) {
    assert_eq!((g.len(), v.len()), (p.len(), p.len()));
    let [rate, rho, rest, _, epsilon] = rmsprop_numbers(step);
    for ((p, &g), v) in p.iter_mut().zip(g).zip(v) {
        *v = normal_square(rho * *v + rest * (g * g));
        *p -= rate * g / (*v + epsilon).sqrt();
    }
}

#[inline(always)]
fn rmsprop_momentum(step: RmsPropStep, p: &mut [f32], g: &[f32], v: &mut [f32], sum: &mut [f32]) {
    let n = p.len();
    assert_eq!((g.len(), v.len(), sum.len()), (n, n, n));
    let [rate, rho, rest, momentum, epsilon] = rmsprop_numbers(step);
    for (((p, &g), v), sum) in p.iter_mut().zip(g).zip(v).zip(sum) {
        *v = normal_square(rho * *v + rest * (g * g));
        *sum = momentum * *sum + rate * g / (*v + epsilon).sqrt();
        *p -= *sum;
    }
}

#[inline(always)]
fn rmsprop_centered(step: RmsPropStep, p: &mut [f32], g: &[f32], v: &mut [f32], mean: &mut [f32]) {
    let n = p.len();
    assert_eq!((g.len(), v.len(), mean.len()), (n, n, n));
    let [rate, rho, rest, _, epsilon] = rmsprop_numbers(step);
    for (((p, &g), v), mean) in p.iter_mut().zip(g).zip(v).zip(mean) {
        *v = normal_square(rho * *v + rest * (g * g));
        *mean = rho * *mean + rest * g;
        *p -= rate * g / (*v - *mean * *mean + epsilon).sqrt();
    }
}

#[inline(always)]
fn rmsprop_both(step: RmsPropStep, p: &mut [f32], g: &[f32], [v, sum, mean]: [&mut [f32]; 3]) {
    let n = p.len();
    assert_eq!((g.len(), v.len(), sum.len(), mean.len()), (n, n, n, n));
    let [rate, rho, rest, momentum, epsilon] = rmsprop_numbers(step);
    for ((((p, &g), v), sum), mean) in p.iter_mut().zip(g).zip(v).zip(sum).zip(mean) {
        *v = normal_square(rho * *v + rest * (g * g));
        *mean = rho * *mean + rest * g;
        *sum = momentum * *sum + rate * g / (*v - *mean * *mean + epsilon).sqrt();
        *p -= *sum;
    }
}

#[inline(always)]
fn adagrad(step: AdagradStep, p: &mut [f32], g: &[f32], sum: &mut [f32]) {
    assert_eq!((g.len(), sum.len()), (p.len(), p.len()));
    let [rate, epsilon] = [step.learning_rate, step.epsilon].map(|x| x as f32);
    for ((p, &g), sum) in p.iter_mut().zip(g).zip(sum) {
        *sum += g * g;
        *p -= rate * g / (*sum + epsilon).sqrt();
    }
}

#[inline(always)]
fn nadam(step: NadamStep, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let n = p.len();
    assert_eq!((g.len(), m.len(), v.len()), (n, n, n));
    let [by_m, by_g, by_root, epsilon] =
        [step.by_m, step.by_g, step.by_root, step.epsilon].map(|x| x as f32);
    let [rest_1, rest_2] = [1.0 - step.beta_1, 1.0 - step.beta_2].map(|x| x as f32);
    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let first = *m + (g - *m) * rest_1;
        let second = normal_square(*v + (g * g - *v) * rest_2);
        *m = first;
        *v = second;
        *p -= (by_m * first + by_g * g) / (by_root * second.sqrt() + epsilon);
    }
}

#[inline(always)]
fn lion(step: LionStep, p: &mut [f32], g: &[f32], m: &mut [f32]) {
    assert_eq!((g.len(), m.len()), (p.len(), p.len()));
    let [rate, beta_1, rest_1] =
        [step.learning_rate, step.beta_1, 1.0 - step.beta_1].map(|x| x as f32);
    let [beta_2, rest_2] = [step.beta_2, 1.0 - step.beta_2].map(|x| x as f32);
    for ((p, &g), m) in p.iter_mut().zip(g).zip(m) {
        let direction = beta_1 * *m + rest_1 * g;
        // Zero and NaN go nowhere and everywhere.
        let negative = if direction < 0.0 { -1.0 } else { direction };
        let sign = if direction > 0.0 { 1.0 } else { negative };
        *m = beta_2 * *m + rest_2 * g;
        *p -= rate * sign;
    }
}

/// Moments as by Adam; `g` becomes the direction.
pub(super) fn lamb_direction(
    isa: Isa,
    team: &Team,
    step: LambStep,
    g: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    assert_eq!((m.len(), v.len()), (g.len(), g.len()));
    let [by_m, by_v, epsilon] = [step.by_m, step.by_v, step.epsilon].map(|x| x as f32);
    let [rest_1, rest_2] = [1.0 - step.beta_1, 1.0 - step.beta_2].map(|x| x as f32);
    let parts = [g, m, v].map(|numbers| Chunks::new(numbers, PIECE));
    team.share(parts, |_, [g, m, v]| {
        dispatch!(isa, |_s| for ((g, m), v) in g.iter_mut().zip(m).zip(v) {
            let first = *m + (*g - *m) * rest_1;
            let second = normal_square(*v + (*g * *g - *v) * rest_2);
            *m = first;
            *v = second;
            *g = by_m * first / ((by_v * second).sqrt() + epsilon);
        });
    });
}

/// `y = a x + b y`.
pub(super) fn combine(isa: Isa, team: &Team, a: f64, x: &[f32], b: f64, y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    let [a, b] = [a, b].map(|x| x as f32);
    team.share((ChunksRef::new(x, PIECE), Chunks::new(y, PIECE)), |_, (x, y)| {
        dispatch!(isa, |_s| {
            if b == 0.0 {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = a * x;
                }
            } else {
                mix(a, x, b, y);
            }
        });
    });
}

/// `x = scale * x`, then brought to between `-clip` and `clip`.
pub(super) fn limit(isa: Isa, team: &Team, scale: f64, clip: f64, x: &mut [f32]) {
    team.share(Chunks::new(x, PIECE), |_, x| {
        dispatch!(isa, |_s| scale_and_clip(scale, clip, x));
    });
}
