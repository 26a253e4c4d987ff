//! Which pictures make which step of training.

use std::slice::Chunks;

use lenslet_kernels::Stream;

use crate::purpose;

/// The order in which epoch `epoch` (below 2^40) visits `n` pictures (at most 2^32): a permutation
/// of `0..n` that depends on the seed, the epoch and `n` alone.
pub fn shuffled_order(seed: u64, epoch: u64, n: usize) -> Vec<u32> {
    Stream::new(seed, purpose::SHUFFLE, epoch).permutation(n)
}

/// Cuts an order of pictures into batches; the last may be short.
///
/// Each item is the batch's indices; [`Dataset::gather`](crate::Dataset::gather) fetches the
/// pictures into buffers that are used again and again:
///
/// ```
/// use lenslet_data::{Batches, Dataset, Labels, shuffled_order};
/// # let classes = vec!["cat".to_string(), "dog".to_string()];
/// let data = Dataset::new("pets", classes, [1, 1, 1], vec![1, 2, 3], vec![0, 1, 0])?;
/// let order = shuffled_order(42, 0, data.len());
/// let (mut pixels, mut labels) = (Vec::new(), Labels::default());
/// for batch in Batches::new(&order, 2) {
///     data.gather(batch, &mut pixels, &mut labels);
///     assert_eq!(pixels.len(), batch.len());
/// }
/// # Ok::<(), lenslet_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    chunks: Chunks<'a, u32>,
}

impl<'a> Batches<'a> {
    /// Batches of `batch_size` of `order`.
    ///
    /// # Panics
    /// When `batch_size` is 0.
    pub fn new(order: &'a [u32], batch_size: usize) -> Self {
        Self { chunks: order.chunks(batch_size) }
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = &'a [u32];

    fn next(&mut self) -> Option<&'a [u32]> {
        self.chunks.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl ExactSizeIterator for Batches<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_function_of_seed_and_epoch() {
        assert_eq!(shuffled_order(1, 2, 50), shuffled_order(1, 2, 50));
        assert_ne!(shuffled_order(1, 2, 50), shuffled_order(1, 3, 50));
        assert_ne!(shuffled_order(1, 2, 50), shuffled_order(2, 2, 50));
        let mut sorted = shuffled_order(1, 2, 50);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<u32>>());
    }

    #[test]
    fn the_last_batch_may_be_short() {
        let order = [4, 3, 2, 1, 0];
        let batches = Batches::new(&order, 2);
        assert_eq!(batches.len(), 3);
        assert_eq!(batches.collect::<Vec<_>>(), [&[4, 3][..], &[2, 1], &[0]]);
    }
}
