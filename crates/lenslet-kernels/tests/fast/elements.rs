//! Kernels that go over elements, whatever these are.

use lenslet_kernels::{Kernels, Reference, Stream, Team};

use crate::common::narrow;
use crate::each_case;

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
