//! Matrix products of a fully connected layer: `x` is `n x in`, `w` is `in x out`, `y` is
//! `n x out`.

use crate::{Real, Rows, RowsMut};

/// `y = x w + bias`; an empty `bias` is zero.
pub(super) fn forward<R: Real>(x: Rows<'_, R>, w: &[R], bias: &[R], y: &mut RowsMut<'_, R>) {
    let out = y.width();
    assert_eq!(x.len(), y.len());
    assert_eq!(w.len(), x.width() * out);
    assert!(bias.is_empty() || bias.len() == out);
    for n in 0..y.len() {
        for o in 0..out {
            let mut sum = bias.get(o).copied().unwrap_or(R::ZERO);
            for (k, &x) in x.row(n).iter().enumerate() {
                sum += x * w[k * out + o];
            }
            y.row_mut(n)[o] = sum;
        }
    }
}

/// `dx = dy w^T`.
pub(super) fn grad_input<R: Real>(dy: Rows<'_, R>, w: &[R], dx: &mut RowsMut<'_, R>) {
    let out = dy.width();
    assert_eq!(dx.len(), dy.len());
    assert_eq!(w.len(), dx.width() * out);
    for n in 0..dy.len() {
        for (k, dx) in dx.row_mut(n).iter_mut().enumerate() {
            let mut sum = R::ZERO;
            for (o, &dy) in dy.row(n).iter().enumerate() {
                sum += dy * w[k * out + o];
            }
            *dx = sum;
        }
    }
}

/// `dw = x^T dy`.
pub(super) fn grad_weights<R: Real>(x: Rows<'_, R>, dy: Rows<'_, R>, dw: &mut [R]) {
    let out = dy.width();
    assert_eq!(x.len(), dy.len());
    assert_eq!(dw.len(), x.width() * out);
    dw.fill(R::ZERO);
    for n in 0..x.len() {
        for (k, &x) in x.row(n).iter().enumerate() {
            for (o, &dy) in dy.row(n).iter().enumerate() {
                dw[k * out + o] += x * dy;
            }
        }
    }
}

/// `db = ` the column sums of `dy`, where `db` is not empty.
pub(super) fn grad_bias<R: Real>(dy: Rows<'_, R>, db: &mut [R]) {
    assert!(db.is_empty() || db.len() == dy.width());
    db.fill(R::ZERO);
    for n in 0..dy.len() {
        db.iter_mut().zip(dy.row(n)).for_each(|(db, &dy)| *db += dy);
    }
}
