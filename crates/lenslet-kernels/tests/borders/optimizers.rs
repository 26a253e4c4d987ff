use lenslet_kernels::{Kernels, LambStep, Real, Rule, Team, Update};

use crate::common::{Random, cases::RULES};
use crate::{Layer, check, squares};

const LENGTHS: [usize; 3] = [1, 16, 37];

#[derive(Debug)]
struct Updated(Update, usize);

impl Layer<5, 6> for Updated {
    fn operands(&self, random: &Random) -> [Vec<f64>; 5] {
        [(); 5].map(|()| random.normal(self.1))
    }

    fn run<K: Kernels>(&self, kernels: &K, operands: [&[K::Real]; 5]) -> [Vec<K::Real>; 6] {
        let [p, g, m, v, third] = operands;
        let [mut p, g, mut m] = [p, g, m].map(|x| x.to_vec());
        let [mut v, mut third] = [v, third].map(squares);
        // Of a rule's moments any may be one of squares.
        if matches!(self.0.rule, Rule::RmsProp(_) | Rule::Adagrad(_)) {
            std::mem::swap(&mut m, &mut v);
        }
        let mut average = g.clone();
        let moments = [&mut m[..], &mut v, &mut third, &mut average];
        let finite = kernels.update(&Team::new(1), self.0, &mut p, &g, moments);
        let finite = K::Real::from_f64(f64::from(u8::from(finite)));
        [p, m, v, third, average, vec![finite]]
    }
}

#[test]
fn updates() {
    for plain in RULES.map(Update::from) {
        let average = Some(0.9);
        let all = Update { scale: 0.5, clip: 0.3, decay: 0.01, average, ..plain };
        for n in LENGTHS {
            check(&Updated(plain, n));
            check(&Updated(all, n));
        }
    }
}

/// LAMB's direction, the limits of gradients, and the sum of their squares.
#[derive(Debug)]
struct Gradients(usize);

impl Layer<3, 5> for Gradients {
    fn operands(&self, random: &Random) -> [Vec<f64>; 3] {
        [(); 3].map(|()| random.normal(self.0))
    }

    fn run<K: Kernels>(&self, kernels: &K, operands: [&[K::Real]; 3]) -> [Vec<K::Real>; 5] {
        let team = &Team::new(1);
        let [mut g, mut m, v] = operands.map(|x| x.to_vec());
        let mut v = squares(&v);
        let squares = K::Real::from_f64(kernels.sum_of_squares(team, &g));
        let mut limited = g.clone();
        kernels.limit(team, 0.5, 0.3, &mut limited);
        let lamb = LambStep { by_m: 1.5, by_v: 2.0, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
        kernels.lamb_direction(team, lamb, &mut g, &mut m, &mut v);
        [vec![squares], limited, g, m, v]
    }
}

#[test]
fn gradients() {
    LENGTHS.into_iter().for_each(|n| check(&Gradients(n)));
}
