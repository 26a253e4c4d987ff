//! Many images at once.
//!
//! Image by image the transformed filters of many channels, four times as many numbers as the
//! filters, would be read from memory for a few tiles each. Here the tiles of a group of images are
//! transformed first; then each of the 36 elements is one matrix product over all of them, for which
//! its filters are read once; then the outputs are transformed back. Each of the three is shared
//! out to the threads by itself, the products by elements and channels, so that there is work for
//! many threads even where there are few images.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::zeros::{lists_len, pitch, step_height};
use super::{
    BITS, ELEMENTS, INPUTS, Lists, OUT, Tiles, Transformed, Winograd, block_width, element_stride,
    pad_bias,
};
use crate::conv2d::pieces::Target;
use crate::conv2d::tile::{Runs, listed_tile, steps, tile};
use crate::reference::Region;
use crate::simd::{Simd, dispatch};
use crate::{Chunks, Isa, Rows, RowsMut, Team};

/// The most transformed numbers of a group of images (12 MiB): they pass from one phase to the next
/// in a shared cache.
const GROUP: usize = 3 << 20;
/// The least tiles of a block.
const BLOCK: usize = 16;
/// Steps of which one task lists the channels.
const LISTED: usize = 8;

/// What goes from a batch to a batch.
#[derive(Clone, Copy)]
pub(in crate::conv2d) struct BatchOperands<'a> {
    pub(in crate::conv2d) source: Rows<'a, f32>,
    pub(in crate::conv2d) packed: &'a [f32],
    /// Empty is zero.
    pub(in crate::conv2d) bias: &'a [f32],
    /// Whether all filters are [moderate](super::super::moderate).
    pub(in crate::conv2d) moderate: bool,
    /// Computes some of an image's target by the definition.
    pub(in crate::conv2d) define: &'a (dyn Fn(usize, &Region, &mut [f32]) + Sync),
}

/// What one element's products are made of, for a block of channels.
#[derive(Clone, Copy)]
struct Products<'a> {
    tiles: usize,
    blocks: Blocks,
    inputs: &'a [f32],
    lists: Lists<'a>,
    filters: &'a [f32],
    /// Where they go, and where the first begins.
    to: (Target<'a>, usize),
}

/// How the tiles of a group of images lie: blocks of some images, in each element by element
/// `tiles x channels`.
#[derive(Clone, Copy)]
pub(in crate::conv2d) struct Blocks {
    /// Tiles of an image.
    tiles: usize,
    /// Images of a block.
    pub(in crate::conv2d) images: usize,
    /// From one tile to the next: not as many as there are channels, a power of two that would send
    /// all tiles to the same few sets of the cache.
    pub(in crate::conv2d) pitch: usize,
    /// From one element to the next.
    pub(in crate::conv2d) stride: usize,
}

impl Blocks {
    pub(in crate::conv2d) fn new(tiles: usize, channels: usize) -> Self {
        let images = BLOCK.div_ceil(tiles);
        let pitch = channels + 16;
        Self { tiles, images, pitch, stride: element_stride(images * tiles, pitch) }
    }

    /// Numbers of a block, with [`BITS`].
    pub(in crate::conv2d) fn len(&self) -> usize {
        INPUTS * self.stride
    }

    /// Blocks of so many images.
    pub(in crate::conv2d) fn count(&self, images: usize) -> usize {
        images.div_ceil(self.images)
    }

    /// Where an element of a tile begins, counted over all blocks.
    #[inline(always)]
    fn at(&self, element: usize, tile: usize) -> usize {
        let block = self.images * self.tiles;
        tile / block * self.len() + element * self.stride + tile % block * self.pitch
    }

    /// The images of each group of a batch: as even as whole blocks allow, of at most `each`
    /// elements an image. Depends on the number of images alone.
    pub(in crate::conv2d) fn groups(
        &self,
        images: usize,
        each: usize,
    ) -> impl Iterator<Item = Range<usize>> + use<> {
        let group = self.group(images, each);
        (0..images).step_by(group).map(move |start| start..images.min(start + group))
    }

    /// The most images that a group has, of a batch of at most so many.
    pub(in crate::conv2d) fn most(&self, images: usize, each: usize) -> usize {
        let most = (GROUP / each / self.images).max(1) * self.images;
        most.min(images.next_multiple_of(self.images).max(self.images))
    }

