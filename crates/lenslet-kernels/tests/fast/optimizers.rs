//! What changes parameters, and what is done to gradients before.

use lenslet_kernels::{AdamStep, Kernels, LambStep, Rule, Team, Update};

use crate::common::cases::{ADAM, RULES};
use crate::common::compare::assert_close;
use crate::common::{Random, narrow};
use crate::{EXACT, each_case};

/// A rule, half of the times with something around it.
pub(crate) fn any_update(random: &Random) -> Update {
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
            assert_close(format_args!("{update:?}"), got, expected, 3e-6);
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
            assert_close("direction, m, v", got, expected, 3e-6);
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
        assert_close("sum", &sum32, &sum, 1e-6);
        let (mut limited, mut limited32) = (x, x32);
        EXACT.limit(&teams[0], 0.5, 0.3, &mut limited);
        fast.limit(&teams[1], 0.5, 0.3, &mut limited32);
        assert_close("limited", &limited32, &limited, 1e-6);
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
