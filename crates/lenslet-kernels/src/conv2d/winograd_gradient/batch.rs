//! The gradient of the filters over a whole batch.
//!
//! The 36 matrix products go over the tiles of a group of images, and add to the gradient of the
//! transformed filters, which is transformed once for the batch. They are shared out to the threads
//! by elements and channels: every number has one thread that adds to it, group by group, so that
//! the sums do not depend on how many threads there are.

use std::ops::Range;

use super::{Outputs, WinogradGradient, gradients};
use crate::conv2d::correlation::block_width;
use crate::conv2d::moderate::Watch;
use crate::conv2d::pieces::Target;
use crate::conv2d::tile::{Runs, tile, tile_height};
use crate::conv2d::winograd::{Blocks, ELEMENTS, IN, Tiles, Transformed, Winograd, element_stride};
use crate::simd::{Simd, dispatch};
use crate::{Isa, Rows, Team};

/// Input channels whose filters one task transforms back.
const FINISHED: usize = 8;

/// The gradients of a batch; overwritten. `db` may be empty.
pub(in crate::conv2d) struct FilterGradients<'a> {
    pub(in crate::conv2d) dw: &'a mut [f32],
    pub(in crate::conv2d) db: &'a mut [f32],
}

/// Transformed images and gradients of a group of images.
#[derive(Clone, Copy)]
struct Group<'a> {
    /// How the images lie.
    blocks: Blocks,
    /// `B' d B`.
    inputs: &'a [f32],
    /// `A dy A'`: blocks of [`WinogradGradient::output_block`] elements.
    outputs: &'a [f32],
    images: usize,
    /// Whether it is the first of the batch.
    first: bool,
}

impl WinogradGradient {
    fn layout(&self) -> Blocks {
        Blocks::new(self.forward.tile_count(), self.forward.padded_source)
    }

    /// From one element of a block of transformed gradients to the next.
    fn output_stride(&self) -> usize {
        element_stride(self.layout().images * self.forward.tile_count(), self.forward.padded_target)
    }

    /// Elements of a block of transformed gradients.
    fn output_block(&self) -> usize {
        ELEMENTS * self.output_stride()
    }

    /// Elements that an image has in both the transformed tiles and the transformed gradients.
    fn each(&self) -> usize {
        let blocks = self.layout();
        (blocks.len() + self.output_block()).div_ceil(blocks.images)
    }

    /// Working memory of [`Self::run_batch`].
    pub(in crate::conv2d) fn batch_scratch_len(&self, images: usize, threads: usize) -> usize {
        let (blocks, forward) = (self.layout(), &self.forward);
        let count = blocks.count(blocks.most(images, self.each()));
        let block = blocks.len() + self.output_block() + forward.padded_target;
        let strips = threads * forward.strips.scratch_len();
        images + forward.packed_len() + count * block + strips
    }

