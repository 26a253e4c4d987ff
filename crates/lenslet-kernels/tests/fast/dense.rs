//! Dense layers.

use lenslet_kernels::{InputGradient, Kernels, Rows, RowsMut, Rule, SgdStep, Team, Update};

use crate::common::compare::assert_close;
use crate::common::{Random, cases::ADAM, narrow};
use crate::optimizers::any_update;
use crate::{EXACT, each_case};

/// Sizes and the gaps between rows of the three matrices of a dense layer.
struct Dense {
    n: usize,
    inputs: usize,
    out: usize,
    gap: usize,
}

impl Dense {
    fn random(random: &Random) -> Self {
        let n = random.pick(&[1, 2, 5, 7, 10, 13, 16, 33, 64, 100]);
        let inputs = random.pick(&[1, 3, 10, 37, 128, 257, 300, 600, 1025]);
        let out = random.pick(&[1, 2, 7, 8, 10, 16, 17, 31, 32, 33, 128, 130, 150]);
        Self { n, inputs, out, gap: random.size(0, 5) }
    }

    fn rows<'a, T>(&self, data: &'a [T], width: usize) -> Rows<'a, T> {
        Rows::new(data, self.n, width + self.gap, self.gap..width + self.gap)
    }

    fn rows_mut<'a, T>(&self, data: &'a mut [T], width: usize) -> RowsMut<'a, T> {
        RowsMut::new(data, self.n, width + self.gap, self.gap..width + self.gap)
    }

    fn len(&self, width: usize) -> usize {
        self.n * (width + self.gap)
    }
}

/// All results of a dense layer, one after the other.
fn dense<K: Kernels>(
    kernels: &K,
    team: &Team,
    shape: &Dense,
    [x, w, bias, dy]: [&[K::Real]; 4],
) -> Vec<Vec<K::Real>>
where
    K::Real: From<i8>,
{
    let seven = K::Real::from(7);
    let Dense { inputs, out, .. } = *shape;
    let mut y = vec![seven; shape.len(out)];
    let x = shape.rows(x, inputs);
    kernels.dense_forward(team, x, w, bias, true, shape.rows_mut(&mut y, out));
    let mut dx = vec![seven; shape.len(inputs)];
    let dy = shape.rows(dy, out);
    kernels.dense_grad_input(team, dy, w, shape.rows_mut(&mut dx, inputs));
    let (mut dw, mut db) = (vec![seven; w.len()], vec![seven; bias.len()]);
    kernels.dense_grad_weights(team, x, dy, &mut dw);
    kernels.dense_grad_bias(dy, &mut db);
    vec![y, dx, dw, db]
}

/// A dense layer's backward pass with an update in it: the gradient of the input, the weights and
/// their moments.
fn dense_update<K: Kernels>(
    kernels: &K,
    team: &Team,
    shape: &Dense,
    (update, rectified): (Update, bool),
    [x, w, dy]: [&[K::Real]; 3],
) -> Vec<Vec<K::Real>>
where
    K::Real: From<i8>,
{
    let Dense { inputs, out, .. } = *shape;
    let mut dx = vec![K::Real::from(7); shape.len(inputs)];
    let square = || w.iter().map(|&w| w * w).collect::<Vec<_>>();
    let (mut m, mut v, mut third, mut average) = (square(), square(), square(), w.to_vec());
    let mut w = w.to_vec();
    let (x_rows, dy) = (shape.rows(x, inputs), shape.rows(dy, out));
    let to = Some(InputGradient { rows: shape.rows_mut(&mut dx, inputs), rectified });
    let moments = [&mut m[..], &mut v, &mut third, &mut average];
    assert!(kernels.dense_backward_update(team, x_rows, dy, to, update, &mut w, moments).finite);
    if rectified {
        // What nobody reads.
        let unread = |(_, x): &(&mut K::Real, &K::Real)| **x == K::Real::from(0);
        dx.iter_mut().zip(x).filter(unread).for_each(|(dx, _)| *dx = K::Real::from(0));
    }
    vec![dx, w, m, v, third, average]
}

