//! Every fast kernel computes what the reference does in `f64`, on every instruction set of this
//! CPU, and the same bits for any number of threads.

mod common;

use common::cases::{self, ADAM, RULES};
use common::{Random, isas, narrow};
use lenslet_kernels::{
    Activation, AdamStep, DepthwiseShape, Fast, InputGradient, Kernels, LambStep, Reference, Rows,
    RowsMut, Rule, SgdStep, Stream, Team, Update,
};

const EXACT: Reference<f64> = Reference::new();
/// Runs `test` with every instruction set and `cases` sources of random numbers.
fn each_case(cases: u64, test: impl Fn(Fast, &Random)) {
    for isa in isas() {
        (0..cases).for_each(|seed| test(Fast::new(isa), &Random::new(seed)));
    }
}

/// Compares with a tolerance relative to the largest value: sums cancel.
#[track_caller]
fn close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.1, |a: f64, b| a.max(b.abs()));
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let same = f64::from(got) == expected || got.is_nan() && expected.is_nan();
        let error = (f64::from(got) - expected).abs();
        assert!(same || error <= tolerance * largest, "{what}: [{i}] is {got}, not {expected}");
    }
}

/// Numbers with a few infinities and NaN among them.
fn wild(random: &Random, n: usize) -> Vec<f64> {
    let mut x = random.normal(n);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0] {
        let i = random.size(0, n - 1);
        x[i] = value;
    }
    x
}

#[test]
fn bytes_are_loaded() {
    each_case(50, |fast, random| {
        let x: Vec<u8> = (0..random.size(0, 200)).map(|_| random.size(0, 255) as u8).collect();
        let mut y = vec![f32::NAN; x.len()];
        fast.load_bytes(&x, 1.0 / 255.0, &mut y);
        let scale = 1.0f32 / 255.0;
        assert!(x.iter().zip(y).all(|(&x, y)| f32::from(x) * scale == y));
    });
}

#[test]
fn max_pool() {
    each_case(300, |fast, random| {
        let shape = random.pool(12, 40);
        let mut x = random.normal(shape.input_len());
        if random.size(0, 1) == 1 {
            // Many equal values, and some that are not numbers.
            x.iter_mut().for_each(|x| *x = x.round());
            let i = random.size(0, x.len() - 1);
            x[i] = f64::NAN;
        }
        let n = shape.output_len();
        let (mut expected, mut index) = (vec![0.0; n], vec![0; n]);
        EXACT.max_pool_forward(&shape, &x, &mut expected, &mut index);
        let (mut y, mut argmax) = (vec![7.0; n], vec![7; n]);
        fast.max_pool_forward(&shape, &narrow(&x), &mut y, &mut argmax);
        close(&format!("{shape:?}"), &y, &expected, 0.0);
        assert_eq!(argmax, index, "{shape:?}");

        let dy = random.normal(n);
        let (mut expected, mut dx) = (vec![0.0; x.len()], vec![7.0; x.len()]);
        EXACT.max_pool_backward(&dy, &index, &mut expected);
        fast.max_pool_backward(&narrow(&dy), &index, &mut dx);
        close(&format!("{shape:?}"), &dx, &expected, 1e-6);
    });
}

#[test]
fn average_and_sum_pool() {
    type Kernel<K, R> = fn(&K, &lenslet_kernels::Pool2dShape, &[R], &mut [R]);
    type Pair = (Kernel<Fast, f32>, Kernel<Reference<f64>, f64>);
    let forward: [Pair; 2] = [
        (Fast::average_pool_forward, Reference::average_pool_forward),
        (Fast::sum_pool_forward, Reference::sum_pool_forward),
    ];
    let backward: [Pair; 2] = [
        (Fast::average_pool_backward, Reference::average_pool_backward),
        (Fast::sum_pool_backward, Reference::sum_pool_backward),
    ];
    each_case(300, |fast, random| {
        let shape = random.pool(12, 40);
        for (kernel, exact) in forward {
            let x = random.normal(shape.input_len());
            let mut expected = vec![0.0; shape.output_len()];
            exact(&EXACT, &shape, &x, &mut expected);
            let mut y = vec![7.0; expected.len()];
            kernel(&fast, &shape, &narrow(&x), &mut y);
            close(&format!("{shape:?}"), &y, &expected, 1e-6);
        }
        for (kernel, exact) in backward {
            let dy = random.normal(shape.output_len());
            let mut expected = vec![0.0; shape.input_len()];
            exact(&EXACT, &shape, &dy, &mut expected);
            let mut dx = vec![7.0; expected.len()];
            kernel(&fast, &shape, &narrow(&dy), &mut dx);
            close(&format!("{shape:?}"), &dx, &expected, 1e-6);
        }
    });
}

