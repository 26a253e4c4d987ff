//! Filters, transformed.

use super::super::filters::View;
use super::transforms::filters;
use super::{ELEMENTS, Winograd, block_width};
use crate::simd::{Simd, dispatch};
use crate::team::Shareable;
use crate::{Isa, Team};

impl Winograd {
    /// Transforms filters for [`Self::run`].
    pub(in crate::conv2d) fn pack(&self, team: &Team, isa: Isa, w: View<'_>, packed: &mut [f32]) {
        let rows = ELEMENTS * self.source_channels;
        let lanes = isa.lanes();
        let widest = if self.narrow { lanes } else { block_width(lanes) };
        // A task has some of the source's channels of a block of the target's: numbers that do not
        // lie together.
        let cuts = self.source_channels.div_ceil(lanes);
        let len = packed.len();
        let packed = Shareable(packed.as_mut_ptr());
        team.run(len.div_ceil(rows * widest) * cuts, &|_, task| {
            let (first, c) = (task / cuts * widest, task % cuts * lanes);
            let width = widest.min(self.padded_target - first);
            let block = packed.get().wrapping_add(rows * first);
            // SAFETY: these channels of the block, which is inside, are this task's alone.
            dispatch!(isa, |s| unsafe { self.pack_block(s, w, [c, first], width, block) });
        });
    }

    /// The filters of a block of `width` target channels from `o` on, of a vector's number of source
    /// channels from `c` on: `elements x source channels x vectors`.
    ///
    /// # Safety
    /// Those of these channels can be written at `packed`, where the block begins, and nobody else
    /// uses them.
    #[inline(always)]
    unsafe fn pack_block<S: Simd>(
        &self,
        s: S,
        w: View<'_>,
        [c, o]: [usize; 2],
        width: usize,
        packed: *mut f32,
    ) {
        for v in (0..width).step_by(S::LANES) {
            let mut blocks = [[[s.splat(0.0); 16]; 3]; 3];
            for (blocks, taps) in blocks.iter_mut().zip(&self.taps) {
                for (block, &tap) in blocks.iter_mut().zip(taps) {
                    *block = w.block(s, tap, c, o + v);
                }
            }
            for i in 0..S::LANES.min(self.source_channels - c) {
                let mut g = [[s.splat(0.0); 3]; 3];
                for (g, block) in g.as_flattened_mut().iter_mut().zip(blocks.as_flattened()) {
                    *g = block[i];
                }
                let u = filters(s, g);
                for (element, u) in u.as_flattened().iter().enumerate() {
                    let at = (element * self.source_channels + c + i) * width + v;
                    // SAFETY: the caller's promise.
                    unsafe { s.store_ptr(packed.add(at), *u) };
                }
            }
        }
    }
}
