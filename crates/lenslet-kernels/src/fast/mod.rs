//! The fast kernels: `f32`, in the widest vectors that the CPU has.
//!
//! One generic algorithm per kernel over the vector trait [`Simd`](crate::simd::Simd). On one
//! instruction set the results have the same bits for any number of threads: every element is
//! computed by one task in an order that depends on the shape alone. Nothing allocates.

pub(crate) mod activation;
mod channels;
mod dense;
mod depthwise;
mod dropout;
mod elements;
mod erf;
mod exp;
mod layer_norm;
mod load;
mod map;
mod maxout;
mod optimizer;
mod p_re_lu;
mod pool;
mod reduce;
mod softmax;
#[cfg(test)]
#[path = "../../tests/common/ulps.rs"]
mod ulps;

use std::ops::Range;

use crate::{
    Activation, Algorithm, Conv2d, Conv2dShape, DepthwiseShape, InputGradient, Isa, Kernels,
    LambStep, Learned, Moments, Pool2dShape, Rows, RowsMut, Stream, Team, Update,
};

/// The fast kernels on one instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Fast {
    isa: Isa,
    convolution: Algorithm,
    skipping: bool,
}

impl Fast {
    /// The kernels for this instruction set.
    pub const fn new(isa: Isa) -> Self {
        Self { isa, convolution: Algorithm::Auto, skipping: true }
    }

    /// The same with every multiplication of the definition: slower, and nearer to the reference.
    pub const fn exact(isa: Isa) -> Self {
        Self::new(isa).winograd(false).skipping(false)
    }

    /// Whether convolutions may be by Winograd's algorithm.
    pub const fn winograd(self, on: bool) -> Self {
        Self { convolution: if on { Algorithm::Auto } else { Algorithm::Direct }, ..self }
    }

    /// Whether multiplications by zero may be left out.
    pub const fn skipping(self, on: bool) -> Self {
        Self { skipping: on, ..self }
    }

    /// The instruction set.
    pub const fn isa(&self) -> Isa {
        self.isa
    }
}

impl Default for Fast {
    /// The kernels for the best instruction set of this CPU.
    fn default() -> Self {
        Self::new(Isa::detect())
    }
}

impl Kernels for Fast {
    type Real = f32;
    type Conv2d = Conv2d;

    fn conv2d(&self, shape: Conv2dShape) -> Conv2d {
        Conv2d::with(self.isa, shape, self.convolution).skipping(self.skipping)
    }

    fn load_bytes(&self, x: &[u8], scale: f32, y: &mut [f32]) {
        load::bytes(self.isa, x, scale, y);
    }

    fn max_pool_rows(
        &self,
        shape: &Pool2dShape,
        rows: Range<usize>,
        x: &[f32],
        y: &mut [f32],
        argmax: &mut [u32],
    ) {
        pool::max_forward(self.isa, shape, rows, x, y, argmax);
    }

    fn max_pool_backward(&self, dy: &[f32], argmax: &[u32], dx: &mut [f32]) {
        pool::max_backward(dy, argmax, dx);
    }

    fn average_pool_forward(&self, shape: &Pool2dShape, x: &[f32], y: &mut [f32]) {
        pool::average_forward(self.isa, shape, x, y);
    }

    fn average_pool_backward(&self, shape: &Pool2dShape, dy: &[f32], dx: &mut [f32]) {
        pool::average_backward(self.isa, shape, dy, dx);
    }

    fn sum_pool_forward(&self, shape: &Pool2dShape, x: &[f32], y: &mut [f32]) {
        pool::sum_forward(self.isa, shape, x, y);
    }

    fn sum_pool_backward(&self, shape: &Pool2dShape, dy: &[f32], dx: &mut [f32]) {
        pool::sum_backward(self.isa, shape, dy, dx);
    }

    fn activate(&self, f: Activation, y: &mut [f32]) {
        activation::forward(self.isa, f, y);
    }

    fn activate_backward(&self, f: Activation, y: &[f32], dy: &mut [f32]) {
        activation::backward(self.isa, f, y, dy);
    }

    fn activate_backward_from_input(&self, f: Activation, x: &[f32], dy: &mut [f32]) {
        activation::backward_from_input(self.isa, f, x, dy);
    }

    fn add(&self, x: &[f32], y: &mut [f32]) {
        elements::add(self.isa, x, y);
    }

    fn multiply(&self, x: &[f32], y: &mut [f32]) {
        elements::multiply(self.isa, x, y);
    }

    fn channel_moments(&self, x: &[f32], mean: &mut [f32], m2: &mut [f32]) {
        channels::moments(self.isa, x, mean, m2);
    }

    fn scale_shift(&self, scale: &[f32], shift: &[f32], x: &[f32], y: &mut [f32]) {
        channels::scale_shift(self.isa, scale, shift, x, y);
    }

    fn channel_sums(
        &self,
        mean: &[f32],
        x: &[f32],
        dy: &[f32],
        sum: &mut [f32],
        sum_x: &mut [f32],
    ) {
        channels::sums(self.isa, mean, x, dy, sum, sum_x);
    }

    fn normalize_backward(
        &self,
        mean: &[f32],
        factors: [&[f32]; 3],
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
    ) {
        channels::normalize_backward(self.isa, mean, factors, x, dy, dx);
    }

    fn layer_norm(
        &self,
        channels: usize,
        epsilon: f64,
        scales: [&[f32]; 2],
        x: &[f32],
        y: &mut [f32],
    ) {
        layer_norm::forward(self.isa, channels, epsilon, scales, x, y);
    }