#[test]
fn activations() {
    each_case(100, |fast, random| {
        let n = random.size(1, 100);
        let mut x = wild(random, n);
        x.iter_mut().for_each(|x| *x *= 4.0);
        for f in cases::activations(false) {
            let (mut y, mut expected) = (narrow(&x), x.clone());
            fast.activate(f, &mut y);
            EXACT.activate(f, &mut expected);
            close(&format!("{f:?}"), &y, &expected, 1e-6);

            let y: Vec<f64> = y.into_iter().map(f64::from).collect();
            // SELU's limit is no number of any precision: times infinity it is anything.
            let selu = f == Activation::Selu;
            let dy = if selu { random.normal(n) } else { wild(random, n) };
            let (mut got, mut expected) = (narrow(&dy), dy);
            fast.activate_backward(f, &narrow(&y), &mut got);
            EXACT.activate_backward(f, &y, &mut expected);
            close(&format!("{f:?}"), &got, &expected, 1e-6);
        }
    });
}

#[test]
fn activations_that_need_their_input() {
    each_case(100, |fast, random| {
        let n = random.size(1, 100);
        let mut x = random.normal(n);
        x.iter_mut().for_each(|x| *x *= 8.0);
        for f in cases::activations(true) {
            let (mut y, mut expected) = (narrow(&x), x.clone());
            fast.activate(f, &mut y);
            EXACT.activate(f, &mut expected);
            close(&format!("{f:?}"), &y, &expected, 1e-6);

            let dy = random.normal(n);
            let (mut got, mut expected) = (narrow(&dy), dy);
            fast.activate_backward_from_input(f, &narrow(&x), &mut got);
            EXACT.activate_backward_from_input(f, &x, &mut expected);
            close(&format!("{f:?}"), &got, &expected, 2e-6);
        }
    });
}

#[test]
fn sums_and_products() {
    each_case(50, |fast, random| {
        let n = random.size(0, 100);
        let (x, y) = (random.normal(n), random.normal(n));
        let (mut sum, mut product) = (narrow(&y), narrow(&y));
        fast.add(&narrow(&x), &mut sum);
        fast.multiply(&narrow(&x), &mut product);
        for i in 0..n {
            assert_eq!((sum[i], product[i]), ((y[i] + x[i]) as f32, (y[i] * x[i]) as f32));
        }
    });
}

#[test]
fn channels_are_normalised() {
    each_case(200, |fast, random| {
        let (channels, pixels) = (random.size(1, 50), random.size(1, 40));
        let n = channels * pixels;
        let mut x = random.normal(n);
        // Far from zero, where a sum of squares would lose everything.
        x.iter_mut().for_each(|x| *x = f64::from((*x + 100.0) as f32));
        let (dy, narrow_x) = (random.normal(n), narrow(&x));
        let rows = || vec![7.0; channels];
        let (mut mean, mut m2, mut got_mean, mut got_m2) =
            (vec![7.0; channels], rows(), vec![7.0; channels], vec![7.0; channels]);
        EXACT.channel_moments(&x, &mut mean, &mut m2);
        fast.channel_moments(&narrow_x, &mut got_mean, &mut got_m2);
        close("mean", &got_mean, &mean, 1e-6);
        close("squares", &got_m2, &m2, 1e-4);
        mean.iter_mut().for_each(|mean| *mean = f64::from(*mean as f32));

        let (mut sum, mut sum_x, mut got, mut got_x) =
            (rows(), rows(), vec![7.0; channels], vec![7.0; channels]);
        EXACT.channel_sums(&mean, &x, &dy, &mut sum, &mut sum_x);
        fast.channel_sums(&narrow(&mean), &narrow_x, &narrow(&dy), &mut got, &mut got_x);
        close("sum", &got, &sum, 1e-5);
        close("sum with x", &got_x, &sum_x, 1e-4);

        let [a, b, c] = [(); 3].map(|()| random.normal(channels));
        let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
        EXACT.scale_shift(&a, &b, &x, &mut y);
        fast.scale_shift(&narrow(&a), &narrow(&b), &narrow_x, &mut got);
        close("scaled", &got, &y, 1e-6);
        let mut in_place = narrow_x.clone();
        fast.scale_shift(&narrow(&a), &narrow(&b), &[], &mut in_place);
        assert_eq!(in_place, got);

        EXACT.normalize_backward(&mean, [&a, &b, &c], &x, &dy, &mut y);
        let [a, b, c] = [a, b, c].map(|v| narrow(&v));
        fast.normalize_backward(&narrow(&mean), [&a, &b, &c], &narrow_x, &narrow(&dy), &mut got);
        close("gradient", &got, &y, 1e-5);
    });
}

