//! The specification: every kernel as the plainest loop that computes it.
//!
//! Generic over `f32` and `f64`; in `f64` it is what the fast kernels are tested against, and what
//! finite differences confirm. No threads, no vectors, no tricks: it is written to be read.

mod activation;
mod channels;
mod conv2d;
mod dense;
pub(crate) mod depthwise;
mod dropout;
mod layer_norm;
mod maxout;
mod optimizer;
mod p_re_lu;
mod pool;
mod reduce;
mod softmax;

use std::marker::PhantomData;
use std::ops::Range;

pub use conv2d::ReferenceConv2d;
pub(crate) use conv2d::Region;

use crate::{
    Activation, Conv2dShape, DepthwiseShape, InputGradient, Kernels, LambStep, Learned, Moments,
    Pool2dShape, Real, Rows, RowsMut, Stream, Team, Update,
};

/// The kernels of the specification.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference<R>(PhantomData<R>);

impl<R> Reference<R> {
    /// The kernels of the specification.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Real> Kernels for Reference<R> {
    type Real = R;
    type Conv2d = ReferenceConv2d;

    fn conv2d(&self, shape: Conv2dShape) -> ReferenceConv2d {
        ReferenceConv2d::new(shape)
    }

    fn load_bytes(&self, x: &[u8], scale: R, y: &mut [R]) {
        assert_eq!(x.len(), y.len());
        for (y, &x) in y.iter_mut().zip(x) {
            *y = R::from_f64(f64::from(x)) * scale;
        }
    }

    fn max_pool_rows(
        &self,
        shape: &Pool2dShape,
        rows: Range<usize>,
        x: &[R],
        y: &mut [R],
        argmax: &mut [u32],
    ) {
        pool::max_forward(shape, rows, x, y, argmax);
    }

    fn max_pool_backward(&self, dy: &[R], argmax: &[u32], dx: &mut [R]) {
        pool::max_backward(dy, argmax, dx);
    }

    fn average_pool_forward(&self, shape: &Pool2dShape, x: &[R], y: &mut [R]) {
        pool::average_forward(shape, x, y);
    }

    fn average_pool_backward(&self, shape: &Pool2dShape, dy: &[R], dx: &mut [R]) {
        pool::average_backward(shape, dy, dx);
    }

    fn sum_pool_forward(&self, shape: &Pool2dShape, x: &[R], y: &mut [R]) {
        pool::sum_forward(shape, x, y);
    }

    fn sum_pool_backward(&self, shape: &Pool2dShape, dy: &[R], dx: &mut [R]) {
        pool::sum_backward(shape, dy, dx);
    }

    fn activate(&self, f: Activation, y: &mut [R]) {
        y.iter_mut().for_each(|y| *y = activation::value(f, *y));
    }

    fn activate_backward(&self, f: Activation, y: &[R], dy: &mut [R]) {
        assert_eq!(y.len(), dy.len());
        dy.iter_mut().zip(y).for_each(|(dy, &y)| *dy = activation::gradient(f, y, *dy));
    }

    fn activate_backward_from_input(&self, f: Activation, x: &[R], dy: &mut [R]) {
        assert_eq!(x.len(), dy.len());
        for (dy, &x) in dy.iter_mut().zip(x) {
            *dy = activation::gradient_from_input(f, x, *dy);
        }
    }

    fn add(&self, x: &[R], y: &mut [R]) {
        assert_eq!(x.len(), y.len());
        y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
    }

    fn multiply(&self, x: &[R], y: &mut [R]) {
        assert_eq!(x.len(), y.len());
        y.iter_mut().zip(x).for_each(|(y, &x)| *y *= x);
    }

    fn channel_moments(&self, x: &[R], mean: &mut [R], m2: &mut [R]) {
        channels::moments(x, mean, m2);
    }

    fn scale_shift(&self, scale: &[R], shift: &[R], x: &[R], y: &mut [R]) {
        channels::scale_shift(scale, shift, x, y);
    }

    fn channel_sums(&self, mean: &[R], x: &[R], dy: &[R], sum: &mut [R], sum_x: &mut [R]) {
        channels::sums(mean, x, dy, sum, sum_x);
    }

    fn normalize_backward(&self, mean: &[R], factors: [&[R]; 3], x: &[R], dy: &[R], dx: &mut [R]) {
        channels::normalize_backward(mean, factors, x, dy, dx);
    }

    fn layer_norm(&self, channels: usize, epsilon: f64, scales: [&[R]; 2], x: &[R], y: &mut [R]) {
        layer_norm::forward(channels, epsilon, scales, x, y);
    }

    fn layer_norm_backward(
        &self,
        channels: usize,
        epsilon: f64,
        gamma: &[R],
        x: &[R],
        gradients: (&[R], &mut [R]),
        scales: [&mut [R]; 2],
    ) {
        layer_norm::backward(channels, epsilon, gamma, x, gradients, scales);
    }

    fn p_re_lu(&self, alpha: &[R], x: &[R], y: &mut [R]) {
        p_re_lu::forward(alpha, x, y);
    }

