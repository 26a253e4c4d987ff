//! 2-D convolution (strictly: cross-correlation, as in every deep-learning library).
//!
//! `y[oy, ox, co] = bias[co] + sum over ty, tx, ci of x[iy, ix, ci] * w[ty, tx, ci, co]` with
//! `iy = oy * stride + ty * dilation - pad_before` (see [`Axis`](crate::Axis)), likewise `ix`.

use std::ops::Range;

use crate::{Conv2dKernel, Conv2dShape, Finish, OutputGradient, Real, Team};

/// The convolution of the specification. Its packed filters are the filters.
#[derive(Clone, Copy, Debug)]
pub struct ReferenceConv2d {
    shape: Conv2dShape,
}

impl ReferenceConv2d {
    /// A convolution of this shape.
    pub fn new(shape: Conv2dShape) -> Self {
        Self { shape }
    }

    /// Calls `visit(x, y, w)` for every pair of an output pixel of the region and a tap inside the
    /// input, with the indices of the first channel of the input pixel, of the output pixel, and of
    /// the first weight of the tap.
    fn each_tap(&self, region: &Region, mut visit: impl FnMut(usize, usize, usize)) {
        let Conv2dShape { height, width, in_channels, out_channels } = self.shape;
        for (oy, ox) in region.pixels() {
            for ty in 0..height.window {
                for tx in 0..width.window {
                    if let (Some(iy), Some(ix)) = (height.at(oy, ty), width.at(ox, tx)) {
                        visit(
                            (iy * width.input + ix) * in_channels,
                            (oy * width.output + ox) * out_channels,
                            (ty * width.window + tx) * in_channels * out_channels,
                        );
                    }
                }
            }
        }
    }

    /// Some pixels of the output.
    pub(crate) fn forward_region<R: Real>(
        &self,
        region: &Region,
        x: &[R],
        w: &[R],
        bias: &[R],
        y: &mut [R],
    ) {
        let Conv2dShape { width, in_channels: ci, out_channels: co, .. } = self.shape;
        for (oy, ox) in region.pixels() {
            let y = &mut y[(oy * width.output + ox) * co..][..co];
            if bias.is_empty() {
                y.fill(R::ZERO);
            } else {
                y.copy_from_slice(bias);
            }
        }
        self.each_tap(region, |x_at, y_at, w_at| {
            for i in 0..ci {
                for o in 0..co {
                    y[y_at + o] += x[x_at + i] * w[w_at + i * co + o];
                }
            }
        });
    }

    /// Makes what is below zero zero, in some pixels of the output.
    pub(crate) fn rectify_region<R: Real>(&self, region: &Region, y: &mut [R]) {
        let Conv2dShape { width, out_channels, .. } = self.shape;
        for (oy, ox) in region.pixels() {
            let y = &mut y[(oy * width.output + ox) * out_channels..][..out_channels];
            y.iter_mut().filter(|y| **y < R::ZERO).for_each(|y| *y = R::ZERO);
        }
    }

    /// Some pixels of the input's gradient.
    pub(crate) fn grad_input_region<R: Real>(
        &self,
        region: &Region,
        dy: &[R],
        w: &[R],
        dx: &mut [R],
    ) {
        let Conv2dShape { height, width, in_channels: ci, out_channels: co } = self.shape;
        for (iy, ix) in region.pixels() {
            let dx = &mut dx[(iy * width.input + ix) * ci..][..ci];
            dx.fill(R::ZERO);
            for ty in 0..height.window {
                for tx in 0..width.window {
                    if let (Some(oy), Some(ox)) = (height.reader(iy, ty), width.reader(ix, tx)) {
                        let dy = &dy[(oy * width.output + ox) * co..][..co];
                        let w = &w[(ty * width.window + tx) * ci * co..][..ci * co];
                        for (dx, w) in dx.iter_mut().zip(w.chunks_exact(co)) {
                            dy.iter().zip(w).for_each(|(&dy, &w)| *dx += dy * w);
                        }
                    }
                }
            }
        }
    }