#[test]
fn layers_are_normalised() {
    each_case(200, |fast, random| {
        let (channels, rows) = (random.size(1, 50), random.size(1, 8));
        let (x, dy) = (random.normal(channels * rows), random.normal(channels * rows));
        let [gamma, beta] = [(); 2].map(|()| random.normal(random.size(0, 1) * channels));
        let n = x.len();
        let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
        EXACT.layer_norm(channels, 0.1, [&gamma, &beta], &x, &mut y);
        let scales = [&narrow(&gamma)[..], &narrow(&beta)];
        fast.layer_norm(channels, 0.1, scales, &narrow(&x), &mut got);
        close("layer norm", &got, &y, 1e-5);

        let (mut dx, mut got) = (vec![7.0; n], vec![7.0; n]);
        let mut d = [&gamma, &beta].map(|of| random.normal(of.len()));
        let mut got_d = [narrow(&d[0]), narrow(&d[1])];
        let [a, b] = &mut d;
        EXACT.layer_norm_backward(channels, 0.1, &gamma, &x, (&dy, &mut dx), [a, b]);
        let [a, b] = &mut got_d;
        let (narrow_x, narrow_dy) = (narrow(&x), narrow(&dy));
        let gradients = (&narrow_dy[..], &mut got[..]);
        fast.layer_norm_backward(channels, 0.1, &narrow(&gamma), &narrow_x, gradients, [a, b]);
        close("layer norm's dx", &got, &dx, 1e-5);
        close("dgamma", &got_d[0], &d[0], 1e-5);
        close("dbeta", &got_d[1], &d[1], 1e-5);
    });
}

#[test]
fn slopes_are_learnt() {
    each_case(200, |fast, random| {
        let alpha = random.normal(random.size(1, 50));
        let n = alpha.len() * random.size(1, 8);
        let (x, dy) = (random.normal(n), random.normal(n));
        let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
        EXACT.p_re_lu(&alpha, &x, &mut y);
        fast.p_re_lu(&narrow(&alpha), &narrow(&x), &mut got);
        close("slopes", &got, &y, 1e-6);
        let mut dalpha = random.normal(alpha.len());
        let mut got_alpha = narrow(&dalpha);
        EXACT.p_re_lu_backward(&alpha, &x, &dy, &mut y, &mut dalpha);
        let (alpha, x, dy) = (narrow(&alpha), narrow(&x), narrow(&dy));
        fast.p_re_lu_backward(&alpha, &x, &dy, &mut got, &mut got_alpha);
        close("slopes' dx", &got, &y, 1e-6);
        close("dalpha", &got_alpha, &dalpha, 1e-5);
    });
}

#[test]
fn depthwise_convolution() {
    each_case(200, |fast, random| {
        let window = random.pool(12, 40);
        let shape = DepthwiseShape { window, multiplier: random.pick(&[1, 1, 1, 2, 3]) };
        let what = format!("{shape:?}");
        let (x, w) = (random.normal(window.input_len()), random.normal(shape.weights_len()));
        let bias = random.normal(if random.size(0, 1) == 0 { 0 } else { shape.out_channels() });
        let n = shape.output_len();
        let (mut y, mut got) = (vec![7.0; n], vec![7.0; n]);
        EXACT.depthwise_forward(&shape, &x, &w, &bias, &mut y);
        fast.depthwise_forward(&shape, &narrow(&x), &narrow(&w), &narrow(&bias), &mut got);
        close(&what, &got, &y, 1e-5);

        let dy = random.normal(n);
        let (mut dx, mut got) = (vec![7.0; x.len()], vec![7.0; x.len()]);
        EXACT.depthwise_grad_input(&shape, &dy, &w, &mut dx);
        fast.depthwise_grad_input(&shape, &narrow(&dy), &narrow(&w), &mut got);
        close(&what, &got, &dx, 1e-5);

        let (mut dw, mut db) = (random.normal(w.len()), random.normal(bias.len()));
        let (mut got_w, mut got_b) = (narrow(&dw), narrow(&db));
        EXACT.depthwise_grad_weights(&shape, &x, &dy, &mut dw, &mut db);
        fast.depthwise_grad_weights(&shape, &narrow(&x), &narrow(&dy), &mut got_w, &mut got_b);
        close(&what, &got_w, &dw, 1e-5);
        close(&what, &got_b, &db, 1e-5);
    });
}

