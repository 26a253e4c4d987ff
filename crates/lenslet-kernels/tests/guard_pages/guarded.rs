//! Memory between two pages that nobody may touch.

use std::ops::{Deref, DerefMut};
use std::ptr::{null_mut, slice_from_raw_parts_mut};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use rustix::param::page_size;

/// Which neighbour of a slice is a forbidden page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Guard {
    /// Its first element starts right behind one.
    Before,
    /// Its last element ends right before one.
    Behind,
}

/// A slice at a guard page: who reads or writes one element too far ends the process.
pub(crate) struct Guarded<T> {
    map: *mut u8,
    map_len: usize,
    slice: *mut [T],
}

impl<T: Copy> Guarded<T> {
    /// A copy of `values`.
    pub(crate) fn new(guard: Guard, values: &[T]) -> Self {
        let (page, bytes) = (page_size(), size_of_val(values));
        assert!(page.is_multiple_of(align_of::<T>()));
        let inside = bytes.next_multiple_of(page);
        let map_len = page + inside + page;
        // SAFETY: a new mapping of its own. Both its ends are made forbidden; `slice` lies between
        // them, aligned because a page is and because `bytes` is whole elements.
        unsafe {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            let map = mmap_anonymous(null_mut(), map_len, access, flags).unwrap().cast::<u8>();
            let behind = map.add(page + inside);
            mprotect(map.cast(), page, MprotectFlags::empty()).unwrap();
            mprotect(behind.cast(), page, MprotectFlags::empty()).unwrap();
            let start = match guard {
                Guard::Before => map.add(page),
                Guard::Behind => behind.sub(bytes),
            };
            start.cast::<T>().copy_from_nonoverlapping(values.as_ptr(), values.len());
            Self { map, map_len, slice: slice_from_raw_parts_mut(start.cast(), values.len()) }
        }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: see `new`; the mapping lives as long as `self`.
        unsafe { &*self.slice }
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed alone.
        unsafe { &mut *self.slice }
    }
}

impl<T> AsMut<[T]> for Guarded<T> {
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

// SAFETY: it owns its memory alone, which any thread may use and give back.
unsafe impl<T: Send> Send for Guarded<T> {}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped; nobody looks any more.
        unsafe { munmap(self.map.cast(), self.map_len).unwrap() };
    }
}
