//! A convolution of all images of a batch at once.

use super::winograd::narrow::CHANNELS;
use super::winograd::{self, BatchOperands, ELEMENTS, TAPS, Winograd};
use super::winograd_gradient::{FilterGradients, WinogradGradient};
use super::{Algorithm, Conv2d, Pass};
use crate::reference::Region;
use crate::{Conv2dBatch, Conv2dKernel, Conv2dShape, Rows, RowsMut, Team};

/// Filters from so many channels times to so many, once transformed, do not stay in a core's own cache
/// beside the tiles.
const MANY: usize = 1 << 13;
/// Tiles of an image at most: with more of them the filters are read once for as many.
const FEW: usize = 16;
/// The filters are more than so many times an image's transformed numbers.
const HEAVY: usize = 2;

/// Whether all images of a batch are best taken at once, by Winograd's algorithm in both directions:
/// an image alone has too few tiles for as many filters.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    let &Conv2dShape { height, width, in_channels, out_channels } = shape;
    let filters = in_channels * out_channels;
    let maps = [(height.output, width.output), (height.input, width.input)];
    filters >= MANY
        && in_channels.min(out_channels) > CHANNELS
        && maps.into_iter().all(|map| {
            let tiles = winograd::tiles(map);
            // However empty the tiles are, the direct sum has as many products.
            let no_more = ELEMENTS * tiles <= TAPS * map.0 * map.1;
            let heavy = filters > HEAVY * tiles * (in_channels + out_channels);
            tiles <= FEW && heavy && no_more
        })
}

/// The gradient of the filters for whole batches.
pub(super) fn gradient(
    algorithm: Algorithm,
    shape: &Conv2dShape,
    passes: [&Pass; 2],
) -> Option<WinogradGradient> {
    let [Pass::Winograd(forward), Pass::Winograd(back)] = passes else { return None };
    let wanted = algorithm.is_winograd(|| pays(shape)) && !forward.narrow && !back.narrow;
    wanted.then(|| WinogradGradient::new(forward.clone()))
}

impl Conv2d {
    fn for_batches(&self) -> (&Winograd, &Winograd, &WinogradGradient) {
        match (&self.forward, &self.backward, &self.batch) {
            (Pass::Winograd(forward), Pass::Winograd(backward), Some(gradient)) => {
                (forward, backward, gradient)
            }
            _ => unreachable!("`batch` says so"),
        }
    }
}

impl Conv2dBatch<f32> for Conv2d {
    fn batch_scratch_len(&self, images: usize, threads: usize, backward: bool) -> usize {
        let (forward, back, gradient) = self.for_batches();
        let len = forward.batch_scratch_len(images, threads);
        if !backward {
            return len;
        }
        let back = back.batch_scratch_len(images, threads);
        len.max(back).max(gradient.batch_scratch_len(images, threads))
    }

    fn forward_batch(
        &self,
        team: &Team,
        x: Rows<'_, f32>,
        packed: &[f32],
        bias: &[f32],
        mut y: RowsMut<'_, f32>,
        scratch: &mut [f32],
    ) -> u64 {
        let packed = self.packed(packed);
        let define = &|image: usize, region: &Region, y: &mut [f32]| {
            self.reference().forward_region(region, x.row(image), packed.plain, bias, y);
        };
        let (source, moderate) = (x, packed.moderate);
        let operands = BatchOperands { source, packed: packed.forward, bias, moderate, define };
        self.for_batches().0.run_batch((team, self.isa), operands, &mut y, scratch)
    }

    fn backward_batch(
        &self,
        team: &Team,
        x: Rows<'_, f32>,
        dy: Rows<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: Option<RowsMut<'_, f32>>,
        scratch: &mut [f32],
    ) -> u64 {
        let (shape, packed) = (&self.shape, self.packed(packed));
        assert_eq!([x.width(), dy.width()], [shape.input_len(), shape.output_len()]);
        let define = &|image: usize, to: &mut FilterGradients<'_>| {
            let (x, dy) = (x.row(image), dy.row(image));
            self.reference().grad_weights(x, dy, to.dw, to.db, &mut []);
        };
        let with = (team, self.isa);
        let mut to = FilterGradients { dw, db };
        let (_, backward, gradient) = self.for_batches();
        gradient.run_batch(with, x, dy, &mut to, scratch, define);
        let mut made = gradient.made() * x.len() as u64;
        if let Some(mut dx) = dx {
            let define = &|image: usize, region: &Region, dx: &mut [f32]| {
                self.reference().grad_input_region(region, dy.row(image), packed.plain, dx);
            };
            let (source, moderate) = (dy, packed.moderate);
            let packed = packed.backward;
            let operands = BatchOperands { source, packed, bias: &[], moderate, define };
            made += backward.run_batch(with, operands, &mut dx, scratch);
        }
        made
    }
}
