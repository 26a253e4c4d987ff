//! The nearest orthogonal matrix, approximately (Jordan et al. 2024).

use crate::{Kernels, Real, Rows, RowsMut, Team};

/// What [`orthogonalize`] works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewtonSchulz {
    /// Rows of the matrix.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
    /// Steps of the iteration.
    pub steps: usize,
}

/// Coefficients of the quintic, which is steepest at zero (Jordan et al.).
const A: f64 = 3.4445;
const B: f64 = -4.7750;
const C: f64 = 2.0315;
/// Added to the norm that the matrix is divided by.
const EPSILON: f64 = 1e-7;

impl NewtonSchulz {
    fn side(&self) -> usize {
        self.rows.min(self.columns)
    }

    /// Numbers of working memory that [`orthogonalize`] takes.
    pub fn scratch_len(&self) -> usize {
        2 * self.side() * self.side() + self.rows * self.columns
    }
}

/// Replaces `x` (`rows x columns`, row by row) by a matrix with the same singular vectors and
/// singular values near 1 (between about 0.68 and 1.2): with `x` divided by its Frobenius norm, each
/// step is `x = a x + (b g + c g g) x` with `g = x x^T`, or its mirror image where there are more
/// rows than columns. Any other singular value than 0 gets there with enough steps; 0 stays.
///
/// # Panics
/// Where `x` or `scratch` (content free) has another length.
pub fn orthogonalize<K: Kernels>(
    kernels: &K,
    team: &Team,
    shape: NewtonSchulz,
    x: &mut [K::Real],
    scratch: &mut [K::Real],
) {
    let NewtonSchulz { rows, columns, steps } = shape;
    let side = shape.side();
    assert_eq!((x.len(), scratch.len()), (rows * columns, shape.scratch_len()));
    let (gram, rest) = scratch.split_at_mut(side * side);
    let (square, next) = rest.split_at_mut(side * side);
    let norm = kernels.sum_of_squares(team, x).sqrt();
    kernels.limit(team, 1.0 / (norm + EPSILON), f64::INFINITY, x);
    for _ in 0..steps {
        let whole = matrix(x, rows, columns);
        if rows > columns {
            kernels.dense_grad_weights(team, whole, whole, gram);
        } else {
            kernels.dense_grad_input(team, whole, x, matrix_mut(gram, side, side));
        }
        product(kernels, team, matrix(gram, side, side), gram, square);
        kernels.combine(team, B, gram, C, square);
        if rows > columns {
            product(kernels, team, whole, square, next);
        } else {
            product(kernels, team, matrix(square, side, side), x, next);
        }
        kernels.combine(team, 1.0, next, A, x);
    }
}

/// `y = x w`.
fn product<K: Kernels>(
    kernels: &K,
    team: &Team,
    x: Rows<'_, K::Real>,
    w: &[K::Real],
    y: &mut [K::Real],
) {
    let columns = w.len() / x.width();
    let y = matrix_mut(y, x.len(), columns);
    kernels.dense_forward(team, x, w, &[], false, y);
}

fn matrix<R: Real>(x: &[R], rows: usize, columns: usize) -> Rows<'_, R> {
    Rows::new(x, rows, columns, 0..columns)
}

fn matrix_mut<R: Real>(x: &mut [R], rows: usize, columns: usize) -> RowsMut<'_, R> {
    RowsMut::new(x, rows, columns, 0..columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fast, Isa, Reference, Stream};

    const SHAPES: [(usize, usize); 5] = [(9, 4), (4, 9), (27, 32), (288, 32), (1, 5)];

    fn draw(rows: usize, columns: usize) -> Vec<f64> {
        let stream = Stream::new(7, rows as u32, columns as u64);
        (0..rows * columns).map(|i| stream.below(i as u64, 2001) as f64 / 1000.0 - 1.0).collect()
    }

    fn orthogonal<K: Kernels>(kernels: &K, rows: usize, columns: usize) -> Vec<f64> {
        let shape = NewtonSchulz { rows, columns, steps: 5 };
        let mut x: Vec<_> = draw(rows, columns).into_iter().map(K::Real::from_f64).collect();
        let mut scratch = vec![K::Real::ZERO; shape.scratch_len()];
        orthogonalize(kernels, &Team::new(2), shape, &mut x, &mut scratch);
        x.into_iter().map(Real::to_f64).collect()
    }

    /// `trace(x^T x) / side` is the mean of the squared singular values.
    #[test]
    fn singular_values_come_near_one() {
        for (rows, columns) in SHAPES {
            let x = orthogonal(&Reference::<f64>::new(), rows, columns);
            let mean = x.iter().map(|x| x * x).sum::<f64>() / rows.min(columns) as f64;
            assert!((0.45..1.3).contains(&mean), "{rows} x {columns}: {mean}");
        }
    }

    #[test]
    fn every_instruction_set_computes_what_the_reference_does() {
        for (rows, columns) in SHAPES {
            let expected = orthogonal(&Reference::<f64>::new(), rows, columns);
            for isa in Isa::available() {
                let got = orthogonal(&Fast::new(isa), rows, columns);
                for (got, expected) in got.iter().zip(&expected) {
                    let off = (got - expected).abs();
                    assert!(off < 2e-4, "{isa} {rows} x {columns}: {got} {expected}");
                }
            }
        }
    }
}