#[test]
fn dense_layers() {
    let teams = [1, 2, 3, 8].map(Team::new);
    each_case(150, |fast, random| {
        let shape = Dense::random(random);
        let Dense { n, inputs, out, gap } = shape;
        let bias = if random.size(0, 4) == 0 { 0 } else { out };
        let mut data =
            [shape.len(inputs), inputs * out, bias, shape.len(out)].map(|n| random.normal(n));
        // Zeros in none, half or most of the inputs, or all of them: those may be skipped.
        let zeros = random.pick(&[0, 0, 5, 9, 10]);
        data[0].iter_mut().for_each(|x| *x *= f64::from(u8::from(random.size(1, 10) > zeros)));
        let narrow = data.each_ref().map(|x| narrow(x));
        let expected = dense(&EXACT, &teams[0], &shape, data.each_ref().map(|x| &x[..]));
        let all = teams
            .each_ref()
            .map(|team| dense(&fast, team, &shape, narrow.each_ref().map(|x| &x[..])));
        let what = format!("{n} x {inputs} -> {out}, gap {gap}");
        for (name, (got, expected)) in
            ["y", "dx", "dw", "db"].into_iter().zip(all[0].iter().zip(expected))
        {
            assert_close(format_args!("{name} of {what}"), got, &expected, 3e-6);
        }
        assert!(all.iter().all(|same| *same == all[0]), "{what}");

        // A direction that is almost zero has another sign after rounding.
        let update = loop {
            match any_update(random) {
                Update { rule: Rule::Lion(_), .. } => {}
                update => break update,
            }
        };
        let rule = (update, random.pick(&[false, true]));
        let expected =
            dense_update(&EXACT, &teams[0], &shape, rule, [&data[0], &data[1], &data[3]]);
        let data = [&narrow[0][..], &narrow[1], &narrow[3]];
        let all = teams.each_ref().map(|team| dense_update(&fast, team, &shape, rule, data));
        for (got, expected) in all[0].iter().zip(expected) {
            assert_close(format_args!("{rule:?} in {what}"), got, &expected, 3e-6);
        }
        assert!(all.iter().all(|same| *same == all[0]), "{rule:?} in {what}");
    });
}

#[test]
fn weights_that_are_not_finite_are_reported() {
    let team = &Team::new(2);
    each_case(1, |fast, random| {
        let (n, inputs, out) = (3, 200, 20);
        let x = narrow(&random.normal(n * inputs));
        let dy = narrow(&random.normal(n * out));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0] {
            let mut w = narrow(&random.normal(inputs * out));
            w[inputs * out - 7] = bad;
            let [x, dy] = [Rows::new(&x, n, inputs, 0..inputs), Rows::new(&dy, n, out, 0..out)];
            for rule in [Rule::Sgd(SgdStep::plain(0.1)), Rule::Adam(ADAM)] {
                let (update, mut w) = (Update::from(rule), w.clone());
                let (mut m, mut v) = (vec![0.0; w.len()], vec![0.0; w.len()]);
                let moments = [&mut m[..], &mut v, &mut [], &mut []];
                let finite =
                    fast.dense_backward_update(team, x, dy, None, update, &mut w, moments).finite;
                assert_eq!(finite, bad.is_finite());
                let g = w.clone();
                let moments = [&mut m[..], &mut v, &mut [], &mut []];
                assert_eq!(fast.update(team, update, &mut w, &g, moments), finite);
            }
        }
    });
}

#[test]
fn nothing_is_not_a_number_in_a_dense_layer_without_a_reason() {
    let team = &Team::new(2);
    each_case(1, |fast, random| {
        let (n, inputs, out) = (7, 40, 20);
        let mut x = narrow(&random.normal(n * inputs));
        (x[3 * inputs + 5], x[5 * inputs]) = (f32::NAN, f32::INFINITY);
        let w = narrow(&random.normal(inputs * out));
        let mut y = vec![0.0; n * out];
        let rows = Rows::new(&x, n, inputs, 0..inputs);
        let to = RowsMut::new(&mut y, n, out, 0..out);
        fast.dense_forward(team, rows, &w, &[], true, to);
        for (i, row) in y.chunks_exact(out).enumerate() {
            assert_eq!(row.iter().all(|y| y.is_nan()), i == 3);
            assert_eq!(row.iter().all(|y| y.is_finite()), i != 3 && i != 5);
        }
    });
}
