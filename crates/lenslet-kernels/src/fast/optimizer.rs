//! Optimiser updates: one pass over the parameters, in fixed pieces shared out over the team.
//!
//! The formulas stand at [`AdamStep`] and [`SgdStep`]. The loops of the simple rules are plain enough
//! for the compiler to vectorise with the instructions that [`dispatch!`] enables.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::simd::{Simd, dispatch};
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
        let all_finite = dispatch!(isa, |s| {
            let mut odd = Odd::new(s);
            piece(s, rule, p, g, [first, second], &mut odd);
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
    fn look(&mut self, s: S, x: S::F32) {
        self.0 = s.mul_add(x, s.splat(0.0), self.0);
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
    rule: Rule,
    p: &mut [f32],
    g: &[f32],
    [first, second]: [&mut [f32]; 2],
    odd: &mut Odd<S>,
) {
    match rule {
        Rule::Adam(step) => return adam(s, step, p, g, first, second, odd),
        Rule::Sgd(step) if step.momentum == 0.0 => sgd(step, p, g),
        Rule::Sgd(step) => momentum(step, p, g, first),
    }
    let mut vectors = p.chunks_exact(S::LANES);
    for p in &mut vectors {
        odd.look(s, s.load(p));
    }
    odd.look(s, s.load_tail(vectors.remainder()));
}

#[inline(always)]
fn adam<S: Simd>(
    s: S,
    step: AdamStep,
    p: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    odd: &mut Odd<S>,
) {
    let n = p.len();
    assert_eq!((g.len(), m.len(), v.len()), (n, n, n));
    let numbers = [step.alpha, 1.0 - step.beta_1, 1.0 - step.beta_2, step.epsilon];
    let mut vectors = [s.splat(0.0); 4];
    for (vector, number) in vectors.iter_mut().zip(numbers) {
        *vector = s.splat(number as f32);
    }
    let (whole, tail) = (n - n % S::LANES, n % S::LANES);
    let (p, p_tail) = p.split_at_mut(whole);
    let (g, g_tail) = g.split_at(whole);
    let (m, m_tail) = m.split_at_mut(whole);
    let (v, v_tail) = v.split_at_mut(whole);
    let moments = m.chunks_exact_mut(S::LANES).zip(v.chunks_exact_mut(S::LANES));
    let all = p.chunks_exact_mut(S::LANES).zip(g.chunks_exact(S::LANES)).zip(moments);
    for ((p, g), (m, v)) in all {
        let [new, first, second] =
            adam_vector(s, vectors, s.load(p), s.load(g), s.load(m), s.load(v));
        s.store(p, new);
        s.store(m, first);
        s.store(v, second);
        odd.look(s, new);
    }
    if tail > 0 {
        let [p, g] = [s.load_tail(p_tail), s.load_tail(g_tail)];
        let [new, first, second] =
            adam_vector(s, vectors, p, g, s.load_tail(m_tail), s.load_tail(v_tail));
        s.store_tail(p_tail, new);
        s.store_tail(m_tail, first);
        s.store_tail(v_tail, second);
        // What lies behind the tail was zero and is something finite.
        odd.look(s, new);
    }
}

/// New parameters and moments.
#[inline(always)]
fn adam_vector<S: Simd>(
    s: S,
    [alpha, rest_1, rest_2, epsilon]: [S::F32; 4],
    p: S::F32,
    g: S::F32,
    m: S::F32,
    v: S::F32,
) -> [S::F32; 3] {
    let first = normal(s, s.mul_add(s.sub(g, m), rest_1, m));
    let second = normal(s, s.mul_add(s.sub(s.mul(g, g), v), rest_2, v));
    let step = s.div(s.mul(alpha, first), s.add(s.root(second), epsilon));
    [s.sub(p, step), first, second]
}

/// A moment too small for a normal number becomes 0, as arithmetic on denormal numbers is slow, and
/// where no gradient comes any more they stay for ever. The root of such a mean of squares is less
/// than 1.1e-19, nothing beside any usual epsilon. NaN stays: it is not below anything.
#[inline(always)]
fn normal<S: Simd>(s: S, moment: S::F32) -> S::F32 {
    let size = s.from_bits(s.and(s.to_bits(moment), s.splat_u32(0x7FFF_FFFF)));
    s.select(s.lt(size, s.splat(f32::MIN_POSITIVE)), s.splat(0.0), moment)
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
