//! Kernels that go over elements, whatever these are.

use lenslet_kernels::{Kernels, Stream};

use crate::common::cases;
use crate::guarded::Guarded;
use crate::{Bench, each_kernel};

#[test]
fn bytes() {
    each_kernel(|fast, bench| {
        for n in Bench::LENGTHS {
            let bytes: Vec<u8> = (0..n).map(|i| i as u8).collect();
            let mut y = bench.nothing(n);
            fast.load_bytes(&Guarded::new(bench.guard, &bytes), 1.0 / 255.0, &mut y);
            bench.keep(&y);
        }
    });
}

#[test]
fn activations() {
    each_kernel(|fast, bench| {
        for (n, from_input) in Bench::LENGTHS.into_iter().flat_map(|n| [(n, false), (n, true)]) {
            for f in cases::activations(from_input) {
                let (x, mut dy) = (bench.numbers(n), bench.numbers(n));
                let mut y = Guarded::new(bench.guard, &x);
                fast.activate(f, &mut y);
                if from_input {
                    fast.activate_backward_from_input(f, &x, &mut dy);
                } else {
                    fast.activate_backward(f, &y, &mut dy);
                }
                bench.keep(&y);
                bench.keep(&dy);
            }
        }
    });
}

#[test]
fn sums_and_products() {
    each_kernel(|fast, bench| {
        for n in Bench::LENGTHS {
            let (x, mut y) = (bench.numbers(n), bench.numbers(n));
            fast.add(&x, &mut y);
            fast.multiply(&x, &mut y);
            fast.penalty_backward(0.1, 0.2, 0.5, &x, &mut y);
            bench.keep(&y);
            bench.keep(&[fast.penalty(0.1, 0.2, &x) as f32]);
        }
    });
}

#[test]
fn dropout() {
    each_kernel(|fast, bench| {
        for n in Bench::LENGTHS {
            let mut x = bench.numbers(n);
            fast.dropout(Stream::new(1, 2, 3), 4, 0.4, &mut x);
            bench.keep(&x);
        }
    });
}

#[test]
fn sum_of_parts() {
    each_kernel(|fast, bench| {
        for (len, count) in Bench::LENGTHS.into_iter().flat_map(|n| [0, 1, 2, 5].map(|c| (n, c))) {
            let (mut parts, mut out) = (bench.numbers(len * count), bench.nothing(len));
            if len > 0 {
                fast.sum_parts(&bench.team, &mut parts, &mut out);
            }
            bench.keep(&out);
        }
    });
}
