//! How the tasks of a job share out what they write: [`Team::for_each`](crate::Team::for_each).

use std::marker::PhantomData;

/// Something that falls into numbered parts, of which every one can be handed out once.
///
/// # Safety
/// Different parts must not overlap where one of them can write, and may go to any thread.
pub unsafe trait Parts: Sync {
    /// What a task receives.
    type Part;
    /// Number of parts.
    fn count(&self) -> usize;
    /// Part `i`.
    ///
    /// # Safety
    /// `i` is below [`Self::count`], and no index is asked for twice in the life of `self`.
    unsafe fn part(&self, i: usize) -> Self::Part;
}

/// Chunks of a slice, to write.
#[derive(Debug)]
pub struct Chunks<'a, T> {
    data: *mut T,
    len: usize,
    chunk: usize,
    count: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: it hands out parts of a `&mut [T]`, which may go where `T` may go.
unsafe impl<T: Send> Send for Chunks<'_, T> {}
// SAFETY: `&Chunks` gives a part only through the unsafe `part`, once for each index.
unsafe impl<T: Send> Sync for Chunks<'_, T> {}

impl<'a, T> Chunks<'a, T> {
    /// Chunks of `chunk` elements; the last may be shorter.
    pub fn new(data: &'a mut [T], chunk: usize) -> Self {
        assert!(chunk > 0, "chunks of nothing");
        let count = data.len().div_ceil(chunk);
        Self { data: data.as_mut_ptr(), len: data.len(), chunk, count, owner: PhantomData }
    }

    /// `count` chunks of the same length, which may be 0. The length of `data` must be a multiple
    /// of `count`.
    pub fn equal(data: &'a mut [T], count: usize) -> Self {
        let chunk = equal(data.len(), count);
        Self { data: data.as_mut_ptr(), len: data.len(), chunk, count, owner: PhantomData }
    }
}

// SAFETY: chunks do not overlap, and `T: Send`.
unsafe impl<'a, T: Send> Parts for Chunks<'a, T> {
    type Part = &'a mut [T];

    fn count(&self) -> usize {
        self.count
    }

    unsafe fn part(&self, i: usize) -> &'a mut [T] {
        debug_assert!(i < self.count);
        let start = i * self.chunk;
        let len = self.chunk.min(self.len - start);
        // SAFETY: `start + len <= self.len`; the slice is borrowed for `'a`, and the caller asks
        // for no index twice.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), len) }
    }
}

/// Chunks of a slice, to read.
#[derive(Clone, Copy, Debug)]
pub struct ChunksRef<'a, T> {
    data: &'a [T],
    chunk: usize,
    count: usize,
}

impl<'a, T> ChunksRef<'a, T> {
    /// Chunks of `chunk` elements; the last may be shorter.
    pub fn new(data: &'a [T], chunk: usize) -> Self {
        assert!(chunk > 0, "chunks of nothing");
        Self { data, chunk, count: data.len().div_ceil(chunk) }
    }

    /// `count` chunks of the same length, which may be 0. The length of `data` must be a multiple
    /// of `count`.
    pub fn equal(data: &'a [T], count: usize) -> Self {
        Self { data, chunk: equal(data.len(), count), count }
    }
}

// SAFETY: nothing is written, and `T: Sync`.
unsafe impl<'a, T: Sync> Parts for ChunksRef<'a, T> {
    type Part = &'a [T];

    fn count(&self) -> usize {
        self.count
    }

    unsafe fn part(&self, i: usize) -> &'a [T] {
        let start = i * self.chunk;
        &self.data[start..self.data.len().min(start + self.chunk)]
    }
}

/// The elements of a slice, each a part, to write.
#[derive(Debug)]
pub struct Each<'a, T>(Chunks<'a, T>);

impl<'a, T> Each<'a, T> {
    /// One part for each element.
    pub fn new(data: &'a mut [T]) -> Self {
        Self(Chunks::new(data, 1))
    }
}

// SAFETY: as for `Chunks`.
unsafe impl<'a, T: Send> Parts for Each<'a, T> {
    type Part = &'a mut T;

    fn count(&self) -> usize {
        self.0.count
    }

    unsafe fn part(&self, i: usize) -> &'a mut T {
        // SAFETY: the caller's promise.
        let chunk = unsafe { self.0.part(i) };
        &mut chunk[0]
    }
}

/// As many parts of nothing, for tasks that find by their number what to do.
#[derive(Clone, Copy, Debug)]
pub struct Times(pub usize);

// SAFETY: nothing is handed out.
unsafe impl Parts for Times {
    type Part = ();

    fn count(&self) -> usize {
        self.0
    }

    unsafe fn part(&self, _: usize) {}
}

// SAFETY: the parts of different members cannot overlap, as each owns what it hands out.
unsafe impl<P: Parts, const N: usize> Parts for [P; N] {
    type Part = [P::Part; N];

    fn count(&self) -> usize {
        let count = self.first().map_or(0, P::count);
        assert!(self.iter().all(|parts| parts.count() == count), "as many parts of each");
        count
    }

    unsafe fn part(&self, i: usize) -> [P::Part; N] {
        // SAFETY: the caller's promise; `count` is the same for all.
        self.each_ref().map(|parts| unsafe { parts.part(i) })
    }
}

macro_rules! tuple {
    ($first:ident $(, $name:ident $index:tt)*) => {
        // SAFETY: the parts of different members cannot overlap, as each owns what it hands out.
        unsafe impl<$first: Parts, $($name: Parts),*> Parts for ($first, $($name),*) {
            type Part = ($first::Part, $($name::Part),*);

            fn count(&self) -> usize {
                let count = self.0.count();
                $(assert_eq!(count, self.$index.count(), "as many parts of each");)*
                count
            }

            unsafe fn part(&self, i: usize) -> Self::Part {
                // SAFETY: the caller's promise; `count` is the same for all.
                unsafe { (self.0.part(i), $(self.$index.part(i)),*) }
            }
        }
    };
}

tuple!(A, B 1);
tuple!(A, B 1, C 2);
tuple!(A, B 1, C 2, D 3);
tuple!(A, B 1, C 2, D 3, E 4);
tuple!(A, B 1, C 2, D 3, E 4, F 5);

/// The length of one of `count` equal chunks.
fn equal(len: usize, count: usize) -> usize {
    let chunk = len.checked_div(count).unwrap_or(0);
    assert_eq!(chunk * count, len, "{len} elements do not make {count} equal chunks");
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_chunks_may_be_empty() {
        let mut nothing: [u8; 0] = [];
        let chunks = Chunks::equal(&mut nothing, 3);
        assert_eq!(chunks.count(), 3);
        // SAFETY: 2 is below 3 and asked for once.
        assert!(unsafe { chunks.part(2) }.is_empty());
    }

    #[test]
    #[should_panic(expected = "as many parts of each")]
    fn tuples_have_as_many_parts_of_each() {
        (ChunksRef::new(&[1, 2, 3], 1), ChunksRef::new(&[1, 2, 3], 2)).count();
    }

    #[test]
    #[should_panic(expected = "equal chunks")]
    fn equal_chunks_are_equal() {
        Chunks::equal(&mut [1, 2, 3], 2);
    }
}
