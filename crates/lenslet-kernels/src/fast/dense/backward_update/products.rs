//! The gradients of inputs: products of rows of the weights and of the output's gradient.

use super::{LANES, SAMPLES};
use crate::simd::Simd;

/// Products of rows, each a vector that waits to be added up until there are as many of them as
/// there are lanes.
pub(super) struct Products {
    vectors: [[f32; LANES]; LANES + SAMPLES],
    /// How far behind the first one's place each one's sum goes.
    places: [u32; LANES + SAMPLES],
}

/// Where the sums go.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    /// The first place of all.
    pub(super) to: *mut f32,
    /// Whether they are added to what is there.
    pub(super) add: bool,
}

impl Products {
    pub(super) fn new() -> Self {
        Self { vectors: [[0.0; LANES]; LANES + SAMPLES], places: [0; LANES + SAMPLES] }
    }

    /// Lists a product as number `at` of those that wait. It is the `first` for that place, or adds
    /// to the one of earlier columns.
    #[inline(always)]
    pub(super) fn put<S: Simd>(
        &mut self,
        s: S,
        at: usize,
        product: S::F32,
        place: usize,
        first: bool,
    ) {
        let to = &mut self.vectors[at];
        let sum = if first { product } else { s.add(product, s.load(to)) };
        s.store(to, sum);
        self.places[at] = place as u32;
    }

    /// The sums of `n` products from number `start` on.
    ///
    /// # Safety
    /// They can be written to their places, and nobody else uses these.
    #[inline(always)]
    pub(super) unsafe fn add_up<S: Simd>(&self, s: S, start: usize, n: usize, sums: Sums) {
        assert!(n <= S::LANES && start <= SAMPLES);
        let from = self.vectors[start..].as_ptr();
        let mut vectors = [s.splat(0.0); LANES];
        for (i, vector) in vectors.iter_mut().take(S::LANES).enumerate() {
            // SAFETY: there are `LANES` vectors behind the last place to start at.
            *vector = unsafe { s.load_ptr(from.add(i).cast()) };
        }
        let mut lanes = [0.0; LANES];
        s.store(&mut lanes, s.sums(vectors));
        for (&place, sum) in self.places[start..][..n].iter().zip(lanes) {
            // SAFETY: the caller's promise.
            unsafe {
                let to = sums.to.add(place as usize);
                *to = if sums.add { *to + sum } else { sum };
            }
        }
    }
}
