//! Every backward kernel of the reference is the derivative of its forward kernel.

mod common;

use common::{Random, cases::ACTIVATIONS, dot};
use lenslet_kernels::{Conv2dKernel, Kernels, Reference, Rows, RowsMut, Team};

const K: Reference<f64> = Reference::new();
const SHAPES: u64 = 25;

/// Compares `gradient` with central differences of `loss` around `x`, element by element.
fn check(what: &str, x: &[f64], gradient: &[f64], loss: impl Fn(&[f64]) -> f64) {
    const STEP: f64 = 1e-6;
    let mut x = x.to_vec();
    assert_eq!(x.len(), gradient.len());
    for i in 0..x.len() {
        let at = x[i];
        x[i] = at + STEP;
        let above = loss(&x);
        x[i] = at - STEP;
        let below = loss(&x);
        x[i] = at;
        let expected = (above - below) / (2.0 * STEP);
        let error = (gradient[i] - expected).abs();
        assert!(
            error <= 1e-5 + 1e-3 * expected.abs(),
            "{what}: element {i} is {} but changes by {expected}",
            gradient[i]
        );
    }
}

fn each_shape(seed: u64, test: impl Fn(&Random)) {
    (0..SHAPES).for_each(|i| test(&Random::new(seed * 1000 + i)));
}

#[test]
fn convolution() {
    each_shape(1, |random| {
        let shape = random.conv(8, 4);
        let conv = K.conv2d(shape);
        let x = random.normal(shape.input_len());
        let w = random.normal(shape.weights_len());
        let bias = random.normal(shape.out_channels);
        let dy = random.normal(shape.output_len());
        let loss = |x: &[f64], w: &[f64], bias: &[f64]| {
            let mut y = vec![f64::NAN; shape.output_len()];
            conv.forward(x, w, bias, &mut y, &mut []);
            dot(&y, &dy)
        };
        let mut dx = vec![f64::NAN; x.len()];
        conv.grad_input(&dy, &w, &mut dx, &mut []);
        check(&format!("dx {shape:?}"), &x, &dx, |x| loss(x, &w, &bias));
        let (mut dw, mut db) = (vec![0.0; w.len()], vec![0.0; bias.len()]);
        conv.grad_weights(&x, &dy, &mut dw, &mut db, &mut []);
        check(&format!("dw {shape:?}"), &w, &dw, |w| loss(&x, w, &bias));
        check(&format!("db {shape:?}"), &bias, &db, |bias| loss(&x, &w, bias));
    });
}

#[test]
fn max_pool() {
    each_shape(2, |random| {
        let shape = random.pool(8, 4);
        let (x, dy) = (random.normal(shape.input_len()), random.normal(shape.output_len()));
        let forward = |x: &[f64]| {
            let (mut y, mut argmax) = (vec![f64::NAN; dy.len()], vec![0; dy.len()]);
            K.max_pool_forward(&shape, x, &mut y, &mut argmax);
            (y, argmax)
        };
        let mut dx = vec![f64::NAN; x.len()];
        K.max_pool_backward(&dy, &forward(&x).1, &mut dx);
        check(&format!("{shape:?}"), &x, &dx, |x| dot(&forward(x).0, &dy));
    });
}

#[test]
fn average_and_sum_pool() {
    each_shape(3, |random| {
        let shape = random.pool(8, 4);
        let (x, dy) = (random.normal(shape.input_len()), random.normal(shape.output_len()));
        let mut dx = vec![f64::NAN; x.len()];
        K.average_pool_backward(&shape, &dy, &mut dx);
        check(&format!("average {shape:?}"), &x, &dx, |x| {
            let mut y = vec![f64::NAN; dy.len()];
            K.average_pool_forward(&shape, x, &mut y);
            dot(&y, &dy)
        });
        K.sum_pool_backward(&shape, &dy, &mut dx);
        check(&format!("sum {shape:?}"), &x, &dx, |x| {
            let mut y = vec![f64::NAN; dy.len()];
            K.sum_pool_forward(&shape, x, &mut y);
            dot(&y, &dy)
        });
    });
}

