//! The multiply-adds that kernels say they make.

mod common;

use common::isas;
use lenslet_kernels::{
    Algorithm, Axis, Conv2d, Conv2dKernel, Conv2dShape, Fast, InputGradient, Kernels, MOMENTS,
    OutputGradient, Rows, RowsMut, Rule, SgdStep, Team, Update,
};

/// A 3x3 convolution that keeps the size.
fn shape(side: usize, in_channels: usize, out_channels: usize) -> Conv2dShape {
    let axis = Axis::same(side, 3, 1, 1).unwrap();
    Conv2dShape { height: axis, width: axis, in_channels, out_channels }
}

#[test]
fn the_direct_sum_makes_all_of_the_definition_in_whole_vectors() {
    for isa in isas() {
        for (side, from, to) in [(7, 3, 16), (8, 32, 32), (5, 20, 50)] {
            let shape = shape(side, from, to);
            let kernel = Conv2d::with(isa, shape, Algorithm::Direct);
            let padded = (to as u64).next_multiple_of(isa.lanes() as u64);
            assert_eq!(kernel.forward_made() * to as u64, shape.multiply_adds() * padded);
        }
    }
}

#[test]
fn strides_make_each_multiplication_of_the_input_gradient_once() {
    let axis = Axis::valid(9, 3, 2, 1).unwrap();
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 16, out_channels: 16 };
    for isa in isas() {
        let kernel = Conv2d::with(isa, shape, Algorithm::Direct);
        let made = backward(&kernel, &vec![1.0; shape.output_len()], true);
        // With the zeros around the output's gradient: 25 places that a tap of each axis reaches.
        let [even, odd] = [5 * 2, 4];
        let input = (even + odd) * (even + odd) * 16 * 16;
        assert_eq!(made, shape.multiply_adds() + input);
    }
}

#[test]
fn winograds_tiles_take_36_products_for_16_outputs() {
    for isa in isas() {
        for (side, tiles) in [(8, 4), (32, 64), (9, 9)] {
            let kernel = Conv2d::with(isa, shape(side, 32, 48), Algorithm::Winograd);
            assert_eq!(kernel.forward_made(), 36 * tiles * 32 * 48);
        }
    }
}

/// Multiply-adds of the backward pass with this gradient of the output.
fn backward(kernel: &Conv2d, dy: &[f32], both: bool) -> u64 {
    let shape = *kernel.shape();
    let x = vec![0.5; shape.input_len()];
    let (mut packed, mut scratch) =
        (vec![0.0; kernel.packed_len()], vec![0.0; kernel.scratch_len()]);
    kernel.pack(&Team::new(1), &vec![0.5; shape.weights_len()], &mut packed, true);
    let mut dw = vec![0.0; shape.weights_len()];
    let mut dx = vec![0.0; if both { shape.input_len() } else { 0 }];
    let dy = OutputGradient::Dense(dy);
    kernel.backward(&x, dy, &packed, &mut dw, &mut [], &mut dx, &mut scratch)
}

#[test]
fn skipping_multiplies_what_is_not_zero() {
    let axis = Axis::same(16, 5, 1, 1).unwrap();
    let shape = Conv2dShape { height: axis, width: axis, in_channels: 32, out_channels: 32 };
    let mut dy = vec![0.0; shape.output_len()];
    for i in 0..50 {
        dy[i * 163] = 1.0;
    }
    for isa in isas() {
        let kernel = Conv2d::new(isa, shape);
        assert_eq!(backward(&kernel, &dy, false), 50 * 25 * 32);
        assert_eq!(backward(&kernel, &dy, true), 2 * 50 * 25 * 32);
        let exact = Conv2d::with(isa, shape, Algorithm::Direct);
        assert_eq!(backward(&exact, &dy, false), shape.multiply_adds());
        assert_eq!(backward(&exact, &dy, true), 2 * shape.multiply_adds());
    }
}

#[test]
fn a_dense_layer_skips_zeros_where_there_are_many() {
    let (samples, inputs, out) = (4, 100, 64);
    let mut x = vec![1.0; samples * inputs];
    for isa in isas() {
        let made = |fast: Fast, x: &[f32], finite| {
            let x = Rows::new(x, samples, inputs, 0..inputs);
            fast.dense_forward_made(x, out, finite)
        };
        x.fill(1.0);
        assert_eq!(made(Fast::new(isa), &x, true), 4 * 100 * 64);
        x[30..].fill(0.0);
        assert_eq!(made(Fast::new(isa), &x, true), 30 * 64);
        assert_eq!(made(Fast::new(isa), &x, false), 4 * 100 * 64);
        assert_eq!(made(Fast::exact(isa), &x, true), 4 * 100 * 64);
    }
}

#[test]
fn a_dense_layers_gradients_come_in_whole_vectors() {
    for isa in isas() {
        let (fast, lanes) = (Fast::new(isa), isa.lanes() as u64);
        assert_eq!(fast.dense_backward_made(32, 100, 64, true), 2 * 32 * 100 * 64);
        assert_eq!(fast.dense_backward_made(32, 100, 64, false), 32 * 100 * 64);
        // Outputs in two vectors, and for the input's gradient samples in one.
        let made = fast.dense_backward_made(3, 100, 5, true);
        assert_eq!(made, 3 * 100 * 2 * lanes + lanes * 100 * 5);
    }
}

#[test]
fn a_dense_layer_that_learns_skips_zeros() {
    let (samples, inputs, out) = (40, 50, 64);
    let team = &Team::new(2);
    let mut x = vec![1.0; samples * inputs];
    x[30..].fill(0.0);
    let dy = vec![1.0; samples * out];
    let update = Update::from(Rule::Sgd(SgdStep::plain(0.1)));
    for isa in isas() {
        let made = |fast: Fast, rectified: Option<bool>| {
            let (mut dx, mut w) = (x.clone(), vec![0.0; inputs * out]);
            let rows = RowsMut::new(&mut dx, samples, inputs, 0..inputs);
            let dx = rectified.map(|rectified| InputGradient { rows, rectified });
            let x = Rows::new(&x, samples, inputs, 0..inputs);
            let dy = Rows::new(&dy, samples, out, 0..out);
            let none = [(); MOMENTS].map(|()| &mut [][..]);
            fast.dense_backward_update(team, x, dy, dx, update, &mut w, none).made
        };
        assert_eq!(made(Fast::new(isa), Some(true)), 2 * 30 * 64);
        assert_eq!(made(Fast::new(isa), None), 30 * 64);
        assert_eq!(made(Fast::new(isa), Some(false)), 2 * 40 * 50 * 64);
        assert_eq!(made(Fast::exact(isa), Some(true)), 2 * 40 * 50 * 64);
    }
}
