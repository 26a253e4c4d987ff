//! Random matrices with orthogonal columns.

use lenslet_kernels::Real;

/// Fills a matrix of so many columns with `gain` times one whose rows or columns, whichever are
/// fewer, are orthonormal: the factor Q of a random normal matrix with R's diagonal above zero,
/// which is evenly distributed over all such matrices (Mezzadri 2007).
pub(super) fn fill<R: Real>(
    gain: f64,
    columns: usize,
    normal: impl Fn(u64) -> f64,
    values: &mut [R],
) {
    let rows = values.len() / columns;
    let (long, few) = (rows.max(columns), rows.min(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(few);
    for v in 0..few {
        let mut vector: Vec<f64> = (0..long).map(|i| normal((v * long + i) as u64)).collect();
        // Gram and Schmidt; once more, because the first time leaves rounding errors of the size
        // of what was taken off.
        for _ in 0..2 {
            for other in &basis {
                let along: f64 = vector.iter().zip(other).map(|(x, o)| x * o).sum();
                vector.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
            let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
            vector.iter_mut().for_each(|x| *x /= length);
        }
        basis.push(vector);
    }
    for (i, value) in values.iter_mut().enumerate() {
        let (row, column) = (i / columns, i % columns);
        let x = if rows >= columns { basis[column][row] } else { basis[row][column] };
        *value = R::from_f64(gain * x);
    }
}