    fn layer_norm_backward(
        &self,
        channels: usize,
        epsilon: f64,
        gamma: &[f32],
        x: &[f32],
        gradients: (&[f32], &mut [f32]),
        scales: [&mut [f32]; 2],
    ) {
        layer_norm::backward(self.isa, channels, epsilon, gamma, x, gradients, scales);
    }

    fn p_re_lu(&self, alpha: &[f32], x: &[f32], y: &mut [f32]) {
        p_re_lu::forward(self.isa, alpha, x, y);
    }

    fn p_re_lu_backward(
        &self,
        alpha: &[f32],
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        dalpha: &mut [f32],
    ) {
        p_re_lu::backward(self.isa, alpha, x, dy, dx, dalpha);
    }

    fn depthwise_forward(
        &self,
        shape: &DepthwiseShape,
        x: &[f32],
        w: &[f32],
        bias: &[f32],
        y: &mut [f32],
    ) {
        depthwise::forward(self.isa, shape, x, w, bias, y);
    }

    fn depthwise_grad_input(&self, shape: &DepthwiseShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
        depthwise::grad_input(self.isa, shape, dy, w, dx);
    }

    fn depthwise_grad_weights(
        &self,
        shape: &DepthwiseShape,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
    ) {
        depthwise::grad_weights(self.isa, shape, x, dy, dw, db);
    }

    fn max_pieces_forward(
        &self,
        pieces: usize,
        units: usize,
        z: &[f32],
        y: &mut [f32],
        argmax: &mut [u32],
    ) {
        maxout::forward(self.isa, pieces, units, z, y, argmax);
    }

    fn max_pieces_backward(
        &self,
        pieces: usize,
        units: usize,
        dy: &[f32],
        argmax: &[u32],
        dz: &mut [f32],
    ) {
        maxout::backward(self.isa, pieces, units, dy, argmax, dz);
    }

    fn softmax(&self, classes: usize, y: &mut [f32]) {
        softmax::forward(self.isa, classes, y);
    }

    fn softmax_backward(&self, classes: usize, y: &[f32], dy: &mut [f32]) {
        softmax::backward(self.isa, classes, y, dy);
    }

    fn softmax_cross_entropy(&self, z: &mut [f32], label: usize) -> f32 {
        softmax::cross_entropy(self.isa, z, label)
    }

    fn softmax_cross_entropy_backward(&self, p: &[f32], label: usize, scale: f32, dz: &mut [f32]) {
        softmax::cross_entropy_backward(p, label, scale, dz);
    }

    fn dropout(&self, stream: Stream, first: u64, rate: f64, x: &mut [f32]) {
        dropout::dropout(self.isa, stream, first, rate, x);
    }

    fn dense_forward(
        &self,
        team: &Team,
        x: Rows<'_, f32>,
        w: &[f32],
        bias: &[f32],
        finite: bool,
        y: RowsMut<'_, f32>,
    ) {
        dense::forward(self.isa, team, x, w, bias, finite && self.skipping, y);
    }

    fn dense_forward_made(&self, x: Rows<'_, f32>, out: usize, finite: bool) -> u64 {
        dense::forward_made(self.isa, x, out, finite && self.skipping)
    }

    fn dense_backward_made(&self, samples: usize, inputs: usize, out: usize, dx: bool) -> u64 {
        dense::backward_made(self.isa, samples, inputs, out, dx)
    }

    fn dense_grad_input(&self, team: &Team, dy: Rows<'_, f32>, w: &[f32], dx: RowsMut<'_, f32>) {
        dense::grad_input(self.isa, team, dy, w, dx);
    }

    fn dense_grad_weights(&self, team: &Team, x: Rows<'_, f32>, dy: Rows<'_, f32>, dw: &mut [f32]) {
        dense::grad_weights(self.isa, team, x, dy, dw);
    }

    fn dense_grad_bias(&self, dy: Rows<'_, f32>, db: &mut [f32]) {
        dense::grad_bias(self.isa, dy, db);
    }

    fn sum_parts(&self, team: &Team, parts: &mut [f32], out: &mut [f32]) {
        reduce::sum_parts(self.isa, team, parts, out);
    }

    fn update(
        &self,
        team: &Team,
        update: Update,
        p: &mut [f32],
        g: &[f32],
        moments: Moments<'_, f32>,
    ) -> bool {
        optimizer::update(self.isa, team, &update, p, g, moments)
    }

    fn lamb_direction(
        &self,
        team: &Team,
        step: LambStep,
        g: &mut [f32],
        m: &mut [f32],
        v: &mut [f32],
    ) {
        optimizer::lamb_direction(self.isa, team, step, g, m, v);
    }

    fn sum_of_squares(&self, team: &Team, x: &[f32]) -> f64 {
        reduce::sum_of_squares(self.isa, team, x)
    }

    fn combine(&self, team: &Team, a: f64, x: &[f32], b: f64, y: &mut [f32]) {
        optimizer::combine(self.isa, team, a, x, b, y);
    }

    fn limit(&self, team: &Team, scale: f64, clip: f64, x: &mut [f32]) {
        optimizer::limit(self.isa, team, scale, clip, x);
    }

    fn dense_backward_update(
        &self,
        team: &Team,
        x: Rows<'_, f32>,
        dy: Rows<'_, f32>,
        dx: Option<InputGradient<'_, f32>>,
        update: Update,
        w: &mut [f32],
        moments: Moments<'_, f32>,
    ) -> Learned {
        dense::backward_update(self.isa, team, x, dy, dx, self.skipping, &update, w, moments)
    }
}