    fn group(&self, images: usize, each: usize) -> usize {
        let most = self.most(images, each);
        let groups = images.div_ceil(most).max(1);
        images.div_ceil(groups).next_multiple_of(self.images).max(self.images)
    }
}

impl Winograd {
    /// Tiles of an image.
    pub(in crate::conv2d) fn tile_count(&self) -> usize {
        self.target_height.div_ceil(OUT) * self.columns
    }

    fn layout(&self) -> Blocks {
        Blocks::new(self.tile_count(), self.padded_source)
    }

    /// From one tile of the products to the next.
    fn product_pitch(&self) -> usize {
        self.padded_target + 16
    }

    /// Elements that an image has in both the transformed tiles and the products.
    fn each(&self) -> usize {
        self.tile_count() * (INPUTS * self.layout().pitch + ELEMENTS * self.product_pitch())
    }

    /// Working memory of [`Self::run_batch`].
    pub(in crate::conv2d) fn batch_scratch_len(&self, images: usize, threads: usize) -> usize {
        let blocks = self.layout();
        let group = blocks.most(images, self.each());
        let tiles = group * self.tile_count();
        let products = ELEMENTS * element_stride(tiles, self.product_pitch());
        let strips = threads * self.strips.scratch_len();
        let lists = lists_len(tiles, self.padded_source);
        self.padded_target + group + blocks.count(group) * blocks.len() + products + strips + lists
    }

    /// A batch. `target` is overwritten. Returns the multiply-adds that were made.
    pub(in crate::conv2d) fn run_batch(
        &self,
        (team, isa): (&Team, Isa),
        operands: BatchOperands<'_>,
        target: &mut RowsMut<'_, f32>,
        scratch: &mut [f32],
    ) -> u64 {
        let BatchOperands { source, packed, bias, moderate, define } = operands;
        let images = source.len();
        assert_eq!((source.width(), target.len()), (self.source_len, images));
        let target_len = self.target_height * self.target_width * self.target_channels;
        assert_eq!(target.width(), target_len);
        assert_eq!(packed.len(), self.packed_len());
        assert!(bias.is_empty() || bias.len() == self.target_channels);
        let blocks = self.layout();
        let (padded_bias, scratch) = scratch.split_at_mut(self.padded_target);
        pad_bias(bias, padded_bias);
        let (padded_bias, mut skipped) = (&*padded_bias, 0);
        for group in blocks.groups(images, self.each()) {
            let (good, scratch) = scratch.split_at_mut(group.len());
            let len = blocks.count(group.len()) * blocks.len();
            let (inputs, scratch) = scratch.split_at_mut(len);
            let strips = team.threads() * self.strips.scratch_len();
            let (strips, scratch) = scratch.split_at_mut(strips);
            self.transform_images((team, isa), source, group.clone(), blocks, inputs, good, strips);
            let tiles = group.len() * self.tile_count();
            let (lists, products) = scratch.split_at_mut(lists_len(tiles, self.padded_source));
            skipped += self.list_batch((team, isa), tiles, blocks, inputs, lists);
            let stride = element_stride(tiles, self.product_pitch());
            let products = &mut products[..ELEMENTS * stride];
            self.batch_products((team, isa), tiles, blocks, [inputs, lists, packed], products);
            let products = Tiles { data: products, stride, channels: self.product_pitch() };
            let (target, good) = (&*target, &*good);
            team.run(group.len(), &|_, i| {
                let image = group.start + i;
                // SAFETY: the row of this image, which is this task's alone.
                let target = unsafe {
                    std::slice::from_raw_parts_mut(target.row_ptr(image), target.width())
                };
                if moderate && good[i] == 1.0 {
                    let to = Target::new(target);
                    // SAFETY: as above.
                    dispatch!(isa, |s| unsafe {
                        self.finish_image(s, products, i, padded_bias, to);
                    });
                } else {
                    // A tile would spread what is not finite, or overflow.
                    define(image, &Region::all(self.target_height, self.target_width), target);
                }
            });
        }
        self.made() * images as u64 - skipped
    }

