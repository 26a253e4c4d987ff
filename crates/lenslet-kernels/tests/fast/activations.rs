//! Activation functions among other numbers; how exact they are is `accuracy`'s.

use lenslet_kernels::{Activation, Kernels};

use crate::common::compare::assert_close;
use crate::common::{cases, narrow};
use crate::{EXACT, each_case, wild};

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
            assert_close(format_args!("{f:?}"), &y, &expected, 1e-6);

            let y: Vec<f64> = y.into_iter().map(f64::from).collect();
            // SELU's limit is no number of any precision: times infinity it is anything.
            let selu = f == Activation::Selu;
            let dy = if selu { random.normal(n) } else { wild(random, n) };
            let (mut got, mut expected) = (narrow(&dy), dy);
            fast.activate_backward(f, &narrow(&y), &mut got);
            EXACT.activate_backward(f, &y, &mut expected);
            assert_close(format_args!("{f:?}"), &got, &expected, 1e-6);
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
            assert_close(format_args!("{f:?}"), &y, &expected, 1e-6);

            let dy = random.normal(n);
            let (mut got, mut expected) = (narrow(&dy), dy);
            fast.activate_backward_from_input(f, &narrow(&x), &mut got);
            EXACT.activate_backward_from_input(f, &x, &mut expected);
            assert_close(format_args!("{f:?}"), &got, &expected, 2e-6);
        }
    });
}
