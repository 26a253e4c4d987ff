//! Optimiser updates: one pass over the parameters, in fixed pieces shared out over the team.
//!
//! The formulas stand at [`AdamStep`] and [`SgdStep`]. The loops are plain enough for the compiler
//! to vectorise with the instructions that [`dispatch!`] enables.

use crate::simd::dispatch;
use crate::{AdamStep, Chunks, ChunksRef, Isa, SgdStep, Team};

/// Parameters that one task updates: a few microseconds of work.
const PIECE: usize = 16 * 1024;

/// One Adam update. A second moment too small for a normal number becomes 0, as arithmetic on
/// denormal numbers is slow; its root was less than 1.1e-19, nothing beside any usual epsilon.
pub(super) fn adam(
    isa: Isa,
    team: &Team,
    step: AdamStep,
    p: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    let n = p.len();
    assert_eq!((g.len(), m.len(), v.len()), (n, n, n));
    let pieces = (
        Chunks::new(p, PIECE),
        ChunksRef::new(g, PIECE),
        Chunks::new(m, PIECE),
        Chunks::new(v, PIECE),
    );
    team.share(pieces, |_, (p, g, m, v)| dispatch!(isa, |_s| adam_piece(step, p, g, m, v)));
}

#[inline(always)]
fn adam_piece(step: AdamStep, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
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

/// One update of stochastic gradient descent.
pub(super) fn sgd(
    isa: Isa,
    team: &Team,
    step: SgdStep,
    p: &mut [f32],
    g: &[f32],
    velocity: &mut [f32],
) {
    let [rate, momentum] = [step.learning_rate, step.momentum].map(|x| x as f32);
    assert_eq!(g.len(), p.len());
    if step.momentum == 0.0 {
        let pieces = (Chunks::new(p, PIECE), ChunksRef::new(g, PIECE));
        team.share(pieces, |_, (p, g)| {
            dispatch!(isa, |_s| for (p, &g) in p.iter_mut().zip(g) {
                *p -= rate * g;
            });
        });
    } else {
        assert_eq!(velocity.len(), p.len());
        let pieces =
            (Chunks::new(p, PIECE), ChunksRef::new(g, PIECE), Chunks::new(velocity, PIECE));
        team.share(pieces, |_, (p, g, v)| {
            dispatch!(isa, |_s| momentum_piece(rate, momentum, step.nesterov, p, g, v));
        });
    }
}

#[inline(always)]
fn momentum_piece(
    rate: f32,
    momentum: f32,
    nesterov: bool,
    p: &mut [f32],
    g: &[f32],
    velocity: &mut [f32],
) {
    for ((p, &g), v) in p.iter_mut().zip(g).zip(velocity) {
        *v = momentum * *v - rate * g;
        *p += if nesterov { momentum * *v - rate * g } else { *v };
    }
}
