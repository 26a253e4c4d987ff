//! The errors that the table at [`Activation`] promises.

use lenslet_kernels::{Activation, Fast, Kernels, Reference};

use crate::EXACT;
use crate::common::cases::ACTIVATIONS;
use crate::common::isas;
use crate::common::ulps::{numbers, ulps_of};

/// The bounds of a function's result and of its gradient, from the documentation.
fn promised(f: Activation) -> [f64; 2] {
    let name = format!("{f:?}");
    let row = format!("/// | `{}` | ", name.split(' ').next().expect("a name"));
    let (_, row) = include_str!("../../src/interface.rs").split_once(&row).expect("a row");
    let mut bounds = row.split(" |").map(|bound| bound.trim().parse().expect("a bound"));
    [(); 2].map(|()| bounds.next().expect("two bounds"))
}

/// Numbers of every size, more where the functions are not flat, and what is no number.
fn inputs() -> Vec<f32> {
    let mut x = numbers(9973);
    x.extend((-200_000..200_000).map(|i| i as f32 * 1e-4));
    x.extend([f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN]);
    x
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().copied().map(f64::from).collect()
}

/// What the error of a result is measured by where the result is smaller.
fn size(f: Activation, x: f32) -> f64 {
    let x = f64::from(x).abs();
    match f {
        Activation::Gelu | Activation::GeluTanh => x,
        Activation::Silu | Activation::HardSwish | Activation::Mish => {
            x * f64::from(f32::MIN_POSITIVE)
        }
        _ => 0.0,
    }
}

#[test]
fn results() {
    let x = inputs();
    for f in ACTIVATIONS {
        let mut exact = wide(&x);
        EXACT.activate(f, &mut exact);
        let [bound, _] = promised(f);
        for isa in isas() {
            let mut y = x.clone();
            Fast::new(isa).activate(f, &mut y);
            for ((&x, y), &exact) in x.iter().zip(y).zip(&exact) {
                let error = ulps_of(size(f, x), y, exact);
                assert!(error <= bound, "{isa} {f:?}({x:e}) = {y:e}, not {exact:e}: {error} ulp");
            }
        }
    }
}

/// Of the outputs that a function has, or of its inputs.
#[test]
fn gradients() {
    let inputs = inputs();
    for f in ACTIVATIONS {
        let mut x = inputs.clone();
        if !f.needs_input() {
            Reference::<f32>::new().activate(f, &mut x);
        }
        let [_, bound] = promised(f);
        // The largest mantissa has the smallest unit.
        for one in [1f32.next_down(), -0.75, 1e-30] {
            let dy = vec![one; x.len()];
            let (mut exact, x64) = (wide(&dy), wide(&x));
            if f.needs_input() {
                EXACT.activate_backward_from_input(f, &x64, &mut exact);
            } else {
                EXACT.activate_backward(f, &x64, &mut exact);
            }
            for isa in isas() {
                let (fast, mut dx) = (Fast::new(isa), dy.clone());
                if f.needs_input() {
                    fast.activate_backward_from_input(f, &x, &mut dx);
                } else {
                    fast.activate_backward(f, &x, &mut dx);
                }
                for ((x, dx), &exact) in x.iter().zip(dx).zip(&exact) {
                    let error = ulps_of(f64::from(one.abs()), dx, exact);
                    assert!(
                        error <= bound,
                        "{isa} {f:?}: {one:e} at {x:e}: {dx:e}, not {exact:e}: {error} ulp"
                    );
                }
            }
        }
    }
}
