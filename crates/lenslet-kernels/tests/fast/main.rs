//! Every fast kernel computes what the reference does in `f64`, on every instruction set of this
//! CPU, and the same bits for any number of threads.

mod accuracy;
mod activations;
mod channels;
#[path = "../common/mod.rs"]
mod common;
mod dense;
mod elements;
mod losses;
mod optimizers;
mod pooling;

use common::{Random, isas};
use lenslet_kernels::{Fast, Reference};

const EXACT: Reference<f64> = Reference::new();

/// Runs `test` with every instruction set and `cases` sources of random numbers.
fn each_case(cases: u64, test: impl Fn(Fast, &Random)) {
    for isa in isas() {
        (0..cases).for_each(|seed| test(Fast::new(isa), &Random::new(seed)));
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
