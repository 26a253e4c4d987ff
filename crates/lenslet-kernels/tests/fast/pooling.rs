//! Pooling.

use lenslet_kernels::{Fast, Kernels, Pool2dShape, Reference};

use crate::common::compare::assert_close;
use crate::common::narrow;
use crate::{EXACT, each_case};

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
        assert_close(format_args!("{shape:?}"), &y, &expected, 0.0);
        assert_eq!(argmax, index, "{shape:?}");

        let dy = random.normal(n);
        let (mut expected, mut dx) = (vec![0.0; x.len()], vec![7.0; x.len()]);
        EXACT.max_pool_backward(&dy, &index, &mut expected);
        fast.max_pool_backward(&narrow(&dy), &index, &mut dx);
        assert_close(format_args!("{shape:?}"), &dx, &expected, 1e-6);
    });
}

#[test]
fn average_and_sum_pool() {
    type Kernel<K, R> = fn(&K, &Pool2dShape, &[R], &mut [R]);
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
            assert_close(format_args!("{shape:?}"), &y, &expected, 1e-6);
        }
        for (kernel, exact) in backward {
            let dy = random.normal(shape.output_len());
            let mut expected = vec![0.0; shape.input_len()];
            exact(&EXACT, &shape, &dy, &mut expected);
            let mut dx = vec![7.0; expected.len()];
            kernel(&fast, &shape, &narrow(&dy), &mut dx);
            assert_close(format_args!("{shape:?}"), &dx, &expected, 1e-6);
        }
    });
}