#[test]
fn activations() {
    each_shape(4, |random| {
        // Not where some of them have a corner.
        let mut x = random.normal(random.size(1, 50));
        x.iter_mut().for_each(|x| *x = 2.0 * *x + 1e-4 * x.signum());
        let dy = random.normal(x.len());
        for f in ACTIVATIONS {
            let forward = |x: &[f64]| {
                let mut y = x.to_vec();
                K.activate(f, &mut y);
                y
            };
            let mut dx = dy.clone();
            if f.needs_input() {
                K.activate_backward_from_input(f, &x, &mut dx);
            } else {
                K.activate_backward(f, &forward(&x), &mut dx);
            }
            check(&format!("{f:?}"), &x, &dx, |x| dot(&forward(x), &dy));
        }
    });
}

#[test]
fn maxout() {
    each_shape(5, |random| {
        let (rows, pieces, units) = (random.size(1, 4), random.size(1, 5), random.size(1, 9));
        let (z, dy) = (random.normal(rows * pieces * units), random.normal(rows * units));
        let forward = |z: &[f64]| {
            let (mut y, mut argmax) = (vec![f64::NAN; dy.len()], vec![0; dy.len()]);
            K.max_pieces_forward(pieces, units, z, &mut y, &mut argmax);
            (y, argmax)
        };
        let mut dz = vec![f64::NAN; z.len()];
        K.max_pieces_backward(pieces, units, &dy, &forward(&z).1, &mut dz);
        check("maxout", &z, &dz, |z| dot(&forward(z).0, &dy));
    });
}

#[test]
fn softmax() {
    each_shape(6, |random| {
        let (rows, classes) = (random.size(1, 4), random.size(1, 12));
        let (x, dy) = (random.normal(rows * classes), random.normal(rows * classes));
        let forward = |x: &[f64]| {
            let mut y = x.to_vec();
            K.softmax(classes, &mut y);
            y
        };
        let mut dx = dy.clone();
        K.softmax_backward(classes, &forward(&x), &mut dx);
        check("softmax", &x, &dx, |x| dot(&forward(x), &dy));
    });
}

#[test]
fn softmax_cross_entropy() {
    each_shape(7, |random| {
        let z = random.normal(random.size(1, 12));
        let (label, scale) = (random.size(0, z.len() - 1), 0.25);
        let forward = |z: &[f64]| {
            let mut p = z.to_vec();
            (K.softmax_cross_entropy(&mut p, label), p)
        };
        let mut dz = vec![f64::NAN; z.len()];
        K.softmax_cross_entropy_backward(&forward(&z).1, label, scale, &mut dz);
        check("cross-entropy", &z, &dz, |z| scale * forward(z).0);
    });
}

#[test]
fn dense() {
    let team = &Team::new(1);
    each_shape(8, |random| {
        let (n, width, out) = (random.size(1, 4), random.size(1, 9), random.size(1, 9));
        let (x, w) = (random.normal(n * width), random.normal(width * out));
        let (bias, dy) = (random.normal(out), random.normal(n * out));
        let loss = |x: &[f64], w: &[f64], bias: &[f64]| {
            let mut y = vec![f64::NAN; n * out];
            let rows = Rows::new(x, n, width, 0..width);
            K.dense_forward(team, rows, w, bias, true, RowsMut::new(&mut y, n, out, 0..out));
            dot(&y, &dy)
        };
        let dy_rows = Rows::new(&dy, n, out, 0..out);
        let mut dx = vec![f64::NAN; x.len()];
        K.dense_grad_input(team, dy_rows, &w, RowsMut::new(&mut dx, n, width, 0..width));
        check("dx", &x, &dx, |x| loss(x, &w, &bias));
        let (mut dw, mut db) = (vec![f64::NAN; w.len()], vec![f64::NAN; out]);
        K.dense_grad_weights(team, Rows::new(&x, n, width, 0..width), dy_rows, &mut dw);
        K.dense_grad_bias(dy_rows, &mut db);
        check("dw", &w, &dw, |w| loss(&x, w, &bias));
        check("db", &bias, &db, |bias| loss(&x, &w, bias));
    });
}