    /// `B' d B` for all tiles of a group of images. `good` is 1 for the images that are moderate,
    /// else 0.
    #[expect(clippy::too_many_arguments, reason = "memory of three kinds")]
    pub(in crate::conv2d) fn transform_images(
        &self,
        (team, isa): (&Team, Isa),
        source: Rows<'_, f32>,
        group: Range<usize>,
        blocks: Blocks,
        to: &mut [f32],
        good: &mut [f32],
        strips: &mut [f32],
    ) {
        let strip_len = self.strips.scratch_len();
        assert!(strips.len() >= team.threads() * strip_len && good.len() == group.len());
        assert_eq!(to.len(), blocks.count(group.len()) * blocks.len());
        let [to, good, strips] = [to, good, strips].map(Target::new);
        team.run(blocks.count(group.len()), &|worker, block| {
            let images = block * blocks.images..group.len().min((block + 1) * blocks.images);
            let len = blocks.len();
            // SAFETY: a task has a block of its own, with its images, and a worker a strip.
            let (data, good, strip) = unsafe {
                (
                    to.part(block * len, len),
                    good.part(images.start, images.len()),
                    strips.part(worker * strip_len, strip_len),
                )
            };
            let mut to = Transformed { data, stride: blocks.stride, channels: blocks.pitch };
            for (i, good) in good.iter_mut().enumerate() {
                let source = source.row(group.start + images.start + i);
                let first = i * self.tile_count();
                let (to, strip) = (&mut to, &mut *strip);
                let moderate =
                    dispatch!(isa, |s| self.transform_image(s, source, first, to, strip));
                *good = f32::from(u8::from(moderate));
            }
        });
    }

    /// The tiles of one image, to those from `first` on. Returns whether it is moderate.
    #[inline(always)]
    fn transform_image<S: Simd>(
        &self,
        s: S,
        source: &[f32],
        first: usize,
        to: &mut Transformed<'_>,
        scratch: &mut [f32],
    ) -> bool {
        let mut all = true;
        for strip in self.strips.iter() {
            let (view, moderate) = self.strips.watched_view(s, &strip, source, scratch);
            all &= moderate;
            for row in strip.clone() {
                for column in 0..self.columns {
                    let tile = first + row * self.columns + column;
                    self.transform_input(s, view, row - strip.start, column, tile, to);
                }
            }
        }
        all
    }

    /// Lists the channels of each step that are not zero, see [`Lists`]; returns the multiply-adds that are
    /// going to be skipped.
    fn list_batch(
        &self,
        (team, isa): (&Team, Isa),
        tiles: usize,
        blocks: Blocks,
        inputs: &[f32],
        lists: &mut [f32],
    ) -> u64 {
        let (pitch, skipped) = (pitch(self.padded_source), AtomicU64::new(0));
        team.share(Chunks::new(lists, LISTED * pitch), |task, lists| {
            let some = dispatch!(isa, |s| {
                let mut skipped = 0;
                let some = steps(tiles, self.batch_height(s)).skip(task * LISTED);
                for ((at, height), to) in some.zip(lists.chunks_exact_mut(pitch)) {
                    skipped += self.list(
                        s,
                        at..tiles.min(at + height),
                        #[inline(always)]
                        |tile| &inputs[blocks.at(BITS, tile)..],
                        to,
                    );
                }
                skipped * ELEMENTS * self.listed_targets(s)
            });
            skipped.fetch_add(some as u64, Ordering::Relaxed);
        });
        skipped.into_inner()
    }

    /// The channels of the target whose products skip what is not listed.
    #[inline(always)]
    fn listed_targets<S: Simd>(&self, s: S) -> usize {
        let rest = self.padded_target % block_width(S::LANES);
        let alike = rest == 0 || step_height::<S>(rest) == self.batch_height(s);
        if alike { self.padded_target } else { self.padded_target - rest }
    }

    /// How many tiles a step of a batch has, for all blocks of channels but one that is narrower.
    #[inline(always)]
    fn batch_height<S: Simd>(&self, _: S) -> usize {
        step_height::<S>(block_width(S::LANES).min(self.padded_target))
    }

