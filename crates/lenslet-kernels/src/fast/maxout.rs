//! The largest of several linear pieces: `z` is `rows x pieces x units`, `y` is `rows x units`.

use crate::Isa;
use crate::simd::dispatch;

/// `y[r, u] = max over p of z[r, p, u]`, `argmax` is the first such `p`; NaN wins.
pub(super) fn forward(
    isa: Isa,
    pieces: usize,
    units: usize,
    z: &[f32],
    y: &mut [f32],
    argmax: &mut [u32],
) {
    assert!(pieces > 0 && units > 0);
    assert_eq!(y.len() % units, 0);
    assert_eq!((z.len(), argmax.len()), (y.len() * pieces, y.len()));
    let rows = y.chunks_exact_mut(units).zip(argmax.chunks_exact_mut(units));
    for ((y, argmax), z) in rows.zip(z.chunks_exact(pieces * units)) {
        y.copy_from_slice(&z[..units]);
        argmax.fill(0);
        for (p, z) in z.chunks_exact(units).enumerate().skip(1) {
            let (y, argmax) = (&mut *y, &mut *argmax);
            dispatch!(isa, |_s| challenge(p as u32, z, y, argmax));
        }
    }
}

/// `y = max(y, z)`, and `argmax` is `p` where `z` wins.
#[inline(always)]
fn challenge(p: u32, z: &[f32], y: &mut [f32], argmax: &mut [u32]) {
    for ((y, argmax), &z) in y.iter_mut().zip(argmax).zip(z) {
        // With `|` and `&` instead of `||` and `&&` there is no branch, and the loop vectorises.
        let wins = (z > *y) | (z.is_nan() & !y.is_nan());
        *y = if wins { z } else { *y };
        *argmax = if wins { p } else { *argmax };
    }
}

/// The gradient goes to the piece that won.
pub(super) fn backward(
    isa: Isa,
    pieces: usize,
    units: usize,
    dy: &[f32],
    argmax: &[u32],
    dz: &mut [f32],
) {
    assert!(pieces > 0 && units > 0);
    assert_eq!(dy.len() % units, 0);
    assert_eq!((dz.len(), argmax.len()), (dy.len() * pieces, dy.len()));
    let rows = dy.chunks_exact(units).zip(argmax.chunks_exact(units));
    for ((dy, argmax), dz) in rows.zip(dz.chunks_exact_mut(pieces * units)) {
        for (p, dz) in dz.chunks_exact_mut(units).enumerate() {
            dispatch!(isa, |_s| for ((dz, &dy), &argmax) in dz.iter_mut().zip(dy).zip(argmax) {
                *dz = if argmax == p as u32 { dy } else { 0.0 };
            });
        }
    }
}
