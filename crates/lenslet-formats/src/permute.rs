//! Axes in another order.

/// Numbers of the shape `dims`, the last axis fastest, with the axes in another order: axis `k` of
/// the result is axis `order[k]` of what came. Filters in HWIO become OIHW with `[3, 2, 0, 1]`.
pub(crate) fn permuted<T: Copy>(values: &[T], dims: &[usize], order: &[usize]) -> Vec<T> {
    let strides = strides(dims);
    let sizes: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let mut result = Vec::with_capacity(values.len());
    collect(values, &sizes, &steps, 0, &mut result);
    result
}

/// How far neighbours along each axis lie apart.
fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}

fn collect<T: Copy>(values: &[T], sizes: &[usize], steps: &[usize], at: usize, to: &mut Vec<T>) {
    let ([size, sizes @ ..], [step, steps @ ..]) = (sizes, steps) else {
        return to.push(values[at]);
    };
    for index in 0..*size {
        collect(values, sizes, steps, at + index * step, to);
    }
}

#[cfg(test)]
mod tests {
    use super::permuted;

    #[test]
    fn a_matrix_is_transposed() {
        assert_eq!(permuted(&[1, 2, 3, 4, 5, 6], &[2, 3], &[1, 0]), [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn an_order_and_its_inverse_give_what_was_there() {
        let values: Vec<usize> = (0..2 * 3 * 4 * 5).collect();
        let there = permuted(&values, &[2, 3, 4, 5], &[3, 2, 0, 1]);
        assert_eq!(permuted(&there, &[5, 4, 2, 3], &[2, 3, 1, 0]), values);
    }
}