    /// The matrix products of all elements: element by element `tiles x channels`.
    fn batch_products(
        &self,
        (team, isa): (&Team, Isa),
        tiles: usize,
        blocks: Blocks,
        [inputs, lists, packed]: [&[f32]; 3],
        products: &mut [f32],
    ) {
        let stride = products.len() / ELEMENTS;
        assert!(tiles * self.product_pitch() <= stride);
        let products = Target::new(products);
        let widest = block_width(isa.lanes());
        let columns = self.padded_target.div_ceil(widest);
        team.run(ELEMENTS * columns, &|_, task| {
            let (element, first) = (task / columns, task % columns * widest);
            let width = widest.min(self.padded_target - first);
            let rows = ELEMENTS * self.source_channels;
            let depth = self.source_channels * width;
            let filters = &packed[rows * first..][element * depth..][..depth];
            let to = (products, element * stride + first);
            let lists = Lists::new(lists, self.padded_source);
            let operands = Products { tiles, blocks, inputs, lists, filters, to };
            // SAFETY: these channels of an element are this task's alone.
            dispatch!(isa, |s| unsafe { self.batch_product(s, element, width, operands) });
        });
    }

    /// One element of one or two vectors of output channels.
    ///
    /// # Safety
    /// Nobody else uses these channels of the tiles, which begin at `to`.
    #[inline(always)]
    unsafe fn batch_product<S: Simd>(
        &self,
        s: S,
        element: usize,
        width: usize,
        operands: Products<'_>,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            match (width == S::LANES, S::REGISTERS) {
                (true, _) => self.sweep::<S, 8, 1>(s, element, operands),
                (_, 32..) => self.sweep::<S, 8, 2>(s, element, operands),
                _ => self.sweep::<S, 6, 2>(s, element, operands),
            }
        }
    }

    /// The same, of `V` vectors, in steps of `P` tiles.
    ///
    /// # Safety
    /// As [`Self::batch_product`].
    #[inline(always)]
    unsafe fn sweep<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        element: usize,
        operands: Products<'_>,
    ) {
        let tiles = operands.tiles;
        for (step, (at, height)) in steps(tiles, P).enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let listed =
                    if self.batch_height(s) == P { Some(operands.lists.of(step)) } else { None };
                if height == P {
                    self.batch_tile::<S, P, V>(s, element, at..tiles, listed, operands);
                } else {
                    self.batch_tile::<S, 4, V>(s, element, at..tiles, listed, operands);
                }
            }
        }
    }

    /// The first `P` of some tiles; of their channels those that are listed, if they are.
    ///
    /// # Safety
    /// As [`Self::batch_product`].
    #[inline(always)]
    unsafe fn batch_tile<S: Simd, const P: usize, const V: usize>(
        &self,
        s: S,
        element: usize,
        tiles: Range<usize>,
        listed: Option<&[f32]>,
        Products { blocks, inputs, filters, to, .. }: Products<'_>,
    ) {
        // Behind the last tile the last one is computed again.
        let mut x: [&[f32]; P] = [&[]; P];
        for (p, x) in x.iter_mut().enumerate() {
            *x = &inputs[blocks.at(element, (tiles.start + p).min(tiles.end - 1))..];
        }
        let (depth, none) = (self.source_channels, [[s.splat(0.0); V]; P]);
        let sums = match listed {
            Some(listed) if listed.len() < depth => {
                listed_tile::<S, P, V>(s, x, (listed, depth), filters, none)
            }
            _ => tile::<S, P, V>(s, x, Runs::new(&[0], depth, self.step), filters, none),
        };
        for (sums, tile) in sums.into_iter().zip(tiles) {
            let at = to.1 + tile * self.product_pitch();
            // SAFETY: the caller's promise.
            let to = unsafe { to.0.part(at, V * S::LANES) };
            for (v, sum) in sums.into_iter().enumerate() {
                // As a tail, lest portable lanes are taken apart.
                s.store_tail(&mut to[v * S::LANES..][..S::LANES], sum);
            }
        }
    }

    /// Transforms the products of image `i` of a group back.
    ///
    /// # Safety
    /// Nobody else uses the target.
    #[inline(always)]
    unsafe fn finish_image<S: Simd>(
        &self,
        s: S,
        products: Tiles<'_>,
        i: usize,
        bias: &[f32],
        target: Target<'_>,
    ) {
        let all = 0..self.target_channels;
        for tile in 0..self.tile_count() {
            let place = [tile / self.columns, tile % self.columns];
            let from = i * self.tile_count() + tile;
            // SAFETY: the caller's promise.
            unsafe {
                self.put_tile(s, products, from, (bias, f32::NEG_INFINITY), place, &all, target)
            };
        }
    }
}
