//! 2-D convolution (strictly: cross-correlation, as in every deep-learning library).
//!
//! `y[oy, ox, co] = bias[co] + sum over ty, tx, ci of x[iy, ix, ci] * w[ty, tx, ci, co]` with
//! `iy = oy * stride + ty * dilation - pad_before` (see [`Axis`](crate::Axis)), likewise `ix`.

use std::ops::Range;

use crate::{Conv2dKernel, Conv2dShape, OutputGradient, Real, Team};

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

    /// Calls `visit(x, y, w)` for every pair of an output pixel and a tap inside the input, with
    /// the indices of the first channel of the input pixel, of the output pixel, and of the first
    /// weight of the tap.
    fn each_tap(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let Conv2dShape { height, width, in_channels, out_channels } = self.shape;
        for oy in 0..height.output {
            for ox in 0..width.output {
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
        bias: &[R],
        y: &mut [R],
        _: &mut [R],
        then: &mut dyn FnMut(Range<usize>, &mut [R]),
    ) {
        let (ci, co) = (self.shape.in_channels, self.shape.out_channels);
        assert_eq!(x.len(), self.shape.input_len());
        assert_eq!(y.len(), self.shape.output_len());
        assert!(bias.is_empty() || bias.len() == co);
        for y in y.chunks_exact_mut(co) {
            if bias.is_empty() {
                y.fill(R::ZERO);
            } else {
                y.copy_from_slice(bias);
            }
        }
        self.each_tap(|x_at, y_at, w_at| {
            for i in 0..ci {
                for o in 0..co {
                    y[y_at + o] += x[x_at + i] * w[w_at + i * co + o];
                }
            }
        });
        then(0..self.shape.height.output, y);
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
        let (ci, co) = (self.shape.in_channels, self.shape.out_channels);
        assert_eq!(dx.len(), self.shape.input_len());
        assert_eq!(dy.len(), self.shape.output_len());
        dx.fill(R::ZERO);
        self.each_tap(|x_at, y_at, w_at| {
            for i in 0..ci {
                for o in 0..co {
                    dx[x_at + i] += dy[y_at + o] * w[w_at + i * co + o];
                }
            }
        });
    }

    fn grad_weights(&self, x: &[R], dy: &[R], dw: &mut [R], db: &mut [R], _: &mut [R]) {
        let (ci, co) = (self.shape.in_channels, self.shape.out_channels);
        assert_eq!(x.len(), self.shape.input_len());
        assert_eq!(dy.len(), self.shape.output_len());
        assert_eq!(dw.len(), self.shape.weights_len());
        assert!(db.is_empty() || db.len() == co);
        self.each_tap(|x_at, y_at, w_at| {
            for i in 0..ci {
                for o in 0..co {
                    dw[w_at + i * co + o] += x[x_at + i] * dy[y_at + o];
                }
            }
        });
        for dy in dy.chunks_exact(co) {
            db.iter_mut().zip(dy).for_each(|(db, &dy)| *db += dy);
        }
    }
}
