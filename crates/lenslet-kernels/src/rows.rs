//! Strided matrices: the same stretch of every image of a batch.
//!
//! The engine keeps all activations of one image together. A dense layer needs one of them for
//! every image: rows a fixed stride apart, between which other layers' numbers lie.

use std::marker::PhantomData;
use std::ops::Range;

/// `len` rows of `width` elements, `stride` apart, to read.
#[derive(Debug)]
pub struct Rows<'a, T> {
    data: *const T,
    len: usize,
    width: usize,
    stride: usize,
    owner: PhantomData<&'a [T]>,
}

// SAFETY: a `Rows` is a `&[T]` with gaps: it may go where that may go.
unsafe impl<T: Sync> Send for Rows<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Rows<'_, T> {}

impl<T> Clone for Rows<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Rows<'_, T> {}

impl<'a, T> Rows<'a, T> {
    /// Columns `columns` of `len` rows that begin `stride` apart in `data`.
    pub fn new(data: &'a [T], len: usize, stride: usize, columns: Range<usize>) -> Self {
        check(data.len(), len, stride, &columns);
        let start = data.as_ptr().wrapping_add(columns.start);
        Self { data: start, len, width: columns.len(), stride, owner: PhantomData }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Elements in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Elements from the start of one row to the start of the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `i`.
    #[inline]
    pub fn row(&self, i: usize) -> &'a [T] {
        assert!(i < self.len);
        // SAFETY: `check` proved that row `i` lies inside the slice that this was made from; the
        // gaps between rows, which somebody else may write, are not in it.
        unsafe { std::slice::from_raw_parts(self.data.add(i * self.stride), self.width) }
    }

    /// Where row 0 begins, if there is one, for kernels that walk over rows by themselves.
    pub(crate) fn data(&self) -> *const T {
        self.data
    }

    /// The first element of row `i`, for kernels that walk over rows by themselves.
    pub(crate) fn row_ptr(&self, i: usize) -> *const T {
        assert!(i < self.len);
        self.data.wrapping_add(i * self.stride)
    }
}

/// `len` rows of `width` elements, `stride` apart, to write.
#[derive(Debug)]
pub struct RowsMut<'a, T> {
    data: *mut T,
    len: usize,
    width: usize,
    stride: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: a `RowsMut` is a `&mut [T]` with gaps: it may go where that may go.
unsafe impl<T: Send> Send for RowsMut<'_, T> {}
// SAFETY: as for `&mut [T]`; shared access hands out nothing but its numbers.
unsafe impl<T: Sync> Sync for RowsMut<'_, T> {}

impl<'a, T> RowsMut<'a, T> {
    /// Columns `columns` of `len` rows that begin `stride` apart in `data`.
    pub fn new(data: &'a mut [T], len: usize, stride: usize, columns: Range<usize>) -> Self {
        let [rows] = Self::split(data, len, stride, [columns]);
        rows
    }

    /// Several disjoint ranges of columns of the same rows, to write at the same time.
    ///
    /// # Panics
    /// Where two ranges overlap or one does not fit a row.
    pub fn split<const N: usize>(
        data: &'a mut [T],
        len: usize,
        stride: usize,
        columns: [Range<usize>; N],
    ) -> [Self; N] {
        for (i, a) in columns.iter().enumerate() {
            check(data.len(), len, stride, a);
            for b in &columns[..i] {
                assert!(
                    a.is_empty() || b.is_empty() || a.end <= b.start || b.end <= a.start,
                    "columns {a:?} and {b:?} overlap"
                );
            }
        }
        let base = data.as_mut_ptr();
        columns.map(|c| Self {
            data: base.wrapping_add(c.start),
            len,
            width: c.len(),
            stride,
            owner: PhantomData,
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Elements in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Elements from the start of one row to the start of the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `i`.
    #[inline]
    pub fn row(&self, i: usize) -> &[T] {
        assert!(i < self.len);
        // SAFETY: `check` proved that row `i` lies inside the slice that this was made from, and
        // `split` that no other `RowsMut` of that borrow reaches these columns.
        unsafe { std::slice::from_raw_parts(self.data.add(i * self.stride), self.width) }
    }

    /// Row `i`, to write.
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.len);
        // SAFETY: as in `row`; `&mut self` makes this the only row at hand.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(i * self.stride), self.width) }
    }

    /// The same rows, to read.
    pub fn into_rows(self) -> Rows<'a, T> {
        let Self { data, len, width, stride, .. } = self;
        Rows { data, len, width, stride, owner: PhantomData }
    }

    /// The first element of row `i`, for kernels that let several threads write disjoint parts.
    pub(crate) fn row_ptr(&self, i: usize) -> *mut T {
        assert!(i < self.len);
        self.data.wrapping_add(i * self.stride)
    }
}

fn check(data: usize, len: usize, stride: usize, columns: &Range<usize>) {
    assert!(columns.start <= columns.end && columns.end <= stride, "columns outside the row");
    assert!(len == 0 || (len - 1) * stride + columns.end <= data, "rows outside the slice");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_the_same_rows_can_be_written_together() {
        let mut data = [0; 11];
        let [mut a, mut b] = RowsMut::split(&mut data, 3, 4, [0..1, 1..3]);
        for i in 0..3 {
            a.row_mut(i).fill(1 + i);
            b.row_mut(i).copy_from_slice(&[10, 20]);
        }
        assert_eq!(data, [1, 10, 20, 0, 2, 10, 20, 0, 3, 10, 20]);
        assert_eq!(Rows::new(&data, 3, 4, 1..3).row(1), [10, 20]);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn overlapping_columns_are_refused() {
        RowsMut::split(&mut [0; 8], 2, 4, [0..2, 1..3]);
    }

    #[test]
    #[should_panic(expected = "outside the slice")]
    fn rows_outside_the_slice_are_refused() {
        Rows::new(&[0; 7], 2, 4, 0..4);
    }
}
