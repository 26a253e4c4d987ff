//! The largest of several linear pieces (Goodfellow et al. 2013, "Maxout networks").
//!
//! `z` is `rows x pieces x units`; `y` and `argmax` are `rows x units`.

use super::pool::beats;
use crate::Real;

/// `y[r, u] = max over p of z[r, p, u]`; the first of equals wins, and NaN does.
pub(super) fn forward<R: Real>(
    pieces: usize,
    units: usize,
    z: &[R],
    y: &mut [R],
    argmax: &mut [u32],
) {
    assert!(pieces > 0 && units > 0);
    assert_eq!(y.len() % units, 0);
    assert_eq!((z.len(), argmax.len()), (y.len() * pieces, y.len()));
    for (i, (y, argmax)) in y.iter_mut().zip(argmax).enumerate() {
        let (row, unit) = (i / units, i % units);
        let piece = |p: usize| z[(row * pieces + p) * units + unit];
        (*y, *argmax) = (piece(0), 0);
        for p in 1..pieces {
            if beats(piece(p), *y) {
                (*y, *argmax) = (piece(p), p as u32);
            }
        }
    }
}

/// The gradient goes to the piece that won.
pub(super) fn backward<R: Real>(
    pieces: usize,
    units: usize,
    dy: &[R],
    argmax: &[u32],
    dz: &mut [R],
) {
    assert!(pieces > 0 && units > 0);
    assert_eq!(dy.len() % units, 0);
    assert_eq!((dz.len(), argmax.len()), (dy.len() * pieces, dy.len()));
    dz.fill(R::ZERO);
    for (i, (&dy, &argmax)) in dy.iter().zip(argmax).enumerate() {
        let (row, unit) = (i / units, i % units);
        dz[(row * pieces + argmax as usize) * units + unit] = dy;
    }
}
