//! Softmax and the losses.

use lenslet_kernels::{Kernels, Target};

use crate::common::compare::assert_close;
use crate::common::{Random, cases, narrow};
use crate::{EXACT, each_case, wild};

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
        assert_close("softmax", &y, &expected, 1e-6);

        let y: Vec<f64> = y.into_iter().map(f64::from).collect();
        let dy = random.normal(rows * classes);
        let (mut got, mut expected) = (narrow(&dy), dy);
        fast.softmax_backward(classes, &narrow(&y), &mut got);
        EXACT.softmax_backward(classes, &y, &mut expected);
        assert_close("softmax", &got, &expected, 1e-5);

        let label = random.size(0, classes - 1);
        let (mut p, mut expected) = (narrow(&x[..classes]), x[..classes].to_vec());
        let loss = fast.softmax_cross_entropy(&mut p, label);
        let exact = EXACT.softmax_cross_entropy(&mut expected, label);
        assert_close("loss", &[loss], &[exact], 1e-5);
        assert_close("probabilities", &p, &expected, 1e-6);

        let mut dz = vec![7.0; classes];
        fast.softmax_cross_entropy_backward(&p, label, 0.25, &mut dz);
        EXACT.softmax_cross_entropy_backward(&expected.clone(), label, 0.25, &mut expected);
        assert_close("gradient", &dz, &expected, 1e-6);
    });
}

/// Numbers between 0.01 and 0.99.
fn shares(random: &Random, n: usize) -> Vec<f64> {
    let shares = random.normal(n).into_iter().map(|x| x.abs().clamp(0.01, 0.99));
    shares.map(|x| f64::from(x as f32)).collect()
}

#[test]
fn losses() {
    each_case(40, |fast, random| {
        let classes = random.size(1, 50);
        let targets = narrow(&shares(random, classes));
        let label = random.size(0, classes - 1);
        for loss in cases::losses() {
            let y = if loss.from_logits { random.normal(classes) } else { shares(random, classes) };
            for target in [Target::Class(label), Target::Numbers(&targets)] {
                let (mut got, mut expected) = (narrow(&y), y.clone());
                let value = fast.loss(loss, &mut got, target);
                let exact = EXACT.loss(loss, &mut expected, target);
                assert_close(format_args!("{loss:?}"), &[value], &[exact], 1e-5);
                assert_close(format_args!("outputs of {loss:?}"), &got, &expected, 1e-6);

                let (mut dy, mut exact) = (vec![7.0; classes], vec![7.0; classes]);
                fast.loss_backward(loss, &got, target, 0.25, &mut dy);
                EXACT.loss_backward(loss, &expected, target, 0.25, &mut exact);
                assert_close(format_args!("gradient of {loss:?}"), &dy, &exact, 1e-5);
            }
        }
    });
}