    /// The gradients of a batch. `define(image, gradients)` adds those of one image by the definition.
    pub(in crate::conv2d) fn run_batch(
        &self,
        (team, isa): (&Team, Isa),
        x: Rows<'_, f32>,
        dy: Rows<'_, f32>,
        to: &mut FilterGradients<'_>,
        scratch: &mut [f32],
        define: &dyn Fn(usize, &mut FilterGradients<'_>),
    ) {
        let (blocks, forward) = (self.layout(), &self.forward);
        let channels = forward.source_channels * forward.target_channels;
        assert_eq!((to.dw.len(), x.len()), (9 * channels, dy.len()));
        assert!(to.db.is_empty() || to.db.len() == forward.target_channels);
        to.db.fill(0.0);
        let images = x.len();
        let (good, scratch) = scratch.split_at_mut(images);
        let (filters, scratch) = scratch.split_at_mut(forward.packed_len());
        for group in blocks.groups(images, self.each()) {
            let (good, count) = (&mut good[group.clone()], blocks.count(group.len()));
            let (inputs, scratch) = scratch.split_at_mut(count * blocks.len());
            let (outputs, scratch) = scratch.split_at_mut(count * self.output_block());
            let (bias, strips) = scratch.split_at_mut(count * forward.padded_target);
            let strips = &mut strips[..team.threads() * forward.strips.scratch_len()];
            let all = group.clone();
            forward.transform_images((team, isa), x, all, blocks, inputs, good, strips);
            self.transform_outputs((team, isa), dy, group.clone(), [inputs, outputs, bias, good]);
            for bias in bias.chunks_exact(forward.padded_target) {
                to.db.iter_mut().zip(bias).for_each(|(db, sum)| *db += *sum);
            }
            let (images, first) = (group.len(), group.start == 0);
            let group = Group { blocks, inputs, outputs, images, first };
            self.batch_products((team, isa), group, filters);
        }
        self.finish((team, isa), filters, to.dw);
        for (image, _) in good.iter().enumerate().filter(|(_, good)| **good != 1.0) {
            define(image, to);
        }
    }

    /// `A dy A'` for all tiles of a group of images, and the sums for the bias of each block. What
    /// belongs to an image that is not moderate, or whose gradient is not, becomes zero.
    fn transform_outputs(
        &self,
        (team, isa): (&Team, Isa),
        dy: Rows<'_, f32>,
        group: Range<usize>,
        [inputs, outputs, bias, good]: [&mut [f32]; 4],
    ) {
        let (blocks, forward) = (self.layout(), &self.forward);
        let [in_len, out_len, channels] =
            [blocks.len(), self.output_block(), forward.padded_target];
        let count = blocks.count(group.len());
        assert_eq!((inputs.len(), outputs.len()), (count * in_len, count * out_len));
        assert_eq!((bias.len(), good.len()), (count * channels, group.len()));
        let [inputs, outputs, bias, good] = [inputs, outputs, bias, good].map(Target::new);
        team.run(count, &|_, block| {
            let images = block * blocks.images..group.len().min((block + 1) * blocks.images);
            // SAFETY: a task has a block of each of its own, with its images.
            let (inputs, data, bias, good) = unsafe {
                (
                    inputs.part(block * in_len, in_len),
                    outputs.part(block * out_len, out_len),
                    bias.part(block * channels, channels),
                    good.part(images.start, images.len()),
                )
            };
            bias.fill(0.0);
            let tiles = blocks.images * forward.tile_count();
            let mut to = Outputs { data, stride: self.output_stride(), tiles, bias };
            let mut inputs =
                Transformed { data: inputs, stride: blocks.stride, channels: blocks.pitch };
            for (i, good) in good.iter_mut().enumerate() {
                let dy = dy.row(group.start + images.start + i);
                let first = i * forward.tile_count();
                let (to, inputs) = (&mut to, &mut inputs);
                dispatch!(isa, |s| {
                    let mut watch = Watch::new(s);
                    watch.look(dy);
                    if *good == 1.0 && watch.all_moderate() {
                        self.transform_image(s, dy, first, to);
                    } else {
                        *good = 0.0;
                        self.leave_out(s, first, inputs, to);
                    }
                });
            }
        });
    }

    /// The tiles of one image's gradient, to those from `first` on.
    #[inline(always)]
    fn transform_image<S: Simd>(&self, s: S, dy: &[f32], first: usize, to: &mut Outputs<'_>) {
        let (columns, all) = (self.forward.columns, 0..self.forward.padded_target);
        for tile in 0..self.forward.tile_count() {
            self.transform_output(s, dy, [tile / columns, tile % columns], first + tile, &all, to);
        }
    }

    /// Zeros for an image.
    #[inline(always)]
    fn leave_out<S: Simd>(
        &self,
        s: S,
        first: usize,
        inputs: &mut Transformed<'_>,
        to: &mut Outputs<'_>,
    ) {
        let Winograd { padded_source, padded_target, .. } = self.forward;
        let zeros = [[s.splat(0.0); IN]; IN];
        for tile in first..first + self.forward.tile_count() {
            for c in (0..padded_source).step_by(S::LANES) {
                inputs.store(s, tile, c, zeros);
            }
            for o in (0..padded_target).step_by(S::LANES) {
                to.block(o, block_width(S::LANES), padded_target).store(
                    s,
                    tile,
                    o % block_width(S::LANES),
                    zeros,
                );
            }
        }
    }

    /// The matrix products of all elements, to `filters`, which are laid out as the transformed
    /// filters.
    fn batch_products(&self, (team, isa): (&Team, Isa), group: Group<'_>, filters: &mut [f32]) {
        let Winograd { source_channels: depth, padded_target: padded, .. } = self.forward;
        assert_eq!(filters.len(), ELEMENTS * depth * padded);
        let filters = Target::new(filters);
        let widest = block_width(isa.lanes());
        let columns = padded.div_ceil(widest);
        team.run(ELEMENTS * columns, &|_, task| {
            let (element, first) = (task / columns, task % columns * widest);
            let width = widest.min(padded - first);
            let at = ELEMENTS * depth * first + element * depth * width;
            // SAFETY: this element of a block of channels is this task's alone.
            let filters = unsafe { filters.part(at, depth * width) };
            dispatch!(isa, |s| self.batch_product(s, (element, first, width), group, filters));
        });
    }

    /// One element of one or two vectors of output channels.
    #[inline(always)]
    fn batch_product<S: Simd>(
        &self,
        s: S,
        at @ (_, _, width): (usize, usize, usize),
        group: Group<'_>,
        filters: &mut [f32],
    ) {
        match (width == S::LANES, S::REGISTERS) {
            (true, _) => self.batch_sweep::<S, 8, 1>(s, at, group, filters),
            (_, 32..) => self.batch_sweep::<S, 8, 2>(s, at, group, filters),
            _ => self.batch_sweep::<S, 6, 2>(s, at, group, filters),
        }
    }

    /// The same, of `V` vectors, in steps of `P` input channels.
    #[inline(always)]
    fn batch_sweep<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        at: (usize, usize, usize),
        group: Group<'_>,
        filters: &mut [f32],
    ) {
        let depth = self.forward.source_channels;
        let mut c = 0;
        while c < depth {
            if tile_height(depth - c, P) == P {
                self.batch_some::<S, P, V>(s, at, c..depth.min(c + P), group, filters);
                c += P;
            } else {
                self.batch_some::<S, 4, V>(s, at, c..depth.min(c + 4), group, filters);
                c += 4;
            }
        }
    }

