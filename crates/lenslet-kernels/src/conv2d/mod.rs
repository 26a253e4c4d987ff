//! Convolution with vectors.
//!
//! * [`line`]: what reaches what along one axis, in both directions;
//! * [`strips`]: an image with zeros around it;
//! * [`tile`]: the inner loop;
//! * [`correlation`]: the forward pass, and the gradient of the input, which is a correlation too;
//! * [`weight_gradient`]: the gradient of filters and bias.

mod correlation;
mod line;
mod strips;
mod tile;
mod weight_gradient;

use crate::simd::{Simd, dispatch};
use crate::{Conv2dKernel, Conv2dShape, Isa, Team};
use correlation::Correlation;
use line::Line;
use weight_gradient::WeightGradient;

/// A direct convolution: every multiplication of the definition is made, with vector lanes along
/// output channels. Any window, stride, padding and number of channels.
///
/// Zeros of the padding take part in the sums: where a filter (or, for the gradient of the
/// filters, the output's gradient) is infinite, `0 * infinity` makes the pixels next to the border
/// NaN.
#[derive(Clone, Debug)]
pub struct Conv2d {
    isa: Isa,
    lanes: usize,
    shape: Conv2dShape,
    forward: Correlation,
    backward: Correlation,
    weights: WeightGradient,
}

impl Conv2d {
    /// A convolution of this shape.
    pub fn new(isa: Isa, shape: Conv2dShape) -> Self {
        let lanes = dispatch!(isa, |s| lanes(s));
        let Conv2dShape { height, width, in_channels, out_channels } = shape;
        let forward = (Line::forward(&height), Line::forward(&width));
        let backward = (Line::backward(&height), Line::backward(&width));
        Self {
            isa,
            lanes,
            shape,
            forward: Correlation::new(forward, in_channels, out_channels, lanes),
            backward: Correlation::new(backward, out_channels, in_channels, lanes),
            weights: WeightGradient::new(&shape, lanes),
        }
    }
}

fn lanes<S: Simd>(_: S) -> usize {
    S::LANES
}

impl Conv2dKernel<f32> for Conv2d {
    fn shape(&self) -> &Conv2dShape {
        &self.shape
    }

    fn packed_len(&self) -> usize {
        self.forward.packed_len() + self.backward.packed_len()
    }

    fn scratch_len(&self) -> usize {
        let both = self.forward.scratch_len().max(self.backward.scratch_len());
        both.max(self.weights.scratch_len())
    }

    fn pack(&self, team: &Team, w: &[f32], packed: &mut [f32], backward: bool) {
        assert_eq!(w.len(), self.shape.weights_len());
        assert_eq!(packed.len(), self.packed_len());
        let (ci, co) = (self.shape.in_channels, self.shape.out_channels);
        let (forward, transposed) = packed.split_at_mut(self.forward.packed_len());
        self.forward.pack(team, self.lanes, forward, |tap, c, o| w[(tap * ci + c) * co + o]);
        if backward {
            self.backward
                .pack(team, self.lanes, transposed, |tap, c, o| w[(tap * ci + o) * co + c]);
        }
    }

    fn forward(&self, x: &[f32], packed: &[f32], bias: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let packed = &packed[..self.forward.packed_len()];
        self.forward.run(self.isa, x, packed, bias, y, scratch);
    }

    fn grad_input(&self, dy: &[f32], packed: &[f32], dx: &mut [f32], scratch: &mut [f32]) {
        let packed = &packed[self.forward.packed_len()..];
        self.backward.run(self.isa, dy, packed, &[], dx, scratch);
    }

    fn grad_weights(
        &self,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        scratch: &mut [f32],
    ) {
        assert_eq!(x.len(), self.shape.input_len());
        assert_eq!(dy.len(), self.shape.output_len());
        self.weights.run(self.isa, x, dy, dw, db, scratch);
    }
}