#[test]
fn maxout() {
    each_case(200, |fast, random| {
        let (rows, pieces, units) = (random.size(1, 5), random.size(1, 6), random.size(1, 70));
        let z = wild(random, rows * pieces * units);
        let n = rows * units;
        let (mut expected, mut index) = (vec![0.0; n], vec![0; n]);
        EXACT.max_pieces_forward(pieces, units, &z, &mut expected, &mut index);
        let (mut y, mut argmax) = (vec![7.0; n], vec![7; n]);
        fast.max_pieces_forward(pieces, units, &narrow(&z), &mut y, &mut argmax);
        close("maxout", &y, &expected, 0.0);
        assert_eq!(argmax, index);

        let dy = random.normal(n);
        let (mut expected, mut dz) = (vec![0.0; z.len()], vec![7.0; z.len()]);
        EXACT.max_pieces_backward(pieces, units, &dy, &index, &mut expected);
        fast.max_pieces_backward(pieces, units, &narrow(&dy), &index, &mut dz);
        close("maxout", &dz, &expected, 0.0);
    });
}

#[test]
fn softmax() {
    each_case(200, |fast, random| {
        let (rows, classes) = (random.size(1, 5), random.size(1, 120));
        let mut x = random.normal(rows * classes);
        x.iter_mut().for_each(|x| *x *= 10.0);
        if random.size(0, 3) == 0 {
            x = wild(random, rows * classes);
        }
        let (mut y, mut expected) = (narrow(&x), x.clone());
        fast.softmax(classes, &mut y);
        EXACT.softmax(classes, &mut expected);
        close("softmax", &y, &expected, 1e-6);

        let y: Vec<f64> = y.into_iter().map(f64::from).collect();
        let dy = random.normal(rows * classes);
        let (mut got, mut expected) = (narrow(&dy), dy);
        fast.softmax_backward(classes, &narrow(&y), &mut got);
        EXACT.softmax_backward(classes, &y, &mut expected);
        close("softmax", &got, &expected, 1e-5);

        let label = random.size(0, classes - 1);
        let (mut p, mut expected) = (narrow(&x[..classes]), x[..classes].to_vec());
        let loss = fast.softmax_cross_entropy(&mut p, label);
        let exact = EXACT.softmax_cross_entropy(&mut expected, label);
        close("loss", &[loss], &[exact], 1e-5);
        close("probabilities", &p, &expected, 1e-6);

        let mut dz = vec![7.0; classes];
        fast.softmax_cross_entropy_backward(&p, label, 0.25, &mut dz);
        EXACT.softmax_cross_entropy_backward(&expected.clone(), label, 0.25, &mut expected);
        close("gradient", &dz, &expected, 1e-6);
    });
}

#[test]
fn dropout_draws_the_same_numbers() {
    let single = Reference::<f32>::new();
    each_case(200, |fast, random| {
        let x = narrow(&random.normal(random.size(0, 300)));
        let stream = Stream::new(random.size(0, 1 << 31) as u64 * 5, 3, 5);
        // Also where the number of the block overflows into its second word.
        let first = random.pick(&[0, 4, 64, (1u64 << 34) - 40]);
        let rate = random.pick(&[0.0, 1e-12, 0.25, 0.5, 0.9, 1.0 - f64::EPSILON / 2.0]);
        let (mut got, mut expected) = (x.clone(), x);
        fast.dropout(stream, first, rate, &mut got);
        single.dropout(stream, first, rate, &mut expected);
        assert_eq!(got, expected, "first {first}, rate {rate}");
    });
}

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

