use lenslet_kernels::{InputGradient, Kernels, Real, Rows, RowsMut, Rule, Team};

use crate::common::{Random, cases::RULES};
use crate::{Layer, check, nothing, ones, squares};

#[derive(Clone, Copy, Debug)]
struct Size {
    samples: usize,
    inputs: usize,
    out: usize,
}

impl Size {
    /// One of each, and numbers that fill vectors and blocks or do not.
    const ALL: [Self; 7] = [
        Self { samples: 1, inputs: 1, out: 1 },
        Self { samples: 1, inputs: 17, out: 1 },
        Self { samples: 1, inputs: 1, out: 17 },
        Self { samples: 5, inputs: 1, out: 1 },
        Self { samples: 2, inputs: 40, out: 3 },
        Self { samples: 3, inputs: 16, out: 32 },
        Self { samples: 33, inputs: 70, out: 20 },
    ];

    fn ins<'a, R>(&self, x: &'a [R]) -> Rows<'a, R> {
        Rows::new(x, self.samples, self.inputs, 0..self.inputs)
    }

    fn outs<'a, R>(&self, y: &'a [R]) -> Rows<'a, R> {
        Rows::new(y, self.samples, self.out, 0..self.out)
    }

    fn ins_mut<'a, R>(&self, x: &'a mut [R]) -> RowsMut<'a, R> {
        RowsMut::new(x, self.samples, self.inputs, 0..self.inputs)
    }
}

#[derive(Debug)]
struct Dense(Size);

impl Layer<4, 4> for Dense {
    fn operands(&self, random: &Random) -> [Vec<f64>; 4] {
        let Size { samples, inputs, out } = self.0;
        [samples * inputs, inputs * out, out, samples * out].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, w, bias, dy]: [&[K::Real]; 4]) -> [Vec<K::Real>; 4] {
        let (team, size) = (&Team::new(1), self.0);
        let (mut y, mut dx) = (nothing(dy.len()), nothing(x.len()));
        let (mut dw, mut db) = (nothing(w.len()), nothing(bias.len()));
        let finite = w.iter().all(|w| w.is_finite());
        let to = RowsMut::new(&mut y, size.samples, size.out, 0..size.out);
        kernels.dense_forward(team, size.ins(x), w, bias, finite, to);
        kernels.dense_grad_input(team, size.outs(dy), w, size.ins_mut(&mut dx));
        kernels.dense_grad_weights(team, size.ins(x), size.outs(dy), &mut dw);
        kernels.dense_grad_bias(size.outs(dy), &mut db);
        [y, dx, dw, db]
    }
}

#[test]
fn dense_layers() {
    Size::ALL.into_iter().for_each(|size| check(&Dense(size)));
}

/// A dense layer's way back with an update in it.
#[derive(Debug)]
struct Learning {
    size: Size,
    rule: Rule,
    /// `None`: nobody wants the gradient of the input.
    rectified: Option<bool>,
}

impl Layer<5, 6> for Learning {
    /// Where there was no second moment the step is divided by a gradient, a sum that cancels.
    const TOLERANCE: f64 = 1e-3;

    fn operands(&self, random: &Random) -> [Vec<f64>; 5] {
        let Size { samples, inputs, out } = self.size;
        let weights = inputs * out;
        [samples * inputs, samples * out, weights, weights, weights].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, dy, w, m, v]: [&[K::Real]; 5]) -> [Vec<K::Real>; 6] {
        let Self { size, rule, rectified } = *self;
        let (mut dx, mut w) = (ones(x.len()), w.to_vec());
        let (mut first, mut second, mut third) = (m.to_vec(), squares(v), squares(v));
        // Of a rule's moments any may be one of squares.
        if matches!(rule, Rule::RmsProp(_) | Rule::Adagrad(_)) {
            std::mem::swap(&mut first, &mut second);
        }
        let moments = [&mut first[..], &mut second, &mut third, &mut []];
        let to =
            rectified.map(|rectified| InputGradient { rows: size.ins_mut(&mut dx), rectified });
        let (x_rows, dy, team) = (size.ins(x), size.outs(dy), &Team::new(1));
        let learned =
            kernels.dense_backward_update(team, x_rows, dy, to, rule.into(), &mut w, moments);
        if rectified == Some(true) {
            // What nobody reads.
            let unread = dx.iter_mut().zip(x).filter(|(_, x)| **x == K::Real::ZERO);
            unread.for_each(|(dx, _)| *dx = K::Real::ZERO);
        }
        let finite = K::Real::from_f64(f64::from(u8::from(learned.finite)));
        [dx, w, first, second, third, vec![finite]]
    }
}

#[test]
fn dense_layers_that_learn_as_they_go_back() {
    for size in Size::ALL {
        for rule in RULES {
            for rectified in [None, Some(false), Some(true)] {
                check(&Learning { size, rule, rectified });
            }
        }
    }
}
