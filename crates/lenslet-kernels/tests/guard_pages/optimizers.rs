//! What changes parameters, and what is done to gradients before.

use lenslet_kernels::{Kernels, LambStep, MOMENTS, Moments, Rule, SgdStep, Update};

use crate::common::cases::RULES;
use crate::guarded::Guarded;
use crate::{Bench, each_kernel};

/// Parameters and all that an update keeps of them.
pub(crate) struct Learnt {
    p: Guarded<f32>,
    moments: [Guarded<f32>; MOMENTS],
}

impl Learnt {
    pub(crate) fn new(bench: &Bench, n: usize) -> Self {
        let mut moments = [(); MOMENTS].map(|()| bench.numbers(n));
        // Of squares are: the second moment of most rules, the first of some, AMSGrad's third.
        moments[..3].iter_mut().flat_map(|moment| moment.iter_mut()).for_each(|x| *x *= *x);
        Self { p: bench.numbers(n), moments }
    }

    pub(crate) fn split(&mut self) -> (&mut [f32], Moments<'_, f32>) {
        (&mut self.p, self.moments.each_mut().map(|moment| &mut moment[..]))
    }

    pub(crate) fn keep(&self, bench: &mut Bench) {
        bench.keep(&self.p);
        self.moments.iter().for_each(|moment| bench.keep(moment));
    }
}

/// Some numbers, and more than one task of them.
fn lengths() -> impl Iterator<Item = usize> {
    Bench::LENGTHS.into_iter().chain([16 * 1024 + 5])
}

#[test]
fn updates() {
    each_kernel(|fast, bench| {
        for n in lengths() {
            let (g, mut learnt) = (bench.numbers(n), Learnt::new(bench, n));
            for plain in RULES.map(Update::from) {
                let average = Some(0.9);
                for update in
                    [plain, Update { scale: 0.5, clip: 0.1, decay: 0.01, average, ..plain }]
                {
                    let (p, moments) = learnt.split();
                    fast.update(&bench.team, update, p, &g, moments);
                }
            }
            let none = [(); MOMENTS].map(|()| &mut [][..]);
            let plain = Rule::Sgd(SgdStep::plain(0.1)).into();
            fast.update(&bench.team, plain, learnt.split().0, &g, none);
            learnt.keep(bench);
        }
    });
}

#[test]
fn gradients() {
    let lamb = LambStep { by_m: 1.0, by_v: 1.0, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
    each_kernel(|fast, bench| {
        for n in lengths() {
            let [mut g, mut m, mut v] = [(); 3].map(|()| bench.numbers(n));
            v.iter_mut().for_each(|v| *v *= *v);
            fast.lamb_direction(&bench.team, lamb, &mut g, &mut m, &mut v);
            fast.combine(&bench.team, 0.5, &g, 0.5, &mut m);
            fast.limit(&bench.team, 0.5, 1.0, &mut g);
            [&g, &m, &v].into_iter().for_each(|numbers| bench.keep(numbers));
            let squares = fast.sum_of_squares(&bench.team, &g);
            bench.keep(&[squares as f32]);
        }
    });
}