    /// Up to `P` input channels: their sums stay in registers for a whole group of images.
    #[inline(always)]
    fn batch_some<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        (element, first, width): (usize, usize, usize),
        channels: Range<usize>,
        group: Group<'_>,
        filters: &mut [f32],
    ) {
        let Group { blocks, inputs, outputs, images, .. } = group;
        let mut sums = [[s.splat(0.0); V]; P];
        for block in 0..blocks.count(images) {
            let some = blocks.images.min(images - block * blocks.images);
            let tiles = some * self.forward.tile_count();
            let inputs = &inputs[block * blocks.len() + element * blocks.stride..];
            // Behind the last channel the last one is computed again.
            let mut x = [inputs; P];
            for (p, x) in x.iter_mut().enumerate() {
                *x = &inputs[(channels.start + p).min(channels.end - 1)..];
            }
            let room = blocks.images * self.forward.tile_count();
            let at = block * self.output_block() + element * self.output_stride() + first * room;
            let outputs = &outputs[at..][..tiles * width];
            sums = tile::<S, P, V>(s, x, Runs::new(&[0], tiles, blocks.pitch), outputs, sums);
        }
        let filters = &mut filters[channels.start * width..channels.end * width];
        for (to, sums) in filters.chunks_exact_mut(width).zip(sums) {
            for (v, mut sum) in sums.into_iter().enumerate() {
                let to = &mut to[v * S::LANES..];
                if !group.first {
                    sum = s.add(s.load(to), sum);
                }
                s.store(to, sum);
            }
        }
    }

    /// `G' u G`, to all filters' gradients.
    fn finish(&self, (team, isa): (&Team, Isa), filters: &[f32], dw: &mut [f32]) {
        let Winograd { source_channels, target_channels, .. } = self.forward;
        assert_eq!(dw.len(), 9 * source_channels * target_channels);
        let dw = Target::new(dw);
        team.run(source_channels.div_ceil(FINISHED), &|_, task| {
            let channels = task * FINISHED..source_channels.min((task + 1) * FINISHED);
            for c in channels {
                dispatch!(isa, |s| self.finish_channel(
                    s,
                    c,
                    filters,
                    #[inline(always)]
                    |tap| {
                        let row = (tap * source_channels + c) * target_channels;
                        // SAFETY: `c` is this task's alone.
                        unsafe { dw.part(row, target_channels) }
                    }
                ));
            }
        });
    }

    /// The filters that read channel `c`, of which `rows(tap)` are the gradients.
    #[inline(always)]
    fn finish_channel<'a, S: Simd>(
        &self,
        s: S,
        c: usize,
        filters: &[f32],
        rows: impl Fn(usize) -> &'a mut [f32],
    ) {
        let Winograd { source_channels, target_channels, padded_target, .. } = self.forward;
        let depth = ELEMENTS * source_channels;
        for first in (0..padded_target).step_by(S::LANES) {
            let block = first - first % block_width(S::LANES);
            let width = block_width(S::LANES).min(padded_target - block);
            let filters = Tiles {
                data: &filters[depth * block..][..depth * width],
                stride: source_channels * width,
                channels: width,
            };
            let g = gradients(s, filters.load(s, c, first - block));
            for (tap, g) in g.as_flattened().iter().enumerate() {
                let to = &mut rows(tap)[first..target_channels.min(first + S::LANES)];
                s.store_tail(to, *g);
            }
        }
    }
}
