//! Buffers and places in them.

pub(crate) use lenslet_kernels::{Buffer, buffer};

/// Which memory a place is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Store {
    /// The image's row.
    Image,
    /// The thread's own.
    Local,
}

/// A stretch of memory for one image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl Place {
    pub(crate) const EMPTY: Self = Self { store: Store::Local, start: 0, len: 0 };

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start..self.start + self.len
    }

    /// Its first `len` elements.
    pub(crate) fn first(self, len: usize) -> Self {
        assert!(len <= self.len);
        Self { len, ..self }
    }

    /// `len` elements from the first cache line behind its first `before`.
    pub(crate) fn behind(self, before: usize, len: usize) -> Self {
        let skip = before.next_multiple_of(16);
        assert!(skip + len <= self.len);
        Self { start: self.start + skip, len, ..self }
    }
}

/// Hands out one store from its start.
pub(crate) struct Allotment {
    store: Store,
    used: usize,
}

impl Store {
    pub(crate) fn start(self) -> Allotment {
        Allotment { store: self, used: 0 }
    }
}

impl Allotment {
    /// The next `len` elements; the one after starts a cache line.
    pub(crate) fn take(&mut self, len: usize) -> Place {
        let place = Place { store: self.store, start: self.used, len };
        self.used += len.next_multiple_of(16);
        place
    }

    /// The first `len` elements, from the start of a cache line, that none of these others has.
    pub(crate) fn place_beside(
        &mut self,
        len: usize,
        others: impl Iterator<Item = Place>,
    ) -> Place {
        let mut others: Vec<_> = others.filter(|place| place.len > 0).collect();
        others.sort_by_key(|place| place.start);
        let mut start = 0;
        for other in others {
            if start + len <= other.start {
                break;
            }
            start = start.max((other.start + other.len).next_multiple_of(16));
        }
        self.used = self.used.max((start + len).next_multiple_of(16));
        Place { store: self.store, start, len }
    }

    pub(crate) fn len(&self) -> usize {
        self.used
    }
}

/// Distance between the rows of two images: whole cache lines, and never a multiple of 4 KiB,
/// which would send the same column of every image to the same few cache sets.
pub(crate) fn row_stride(len: usize) -> usize {
    let stride = len.next_multiple_of(16).max(16);
    if stride.is_multiple_of(1024) { stride + 16 } else { stride }
}

/// The memory that one image's work may touch.
pub(crate) struct Memory<'a, T> {
    pub(crate) image: &'a mut [T],
    pub(crate) local: &'a mut [T],
    /// The thread's own filters.
    pub(crate) filters: &'a mut [Buffer<T>],
}

impl<T> Memory<'_, T> {
    pub(crate) fn at(&mut self, place: Place) -> &mut [T] {
        match place.store {
            Store::Image => &mut self.image[place.range()],
            Store::Local => &mut self.local[place.range()],
        }
    }

    /// Several places at once.
    ///
    /// # Panics
    /// Where two of them overlap.
    pub(crate) fn all<const N: usize>(&mut self, places: [Place; N]) -> [&mut [T]; N] {
        self.all_and_filters(places, None).0
    }

    /// The same, and these filters.
    pub(crate) fn all_and_filters<const N: usize>(
        &mut self,
        places: [Place; N],
        filters: Option<usize>,
    ) -> ([&mut [T]; N], &mut [T]) {
        let mut order: [usize; N] = std::array::from_fn(|i| i);
        order.sort_unstable_by_key(|&i| (places[i].start, places[i].len));
        let mut views: [Option<&mut [T]>; N] = [const { None }; N];
        let (mut image, mut image_at) = (&mut *self.image, 0);
        let (mut local, mut local_at) = (&mut *self.local, 0);
        for i in order {
            let place = places[i];
            let (rest, at) = match place.store {
                Store::Image => (&mut image, &mut image_at),
                Store::Local => (&mut local, &mut local_at),
            };
            if place.len == 0 {
                views[i] = Some(&mut []);
                continue;
            }
            let skip = place.start.checked_sub(*at).expect("places overlap");
            let (_, tail) = std::mem::take(rest).split_at_mut(skip);
            let (view, tail) = tail.split_at_mut(place.len);
            views[i] = Some(view);
            *rest = tail;
            *at = place.start + place.len;
        }
        let views = views.map(|view| view.expect("every place was visited"));
        (views, filters.map_or(&mut [], |filters| &mut self.filters[filters]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(store: Store, start: usize, len: usize) -> Place {
        Place { store, start, len }
    }

    #[test]
    fn places_of_both_stores_are_lent_together() {
        let (mut image, mut local) = ([0, 1, 2, 3, 4, 5], [10, 11, 12]);
        let mut memory = Memory { image: &mut image, local: &mut local, filters: &mut [] };
        let [a, b, c] = memory.all([
            place(Store::Image, 3, 2),
            place(Store::Local, 1, 2),
            place(Store::Image, 0, 2),
        ]);
        assert_eq!((&*a, &*b, &*c), (&[3, 4][..], &[11, 12][..], &[0, 1][..]));
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn overlapping_places_are_refused() {
        let mut memory = Memory { image: &mut [0; 8], local: &mut [], filters: &mut [] };
        memory.all([place(Store::Image, 0, 3), place(Store::Image, 2, 3)]);
    }

    #[test]
    fn rows_avoid_the_same_cache_sets() {
        assert_eq!(row_stride(1024), 1040);
        assert_eq!(row_stride(1000), 1008);
        assert_eq!(row_stride(0), 16);
    }
}