    fn p_re_lu_backward(&self, alpha: &[R], x: &[R], dy: &[R], dx: &mut [R], dalpha: &mut [R]) {
        p_re_lu::backward(alpha, x, dy, dx, dalpha);
    }

    fn depthwise_forward(&self, shape: &DepthwiseShape, x: &[R], w: &[R], bias: &[R], y: &mut [R]) {
        depthwise::forward(shape, x, w, bias, y);
    }

    fn depthwise_grad_input(&self, shape: &DepthwiseShape, dy: &[R], w: &[R], dx: &mut [R]) {
        depthwise::grad_input(shape, dy, w, dx);
    }

    fn depthwise_grad_weights(
        &self,
        shape: &DepthwiseShape,
        x: &[R],
        dy: &[R],
        dw: &mut [R],
        db: &mut [R],
    ) {
        depthwise::grad_weights(shape, x, dy, dw, db);
    }

    fn max_pieces_forward(
        &self,
        pieces: usize,
        units: usize,
        z: &[R],
        y: &mut [R],
        argmax: &mut [u32],
    ) {
        maxout::forward(pieces, units, z, y, argmax);
    }

    fn max_pieces_backward(
        &self,
        pieces: usize,
        units: usize,
        dy: &[R],
        argmax: &[u32],
        dz: &mut [R],
    ) {
        maxout::backward(pieces, units, dy, argmax, dz);
    }

    fn softmax(&self, classes: usize, y: &mut [R]) {
        assert_eq!(y.len() % classes, 0);
        for row in y.chunks_exact_mut(classes) {
            softmax::forward(row);
        }
    }

    fn softmax_backward(&self, classes: usize, y: &[R], dy: &mut [R]) {
        assert_eq!(y.len(), dy.len());
        assert_eq!(y.len() % classes, 0);
        for (y, dy) in y.chunks_exact(classes).zip(dy.chunks_exact_mut(classes)) {
            softmax::backward(y, dy);
        }
    }

    fn softmax_cross_entropy(&self, z: &mut [R], label: usize) -> R {
        softmax::cross_entropy(z, label)
    }

    fn softmax_cross_entropy_backward(&self, p: &[R], label: usize, scale: R, dz: &mut [R]) {
        softmax::cross_entropy_backward(p, label, scale, dz);
    }

    fn dropout(&self, stream: Stream, first: u64, rate: f64, x: &mut [R]) {
        dropout::dropout(stream, first, rate, x);
    }

    fn dense_forward(
        &self,
        _: &Team,
        x: Rows<'_, R>,
        w: &[R],
        bias: &[R],
        _: bool,
        mut y: RowsMut<'_, R>,
    ) {
        dense::forward(x, w, bias, &mut y);
    }

    fn dense_grad_input(&self, _: &Team, dy: Rows<'_, R>, w: &[R], mut dx: RowsMut<'_, R>) {
        dense::grad_input(dy, w, &mut dx);
    }

    fn dense_grad_weights(&self, _: &Team, x: Rows<'_, R>, dy: Rows<'_, R>, dw: &mut [R]) {
        dense::grad_weights(x, dy, dw);
    }

    fn dense_grad_bias(&self, dy: Rows<'_, R>, db: &mut [R]) {
        dense::grad_bias(dy, db);
    }

    fn sum_parts(&self, _: &Team, parts: &mut [R], out: &mut [R]) {
        reduce::sum_parts(parts, out);
    }

    fn update(
        &self,
        _: &Team,
        update: Update,
        p: &mut [R],
        g: &[R],
        moments: Moments<'_, R>,
    ) -> bool {
        optimizer::update(update, p, g, moments);
        p.iter().all(|p| p.is_finite())
    }

    fn lamb_direction(&self, _: &Team, step: LambStep, g: &mut [R], m: &mut [R], v: &mut [R]) {
        optimizer::lamb_direction(step, g, m, v);
    }

    fn sum_of_squares(&self, _: &Team, x: &[R]) -> f64 {
        x.iter().map(|x| x.to_f64() * x.to_f64()).sum()
    }

    fn combine(&self, _: &Team, a: f64, x: &[R], b: f64, y: &mut [R]) {
        optimizer::combine(a, x, b, y);
    }

    fn limit(&self, _: &Team, scale: f64, clip: f64, x: &mut [R]) {
        optimizer::limit(scale, clip, x);
    }

    fn dense_backward_update(
        &self,
        team: &Team,
        x: Rows<'_, R>,
        dy: Rows<'_, R>,
        dx: Option<InputGradient<'_, R>>,
        update: Update,
        w: &mut [R],
        moments: Moments<'_, R>,
    ) -> Learned {
        let made = self.dense_backward_made(x.len(), x.width(), dy.width(), dx.is_some());
        if let Some(mut dx) = dx {
            dense::grad_input(dy, w, &mut dx.rows);
        }
        let mut dw = vec![R::ZERO; w.len()];
        dense::grad_weights(x, dy, &mut dw);
        Learned { finite: self.update(team, update, w, &dw, moments), made }
    }
}