    /// Adds the gradient of the filters from some channels of the input to some of the output, as
    /// far as it comes from some pixels of the output.
    pub(crate) fn grad_weights_region<R: Real>(
        &self,
        region: &Region,
        [ins, outs]: [Range<usize>; 2],
        x: &[R],
        dy: &[R],
        dw: &mut [R],
    ) {
        let co = self.shape.out_channels;
        self.each_tap(region, |x_at, y_at, w_at| {
            for i in ins.clone() {
                for o in outs.clone() {
                    dw[w_at + i * co + o] += x[x_at + i] * dy[y_at + o];
                }
            }
        });
    }
}

/// Some pixels of a map.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
}

impl Region {
    /// All the pixels of a map of this height and width.
    pub(crate) fn all(height: usize, width: usize) -> Self {
        Self { rows: 0..height, columns: 0..width }
    }

    /// (row, column) of each.
    fn pixels(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.rows.clone().flat_map(|row| self.columns.clone().map(move |column| (row, column)))
    }
}

impl<R: Real> Conv2dKernel<R> for ReferenceConv2d {
    fn shape(&self) -> &Conv2dShape {
        &self.shape
    }

    fn packed_len(&self) -> usize {
        self.shape.weights_len()
    }

    fn scratch_len(&self) -> usize {
        0
    }

    fn pack(&self, _: &Team, w: &[R], packed: &mut [R], _backward: bool) {
        packed.copy_from_slice(w);
    }

    fn forward_rows(
        &self,
        x: &[R],
        w: &[R],
        Finish { bias, rectify }: Finish<'_, R>,
        y: &mut [R],
        _: &mut [R],
        then: &mut dyn FnMut(Range<usize>, &mut [R]),
    ) -> u64 {
        let Conv2dShape { height, width, out_channels, .. } = self.shape;
        assert_eq!(x.len(), self.shape.input_len());
        assert_eq!(y.len(), self.shape.output_len());
        assert!(bias.is_empty() || bias.len() == out_channels);
        let all = Region::all(height.output, width.output);
        self.forward_region(&all, x, w, bias, y);
        if rectify {
            self.rectify_region(&all, y);
        }
        then(0..self.shape.height.output, y);
        self.shape.multiply_adds()
    }

    fn backward(
        &self,
        x: &[R],
        dy: OutputGradient<'_, R>,
        w: &[R],
        dw: &mut [R],
        db: &mut [R],
        dx: &mut [R],
        scratch: &mut [R],
    ) -> u64 {
        let mut every = Vec::new();
        let dy = match dy {
            OutputGradient::Dense(dy) => dy,
            OutputGradient::Pooled(pooled) => {
                every.resize(self.shape.output_len(), R::ZERO);
                pooled.spread(&mut every);
                &every
            }
        };
        self.grad_weights(x, dy, dw, db, scratch);
        if !dx.is_empty() {
            self.grad_input(dy, w, dx, scratch);
        }
        self.shape.multiply_adds() * (1 + u64::from(!dx.is_empty()))
    }

    fn grad_input(&self, dy: &[R], w: &[R], dx: &mut [R], _: &mut [R]) {
        let Conv2dShape { height, width, .. } = self.shape;
        assert_eq!(dx.len(), self.shape.input_len());
        assert_eq!(dy.len(), self.shape.output_len());
        self.grad_input_region(&Region::all(height.input, width.input), dy, w, dx);
    }

    fn grad_weights(&self, x: &[R], dy: &[R], dw: &mut [R], db: &mut [R], _: &mut [R]) {
        let Conv2dShape { height, width, in_channels: ci, out_channels: co } = self.shape;
        assert_eq!(x.len(), self.shape.input_len());
        assert_eq!(dy.len(), self.shape.output_len());
        assert_eq!(dw.len(), self.shape.weights_len());
        assert!(db.is_empty() || db.len() == co);
        let all = Region::all(height.output, width.output);
        self.grad_weights_region(&all, [0..ci, 0..co], x, dy, dw);
        for dy in dy.chunks_exact(co) {
            db.iter_mut().zip(dy).for_each(|(db, &dy)| *db += dy);
        }
    }
}
