use lenslet_kernels::{
    Axis, Conv2dKernel, Conv2dShape, DepthwiseShape, GroupedConv2d, Kernels, OutputGradient,
    Pool2dShape, Team,
};

use crate::common::Random;
use crate::{Layer, check, nothing, ones, windows};

/// In so many groups; without any if there is one.
#[derive(Debug)]
struct Convolution {
    shape: Conv2dShape,
    groups: usize,
}

impl Layer<4, 7> for Convolution {
    /// Winograd's.
    const TOLERANCE: f64 = 4e-5;

    fn operands(&self, random: &Random) -> [Vec<f64>; 4] {
        let Self { shape, groups } = self;
        let (x, y, w) = (shape.input_len(), shape.output_len(), shape.weights_len() / groups);
        [x, w, shape.out_channels, y].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(&self, kernels: &K, operands: [&[K::Real]; 4]) -> [Vec<K::Real>; 7] {
        match self.groups {
            1 => results(&kernels.conv2d(self.shape), operands),
            groups => results(&GroupedConv2d::new(kernels, self.shape, groups), operands),
        }
    }
}

/// The output; both gradients by themselves, those of filters and bias from 1; then at once.
fn results<R: lenslet_kernels::Real>(
    kernel: &impl Conv2dKernel<R>,
    [x, w, bias, dy]: [&[R]; 4],
) -> [Vec<R>; 7] {
    let mut packed = nothing(kernel.packed_len());
    let scratch = &mut nothing(kernel.scratch_len())[..];
    kernel.pack(&Team::new(1), w, &mut packed, true);
    let (mut y, mut dx) = (nothing(dy.len()), nothing(x.len()));
    let (mut dw, mut db) = (ones(w.len()), ones(bias.len()));
    kernel.forward(x, &packed, bias, &mut y, scratch);
    kernel.grad_input(dy, &packed, &mut dx, scratch);
    kernel.grad_weights(x, dy, &mut dw, &mut db, scratch);
    let (mut dx_too, mut dw_too) = (nothing(x.len()), ones(w.len()));
    let mut dw_alone = ones(w.len());
    let all = OutputGradient::Dense(dy);
    kernel.backward(x, all, &packed, &mut dw_too, &mut [], &mut dx_too, scratch);
    kernel.backward(x, all, &packed, &mut dw_alone, &mut [], &mut [], scratch);
    [y, dx, dw, db, dx_too, dw_too, dw_alone]
}

fn each_shape(channels: [(usize, usize); 3], groups: usize) {
    for (height, width) in windows() {
        for (in_channels, out_channels) in channels {
            let shape = Conv2dShape { height, width, in_channels, out_channels };
            check(&Convolution { shape, groups });
        }
    }
}

#[test]
fn convolution() {
    each_shape([(1, 1), (1, 17), (17, 1)], 1);
}

/// Where Winograd's algorithm pays.
#[test]
fn convolution_of_many_channels() {
    let axes = [Axis::same(9, 3, 1, 1), Axis::valid(10, 3, 1, 1), Axis::same(16, 3, 1, 1)];
    for axis in axes.into_iter().flatten() {
        let shape = Conv2dShape { height: axis, width: axis, in_channels: 16, out_channels: 17 };
        check(&Convolution { shape, groups: 1 });
    }
}

#[test]
fn convolution_in_groups() {
    each_shape([(2, 2), (2, 6), (6, 2)], 2);
}

#[derive(Debug)]
struct Depthwise(DepthwiseShape);

impl Layer<4, 4> for Depthwise {
    fn operands(&self, random: &Random) -> [Vec<f64>; 4] {
        let Self(shape) = self;
        let (x, y) = (shape.window.input_len(), shape.output_len());
        [x, shape.weights_len(), shape.out_channels(), y].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(&self, kernels: &K, [x, w, bias, dy]: [&[K::Real]; 4]) -> [Vec<K::Real>; 4] {
        let Self(shape) = self;
        let (mut y, mut dx) = (nothing(dy.len()), nothing(x.len()));
        let (mut dw, mut db) = (ones(w.len()), ones(bias.len()));
        kernels.depthwise_forward(shape, x, w, bias, &mut y);
        kernels.depthwise_grad_input(shape, dy, w, &mut dx);
        kernels.depthwise_grad_weights(shape, x, dy, &mut dw, &mut db);
        [y, dx, dw, db]
    }
}

#[test]
fn depthwise_convolution() {
    for (height, width) in windows() {
        for (channels, multiplier) in [(1, 1), (17, 1), (5, 2), (6, 3)] {
            let window = Pool2dShape { height, width, channels };
            check(&Depthwise(DepthwiseShape { window, multiplier }));
        }
    }
}
