//! Adam (Kingma and Ba 2015), a vector at a time.

use super::Odd;
use crate::AdamStep;
use crate::simd::Simd;

/// The numbers of a step, a vector each.
#[derive(Clone, Copy)]
pub(in crate::fast) struct Adam<S: Simd> {
    alpha: S::F32,
    rest_1: S::F32,
    rest_2: S::F32,
    epsilon: S::F32,
}

impl<S: Simd> Adam<S> {
    #[inline(always)]
    pub(in crate::fast) fn new(s: S, step: AdamStep) -> Self {
        let AdamStep { alpha, beta_1, beta_2, epsilon, amsgrad: _ } = step;
        Self {
            alpha: s.splat(-alpha as f32),
            rest_1: s.splat((1.0 - beta_1) as f32),
            rest_2: s.splat((1.0 - beta_2) as f32),
            epsilon: s.splat(epsilon as f32),
        }
    }

    /// New parameters and moments. A moment too small for a normal number becomes 0: arithmetic on
    /// denormal numbers is slow, and where no gradient comes any more they stay for ever. The root of
    /// such a mean of squares is less than 1.1e-19, nothing beside any usual epsilon.
    #[inline(always)]
    pub(in crate::fast) fn vector(
        self,
        s: S,
        p: S::F32,
        g: S::F32,
        [m, v]: [S::F32; 2],
    ) -> [S::F32; 3] {
        let first = s.flush(s.mul_add(s.sub(g, m), self.rest_1, m));
        let second = s.flush(s.mul_add(s.mul_sub(g, g, v), self.rest_2, v));
        let step = s.div(first, s.add(s.sqrt(second), self.epsilon));
        [s.mul_add(step, self.alpha, p), first, second]
    }

    /// The update of all of `p`, which `odd` looks at.
    #[inline(always)]
    pub(super) fn all(
        self,
        s: S,
        p: &mut [f32],
        g: &[f32],
        [m, v]: [&mut [f32]; 2],
        odd: &mut Odd<S>,
    ) {
        let n = p.len();
        assert_eq!((g.len(), m.len(), v.len()), (n, n, n));
        let (whole, tail) = (n - n % S::LANES, n % S::LANES);
        let (p, p_tail) = p.split_at_mut(whole);
        let (g, g_tail) = g.split_at(whole);
        let (m, m_tail) = m.split_at_mut(whole);
        let (v, v_tail) = v.split_at_mut(whole);
        let moments = m.chunks_exact_mut(S::LANES).zip(v.chunks_exact_mut(S::LANES));
        let all = p.chunks_exact_mut(S::LANES).zip(g.chunks_exact(S::LANES)).zip(moments);
        for ((p, g), (m, v)) in all {
            let moments = [s.load(m), s.load(v)];
            let [new, first, second] = self.vector(s, s.load(p), s.load(g), moments);
            s.store(p, new);
            s.store(m, first);
            s.store(v, second);
            odd.look(s, new);
        }
        if tail > 0 {
            let [p, g] = [s.load_tail(p_tail), s.load_tail(g_tail)];
            let moments = [s.load_tail(m_tail), s.load_tail(v_tail)];
            let [new, first, second] = self.vector(s, p, g, moments);
            s.store_tail(p_tail, new);
            s.store_tail(m_tail, first);
            s.store_tail(v_tail, second);
            // What lies behind the tail was zero and is something finite.
            odd.look(s, new);
        }
    }
}