/// A rule, half of the times with something around it.
fn any_update(random: &Random) -> Update {
    let plain = Update::from(random.pick(&RULES));
    if random.size(0, 1) == 0 {
        return plain;
    }
    Update {
        scale: random.pick(&[1.0, 0.5]),
        clip: random.pick(&[f64::INFINITY, 0.3]),
        decay: random.pick(&[0.0, 0.01]),
        average: random.pick(&[None, Some(0.0), Some(0.9)]),
        ..plain
    }
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
            close(&format!("{name} of {what}"), got, &expected, 3e-6);
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
            close(&format!("{rule:?} in {what}"), got, &expected, 3e-6);
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

#[test]
fn sum_of_parts() {
    let teams = [1, 2, 3, 8].map(Team::new);
    let single = Reference::<f32>::new();
    each_case(100, |fast, random| {
        let (count, len) = (random.size(0, 40), random.pick(&[1, 5, 64, 1023, 1025, 3000]));
        let parts = narrow(&random.normal(count * len));
        let mut expected = vec![7.0; len];
        single.sum_parts(&teams[0], &mut parts.clone(), &mut expected);
        for team in &teams {
            let mut out = vec![7.0; len];
            fast.sum_parts(team, &mut parts.clone(), &mut out);
            assert_eq!(out, expected, "{count} parts of {len}");
        }
    });
}

#[test]
fn updates() {
    let teams = [1, 2, 3, 8].map(Team::new);
    each_case(60, |fast, random| {
        let n = random.pick(&[0, 1, 9, 100, 511, 513, 16_385, 50_000]);
        let update = any_update(random);
        let g = random.normal(n);
        let mut exact = [(); 5].map(|()| random.normal(n));
        // Of squares are: the second moment of most rules, the first of some, AMSGrad's third.
        for squares in &mut exact[1..4] {
            squares.iter_mut().for_each(|x| *x = f64::from((*x * *x) as f32));
        }
        let start = exact.each_ref().map(|x| narrow(x));
        let [p, moments @ ..] = exact.each_mut().map(|x| &mut x[..]);
        EXACT.update(&teams[0], update, p, &g, moments);
        let results = teams.each_ref().map(|team| {
            let mut numbers = start.clone();
            let [p, moments @ ..] = numbers.each_mut().map(|x| &mut x[..]);
            fast.update(team, update, p, &narrow(&g), moments);
            numbers
        });
        for (got, expected) in results[0].iter().zip(&exact) {
            close(&format!("{update:?}"), got, expected, 3e-6);
        }
        assert!(results.iter().all(|same| *same == results[0]), "{update:?}");
    });
}

#[test]
fn directions_of_lamb() {
    let teams = [1, 3].map(Team::new);
    let step = LambStep { by_m: 10.0, by_v: 1000.0, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
    each_case(10, |fast, random| {
        let n = random.pick(&[0, 1, 100, 16_385]);
        let mut exact = [(); 3].map(|()| random.normal(n));
        exact[2].iter_mut().for_each(|v| *v *= *v);
        let start = exact.each_ref().map(|x| narrow(x));
        let [g, m, v] = &mut exact;
        EXACT.lamb_direction(&teams[0], step, g, m, v);
        let results = teams.each_ref().map(|team| {
            let mut numbers = start.clone();
            let [g, m, v] = &mut numbers;
            fast.lamb_direction(team, step, g, m, v);
            numbers
        });
        for (got, expected) in results[0].iter().zip(&exact) {
            close("direction, m, v", got, expected, 3e-6);
        }
        assert!(results[0] == results[1]);
    });
}

#[test]
fn norms_and_sums_of_gradients() {
    let teams = [1, 3].map(Team::new);
    each_case(20, |fast, random| {
        let n = random.pick(&[0, 1, 15, 1023, 1025, 100_000]);
        let (x, y) = (random.normal(n), random.normal(n));
        let (x32, y32) = (narrow(&x), narrow(&y));
        let expected = EXACT.sum_of_squares(&teams[0], &x);
        let squares = teams.each_ref().map(|team| fast.sum_of_squares(team, &x32));
        assert!((squares[0] - expected).abs() <= 1e-6 * expected, "{squares:?} {expected}");
        assert_eq!(squares[0].to_bits(), squares[1].to_bits());
        let (a, b) = random.pick(&[(1.0, 1.0), (0.25, -3.0), (2.0, 0.0)]);
        let mut sum = y.clone();
        EXACT.combine(&teams[0], a, &x, b, &mut sum);
        let mut sum32 = if b == 0.0 { vec![f32::NAN; n] } else { y32 };
        fast.combine(&teams[1], a, &x32, b, &mut sum32);
        close("sum", &sum32, &sum, 1e-6);
        let (mut limited, mut limited32) = (x, x32);
        EXACT.limit(&teams[0], 0.5, 0.3, &mut limited);
        fast.limit(&teams[1], 0.5, 0.3, &mut limited32);
        close("limited", &limited32, &limited, 1e-6);
    });
}

#[test]
fn adam_flushes_denormal_second_moments_only() {
    let update = Update::from(Rule::Adam(AdamStep { beta_2: 0.5, ..ADAM }));
    each_case(1, |fast, _| {
        let (mut p, mut m) = ([1.0; 3], [0.0; 3]);
        let mut v = [f32::MIN_POSITIVE, 4.0 * f32::MIN_POSITIVE, f32::NAN];
        let moments = [&mut m[..], &mut v, &mut [], &mut []];
        fast.update(&Team::new(1), update, &mut p, &[0.0; 3], moments);
        assert_eq!(v[..2], [0.0, 2.0 * f32::MIN_POSITIVE]);
        assert!(v[2].is_nan() && p[2].is_nan());
    });
}
