//! The interface that the engine calls: one trait, a reference and a fast implementation.

mod conv2d;

use std::ops::Range;

use crate::{
    Conv2dShape, DepthwiseShape, LambStep, Moments, Pool2dShape, Real, Rows, RowsMut, Stream,
    Target, Team, Update, group_norm, penalty,
};
use crate::{Loss, loss};
pub(crate) use conv2d::rectify;
pub use conv2d::{Conv2dBatch, Conv2dKernel, Finish, MaxPool, OutputGradient, Pooled};

/// An element-wise activation function. `softmax` is not one: it looks at a whole row.
///
/// Functions that rise everywhere have their derivative computed from the *output*, so that they
/// work in place; the others ([`Activation::needs_input`]) from the input.
///
/// # Accuracy
/// The largest errors of [`Fast`](crate::Fast), on every instruction set, for numbers of any size, in
/// units in the last place (ulp): of the result, and of the gradient in ulp of `dy` or of itself,
/// whichever is larger. Slopes and `alpha` are at most 1 here. Infinities, NaN and denormal numbers are
/// treated as by an exact function.
///
/// | function | result | gradient |
/// |---|---|---|
/// | `Sigmoid` | 2.5 | 0.5 |
/// | `Tanh` | 3 | 1.5 |
/// | `Relu` | 0 | 0 |
/// | `LeakyRelu` | 1.5 | 0.5 |
/// | `Elu` | 2.5 | 1.5 |
/// | `Selu` | 2.5 | 1.5 |
/// | `Relu6` | 0 | 0 |
/// | `HardSigmoid` | 1.5 | 0.5 |
/// | `Softplus` | 3.5 | 1.5 |
/// | `Softsign` | 1.5 | 2 |
/// | `Exponential` | 1.5 | 0.5 |
/// | `Silu` | 3.5 | 13 |
/// | `HardSwish` | 2.5 | 1.5 |
/// | `Gelu` | 1.5 | 2.5 |
/// | `GeluTanh` | 2.5 | 33 |
/// | `Mish` | 4 | 17 |
///
/// Of `Gelu` and `GeluTanh` it is ulp of `x`: far below zero their factor is what one less almost one
/// leaves. Of `Silu`, `HardSwish` and `Mish` it is that where their factor is a denormal number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `tanh(x)`.
    Tanh,
    /// `max(x, 0)`. The derivative at 0 is 0, as in Keras. NaN stays NaN.
    Relu,
    /// `x` where `x > 0`, else `negative_slope * x`; `negative_slope >= 0`.
    LeakyRelu {
        /// Slope below zero.
        negative_slope: f64,
    },
    /// `x` where `x > 0`, else `alpha * (exp(x) - 1)`; `alpha >= 0` (Clevert et al. 2016).
    Elu {
        /// Minus the limit at minus infinity.
        alpha: f64,
    },
    /// `scale * x` where `x > 0`, else `scale * alpha * (exp(x) - 1)`, with [`SELU_SCALE`] and
    /// [`SELU_ALPHA`] (Klambauer et al. 2017).
    Selu,
    /// `min(max(x, 0), 6)`; the derivative at 0 and 6 is 0.
    Relu6,
    /// `min(max(x + 3, 0), 6) / 6`; the derivative at -3 and 3 is 0.
    HardSigmoid,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `exp(x)`.
    Exponential,
    /// `x * sigmoid(x)`. From the input.
    Silu,
    /// `x * min(max(x + 3, 0), 6) / 6`. From the input.
    HardSwish,
    /// `x / 2 * (1 + erf(x / sqrt(2)))`, `x` times the probability that a standard normal number is
    /// below it (Hendrycks and Gimpel 2016). From the input.
    Gelu,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))` (Hendrycks and Gimpel 2016). From the
    /// input.
    GeluTanh,
    /// `x * tanh(log(1 + exp(x)))` (Misra 2019). From the input.
    Mish,
}

/// The factor of [`Activation::Selu`].
pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// Minus the limit of [`Activation::Selu`] at minus infinity, over [`SELU_SCALE`].
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

impl Activation {
    /// Whether the derivative is computed from the input: by
    /// [`Kernels::activate_backward_from_input`].
    pub fn needs_input(self) -> bool {
        matches!(self, Self::Silu | Self::HardSwish | Self::Gelu | Self::GeluTanh | Self::Mish)
    }
}

/// Where the gradient of a dense layer's inputs goes; it is overwritten.
#[derive(Debug)]
pub struct InputGradient<'a, R> {
    /// One row for each sample.
    pub rows: RowsMut<'a, R>,
    /// Nobody reads the gradient of an input that is zero: a rectifier made it zero, or dropout,
    /// and nothing goes back through these there. It may then be zero, too.
    pub rectified: bool,
}

/// What [`Kernels::dense_backward_update`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Whether all weights are finite now.
    pub finite: bool,
    /// Multiply-adds of both gradients, counted as in [`Conv2dKernel::forward_made`].
    pub made: u64,
}

/// All arithmetic that a network needs. Lengths that do not fit the shapes panic: they are bugs
/// of the caller, never of the user.
pub trait Kernels: Clone + Send + Sync + 'static {
    /// The number type.
    type Real: Real;
    /// The convolution kernel.
    type Conv2d: Conv2dKernel<Self::Real>;

    /// Prepares a convolution of one shape.
    fn conv2d(&self, shape: Conv2dShape) -> Self::Conv2d;

    /// `y = x * scale`, from bytes: how pictures enter a network.
    fn load_bytes(&self, x: &[u8], scale: Self::Real, y: &mut [Self::Real]);

    /// The largest value of each window of one image; `argmax` receives the flat index into `x`
    /// of the first such value (a NaN in the window wins). Padding never wins.
    fn max_pool_forward(
        &self,
        shape: &Pool2dShape,
        x: &[Self::Real],
        y: &mut [Self::Real],
        argmax: &mut [u32],
    ) {
        self.max_pool_rows(shape, 0..shape.height.output, x, y, argmax);
    }
    /// The same for some rows of the output.
    fn max_pool_rows(
        &self,
        shape: &Pool2dShape,
        rows: Range<usize>,
        x: &[Self::Real],
        y: &mut [Self::Real],
        argmax: &mut [u32],
    );
    /// `dx` is overwritten: the sum, in order of outputs, of every `dy` whose `argmax` it is.
    fn max_pool_backward(&self, dy: &[Self::Real], argmax: &[u32], dx: &mut [Self::Real]);
    /// The mean of each window; padding does not count, as in Keras.
    fn average_pool_forward(&self, shape: &Pool2dShape, x: &[Self::Real], y: &mut [Self::Real]);
    /// `dx` is overwritten.
    fn average_pool_backward(&self, shape: &Pool2dShape, dy: &[Self::Real], dx: &mut [Self::Real]);
    /// The sum of each window.
    fn sum_pool_forward(&self, shape: &Pool2dShape, x: &[Self::Real], y: &mut [Self::Real]);
    /// `dx` is overwritten.
    fn sum_pool_backward(&self, shape: &Pool2dShape, dy: &[Self::Real], dx: &mut [Self::Real]);

    /// `y = f(y)`.
    fn activate(&self, f: Activation, y: &mut [Self::Real]);
    /// `dy *= f'`, from the outputs `y`.
    fn activate_backward(&self, f: Activation, y: &[Self::Real], dy: &mut [Self::Real]);
    /// `dy *= f'`, from the inputs `x`, for functions that need them.
    fn activate_backward_from_input(&self, f: Activation, x: &[Self::Real], dy: &mut [Self::Real]);

    /// `y += x`.
    fn add(&self, x: &[Self::Real], y: &mut [Self::Real]);
    /// `y *= x`.
    fn multiply(&self, x: &[Self::Real], y: &mut [Self::Real]);
    /// `dy += l1 * sign(x) + l2 * 2 x`, the gradient of [`Self::penalty`], times `scale`.
    fn penalty_backward(
        &self,
        l1: f64,
        l2: f64,
        scale: f64,
        x: &[Self::Real],
        dy: &mut [Self::Real],
    ) {
        penalty::backward(l1, l2, scale, x, dy);
    }
    /// `l1 * sum(|x|) + l2 * sum(x^2)`, summed in `f64`.
    fn penalty(&self, l1: f64, l2: f64, x: &[Self::Real]) -> f64 {
        penalty::forward(l1, l2, x)
    }

    /// Mean of each channel over all pixels of `x`, and the sum of the squared distances from it.
    /// Channels are as many as `mean` has elements.
    fn channel_moments(&self, x: &[Self::Real], mean: &mut [Self::Real], m2: &mut [Self::Real]);
    /// `y = x * scale + shift`, channel by channel. An empty `x` is `y` itself.
    fn scale_shift(
        &self,
        scale: &[Self::Real],
        shift: &[Self::Real],
        x: &[Self::Real],
        y: &mut [Self::Real],
    );
    /// For each channel the sums over all pixels of `dy`, and of `dy * (x - mean)`.
    fn channel_sums(
        &self,
        mean: &[Self::Real],
        x: &[Self::Real],
        dy: &[Self::Real],
        sum: &mut [Self::Real],
        sum_x: &mut [Self::Real],
    );
    /// `dx = a * dy + b * (x - mean) + c`, channel by channel: the gradient of a normalisation.
    fn normalize_backward(
        &self,
        mean: &[Self::Real],
        factors: [&[Self::Real]; 3],
        x: &[Self::Real],
        dy: &[Self::Real],
        dx: &mut [Self::Real],
    );

    /// `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta` for every row of `channels`
    /// numbers, by its own mean and variance. An empty `gamma` is one, an empty `beta` zero.
    fn layer_norm(
        &self,
        channels: usize,
        epsilon: f64,
        scales: [&[Self::Real]; 2],
        x: &[Self::Real],
        y: &mut [Self::Real],
    );
    /// `gradients` are `dy` and `dx`, which is overwritten; adds to `dgamma` and `dbeta` (`scales`),
    /// either of which may be empty.
    fn layer_norm_backward(
        &self,
        channels: usize,
        epsilon: f64,
        gamma: &[Self::Real],
        x: &[Self::Real],
        gradients: (&[Self::Real], &mut [Self::Real]),
        scales: [&mut [Self::Real]; 2],
    );
    /// The same for the groups of neighbouring channels of one image, each over all its pixels;
    /// `shape` is how many channels and groups there are. `scratch` has
    /// [`Self::group_norm_scratch`] elements.
    fn group_norm(
        &self,
        shape: [usize; 2],
        epsilon: f64,
        scales: [&[Self::Real]; 2],
        x: &[Self::Real],
        y: &mut [Self::Real],
        scratch: &mut [Self::Real],
    ) {
        group_norm::forward(self, shape, epsilon, scales, x, y, scratch);
    }
    /// See [`Self::layer_norm_backward`].
    #[expect(clippy::too_many_arguments, reason = "all that a normalisation takes")]
    fn group_norm_backward(
        &self,
        shape: [usize; 2],
        epsilon: f64,
        gamma: &[Self::Real],
        x: &[Self::Real],
        gradients: (&[Self::Real], &mut [Self::Real]),
        scales: [&mut [Self::Real]; 2],
        scratch: &mut [Self::Real],
    ) {
        let (dy, dx) = gradients;
        group_norm::backward(self, shape, epsilon, gamma, [x, dy], dx, scales, scratch);
    }
    /// Elements of working memory for a group normalisation.
    fn group_norm_scratch(&self, channels: usize) -> usize {
        group_norm::SCRATCH * channels
    }

    /// `x` above zero, `alpha[i % alpha.len()] * x` below (He et al. 2015).
    fn p_re_lu(&self, alpha: &[Self::Real], x: &[Self::Real], y: &mut [Self::Real]);
    /// `dx` is overwritten; adds to `dalpha`.
    fn p_re_lu_backward(
        &self,
        alpha: &[Self::Real],
        x: &[Self::Real],
        dy: &[Self::Real],
        dx: &mut [Self::Real],
        dalpha: &mut [Self::Real],
    );

    /// A convolution of each channel with filters of its own, for one image: filter `m` of channel
    /// `c` gives channel `c * multiplier + m`. `w` is `kernel_h x kernel_w x channels x multiplier`;
    /// an empty `bias` is zero.
    fn depthwise_forward(
        &self,
        shape: &DepthwiseShape,
        x: &[Self::Real],
        w: &[Self::Real],
        bias: &[Self::Real],
        y: &mut [Self::Real],
    );
    /// `dx` is overwritten.
    fn depthwise_grad_input(
        &self,
        shape: &DepthwiseShape,
        dy: &[Self::Real],
        w: &[Self::Real],
        dx: &mut [Self::Real],
    );
    /// Adds one image's gradients to `dw` and to `db`, which may be empty.
    fn depthwise_grad_weights(
        &self,
        shape: &DepthwiseShape,
        x: &[Self::Real],
        dy: &[Self::Real],
        dw: &mut [Self::Real],
        db: &mut [Self::Real],
    );

    /// The largest of `pieces` values: `z` is `rows x pieces x units`, `y` and `argmax` are
    /// `rows x units`, `argmax` is the piece. Goodfellow et al. 2013.
    fn max_pieces_forward(
        &self,
        pieces: usize,
        units: usize,
        z: &[Self::Real],
        y: &mut [Self::Real],
        argmax: &mut [u32],
    );
    /// `dz` is overwritten.
    fn max_pieces_backward(
        &self,
        pieces: usize,
        units: usize,
        dy: &[Self::Real],
        argmax: &[u32],
        dz: &mut [Self::Real],
    );

    /// Softmax of every row of `classes` values, in place, with the row's maximum taken off first.
    fn softmax(&self, classes: usize, y: &mut [Self::Real]);
    /// `dy = y * (dy - sum(y * dy))` for every row, in place, from the outputs `y`.
    fn softmax_backward(&self, classes: usize, y: &[Self::Real], dy: &mut [Self::Real]);
    /// One row: `z` becomes `softmax(z)`; returns `-log(softmax(z)[label])`, computed as
    /// `log(sum(exp(z - max))) - (z[label] - max)`, so that it never overflows.
    fn softmax_cross_entropy(&self, z: &mut [Self::Real], label: usize) -> Self::Real;
    /// Gradient of `scale *` [`Self::softmax_cross_entropy`]: `dz = scale * (p - onehot(label))`.
    fn softmax_cross_entropy_backward(
        &self,
        p: &[Self::Real],
        label: usize,
        scale: Self::Real,
        dz: &mut [Self::Real],
    );

    /// The loss of one sample from its outputs `y`. Logits, where the loss takes such, become
    /// probabilities.
    ///
    /// The default is the specification, with this implementation's softmax and sigmoid.
    fn loss(&self, loss: Loss, y: &mut [Self::Real], target: Target<'_>) -> Self::Real {
        loss::forward(self, loss, y, target)
    }
    /// Gradient of `scale *` [`Self::loss`] with respect to the outputs, from what that left in
    /// `y`; `dy` is overwritten.
    fn loss_backward(
        &self,
        loss: Loss,
        y: &[Self::Real],
        target: Target<'_>,
        scale: Self::Real,
        dy: &mut [Self::Real],
    ) {
        loss::backward(self, loss, y, target, scale, dy);
    }

    /// Inverted dropout in place: element `i` is zeroed where draw `first + i` of `stream` is
    /// below `rate * 2^32`, else multiplied by `1 / (1 - rate)`. The backward pass is the same
    /// call on the gradient. `first` is a multiple of 4. `0 <= rate < 1`.
    fn dropout(&self, stream: Stream, first: u64, rate: f64, x: &mut [Self::Real]);

    /// `y = x w + bias` for a batch: `x` is `n x in`, `w` is `in x out`, `y` is `n x out`. An
    /// empty `bias` is zero. Zeros of `x` may be skipped if `finite`, that is, if all of `w` is.
    fn dense_forward(
        &self,
        team: &Team,
        x: Rows<'_, Self::Real>,
        w: &[Self::Real],
        bias: &[Self::Real],
        finite: bool,
        y: RowsMut<'_, Self::Real>,
    );
    /// Multiply-adds that [`Self::dense_forward`] makes for these `x` and `out` outputs, counted as
    /// in [`Conv2dKernel::forward_made`]. Where zeros are skipped this takes a look at all of `x`.
    fn dense_forward_made(&self, x: Rows<'_, Self::Real>, out: usize, finite: bool) -> u64 {
        let _ = finite;
        (x.len() * x.width() * out) as u64
    }
    /// Multiply-adds for the gradients of a dense layer: of the weights and, where it is wanted
    /// (`dx`), of the input.
    fn dense_backward_made(&self, samples: usize, inputs: usize, out: usize, dx: bool) -> u64 {
        (samples * inputs * out) as u64 * (1 + u64::from(dx))
    }
    /// `dx = dy w^T`; `dx` is overwritten.
    fn dense_grad_input(
        &self,
        team: &Team,
        dy: Rows<'_, Self::Real>,
        w: &[Self::Real],
        dx: RowsMut<'_, Self::Real>,
    );
    /// `db = ` column sums of `dy`; `db` is overwritten, or empty.
    fn dense_grad_bias(&self, dy: Rows<'_, Self::Real>, db: &mut [Self::Real]);
    /// `dw = x^T dy`; `dw` is overwritten.
    fn dense_grad_weights(
        &self,
        team: &Team,
        x: Rows<'_, Self::Real>,
        dy: Rows<'_, Self::Real>,
        dw: &mut [Self::Real],
    );

    /// `out = ` sum of the `out.len()`-element parts that follow one another in `parts`, added in
    /// a fixed pairwise tree, the same for any number of threads. `parts` is used as working
    /// memory and its content is lost.
    fn sum_parts(&self, team: &Team, parts: &mut [Self::Real], out: &mut [Self::Real]);

    /// One update of the parameters `p` from the gradients `g`. `moments` are the optimiser's own
    /// numbers, as many of each as there are parameters; those that it does not use may be empty.
    /// Returns whether all parameters are finite now.
    fn update(
        &self,
        team: &Team,
        update: Update,
        p: &mut [Self::Real],
        g: &[Self::Real],
        moments: Moments<'_, Self::Real>,
    ) -> bool;
    /// The first half of an update by LAMB: `m` and `v` as by Adam; `g` becomes the direction
    /// `m_hat / (sqrt(v_hat) + epsilon)` that the parameters take, see [`LambStep`].
    fn lamb_direction(
        &self,
        team: &Team,
        step: LambStep,
        g: &mut [Self::Real],
        m: &mut [Self::Real],
        v: &mut [Self::Real],
    );
    /// The sum of the squares, in `f64` and in an order that depends on the length alone.
    fn sum_of_squares(&self, team: &Team, x: &[Self::Real]) -> f64;
    /// `y = a x + b y`. With `b = 0` what was in `y` does not matter.
    fn combine(&self, team: &Team, a: f64, x: &[Self::Real], b: f64, y: &mut [Self::Real]);
    /// `x = scale * x`, then brought to between `-clip` and `clip`; an infinite `clip` limits nothing.
    fn limit(&self, team: &Team, scale: f64, clip: f64, x: &mut [Self::Real]);
    /// [`Self::dense_grad_input`] (where there is a `dx`), [`Self::dense_grad_weights`]
    /// and [`Self::update`], while each row of the weights is in the
    /// cache: the gradient of the weights is never stored. `dx` is computed with the weights as
    /// they were before. Zeros of `x` may be skipped, where that changes no result.
    #[expect(clippy::too_many_arguments, reason = "three kernels in one")]
    fn dense_backward_update(
        &self,
        team: &Team,
        x: Rows<'_, Self::Real>,
        dy: Rows<'_, Self::Real>,
        dx: Option<InputGradient<'_, Self::Real>>,
        update: Update,
        w: &mut [Self::Real],
        moments: Moments<'_, Self::Real>,
    ) -> Learned;
}
