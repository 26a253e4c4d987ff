//! Optimiser updates: one pass over the parameters, in fixed pieces shared out over the team.
//!
//! The formulas stand at [`AdamStep`] and [`SgdStep`]. The loops are plain enough for the compiler
//! to vectorise with the instructions that [`dispatch!`] enables.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::simd::dispatch;
use crate::{AdamStep, Chunks, ChunksRef, Isa, Parts, Rule, SgdStep, Team};

/// Parameters that one task updates: a few microseconds of work.
const PIECE: usize = 16 * 1024;

/// One update; returns whether all parameters are finite.
pub(super) fn update(
    isa: Isa,
    team: &Team,
    rule: Rule,
    p: &mut [f32],
    g: &[f32],
    [first, second]: [&mut [f32]; 2],
) -> bool {
    assert_eq!(g.len(), p.len());
    let finite = AtomicBool::new(true);
    let (p, g) = (Chunks::new(p, PIECE), ChunksRef::new(g, PIECE));
    let pieces = p.count();
    let parts = (p, g, cut(first, PIECE, pieces), cut(second, PIECE, pieces));
    team.share(parts, |_, (p, g, first, second)| {
        if !dispatch!(isa, |_s| piece(rule, p, g, [first, second])) {
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

/// The update of some parameters; returns whether they are finite.
#[inline(always)]
pub(super) fn piece(
    rule: Rule,
    p: &mut [f32],
    g: &[f32],
    [first, second]: [&mut [f32]; 2],
) -> bool {
    match rule {
        Rule::Adam(step) => adam(step, p, g, first, second),
        Rule::Sgd(step) if step.momentum == 0.0 => sgd(step, p, g),
        Rule::Sgd(step) => momentum(step, p, g, first),
    }
    // The exponent of what is not finite is all ones: nothing has larger bits, but for the sign.
    let largest = p.iter().fold(0, |largest: u32, p| largest.max(p.abs().to_bits()));
    largest < f32::INFINITY.to_bits()
}

/// A second moment too small for a normal number becomes 0, as arithmetic on denormal numbers is
/// slow; its root was less than 1.1e-19, nothing beside any usual epsilon.
#[inline(always)]
fn adam(step: AdamStep, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let n = p.len();
    assert_eq!((g.len(), m.len(), v.len()), (n, n, n));
    let [alpha, rest_1, rest_2, epsilon] =
        [step.alpha, 1.0 - step.beta_1, 1.0 - step.beta_2, step.epsilon].map(|x| x as f32);
    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let first = *m + (g - *m) * rest_1;
        let second = *v + (g * g - *v) * rest_2;
        // NaN is not below anything and stays.
        let second = if second < f32::MIN_POSITIVE { 0.0 } else { second };
        *m = first;
        *v = second;
        *p -= alpha * first / (second.sqrt() + epsilon);
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
