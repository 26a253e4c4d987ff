//! The numbers of a batch normalisation, and what is done with them once a batch.

use lenslet_kernels::{Kernels, Real, Rows};

use crate::memory::{Buffer, buffer};
use crate::program::Norm;

/// One number a channel of each.
pub(crate) struct NormNumbers<R> {
    /// The batch's.
    pub(crate) mean: Buffer<R>,
    /// The batch's: mean of the squared distances.
    pub(crate) variance: Buffer<R>,
    /// `1 / sqrt(variance + epsilon)`.
    pub(crate) inverse: Buffer<R>,
    /// `y = x * scale + shift`.
    pub(crate) scale: Buffer<R>,
    pub(crate) shift: Buffer<R>,
    /// The input's gradient is `scale * dy + by_x * (x - mean) + always`.
    pub(crate) by_x: Buffer<R>,
    pub(crate) always: Buffer<R>,
}

impl<R: Real> NormNumbers<R> {
    pub(crate) fn new(norm: &Norm) -> Self {
        let one = || buffer(norm.channels);
        Self {
            mean: one(),
            variance: one(),
            inverse: one(),
            scale: one(),
            shift: one(),
            by_x: one(),
            always: one(),
        }
    }

    /// From the moments of every image (Chan et al. 1979: distances from the images' means, and
    /// of these from the mean of all).
    pub(crate) fn combine(&mut self, norm: &Norm, images: Rows<'_, R>, parameters: &[R]) {
        let count = R::from_f64(images.len() as f64);
        let pixels = R::from_f64(norm.pixels as f64);
        self.mean.fill(R::ZERO);
        self.variance.fill(R::ZERO);
        for image in 0..images.len() {
            let means = &images.row(image)[..norm.channels];
            self.mean.iter_mut().zip(means).for_each(|(sum, &mean)| *sum += mean);
        }
        self.mean.iter_mut().for_each(|mean| *mean = *mean / count);
        for image in 0..images.len() {
            let (means, squares) = images.row(image).split_at(norm.channels);
            for (c, sum) in self.variance.iter_mut().enumerate() {
                let off = means[c] - self.mean[c];
                *sum += squares[c] + pixels * (off * off);
            }
        }
        self.variance.iter_mut().for_each(|sum| *sum = *sum / (count * pixels));
        self.prepare(norm, parameters);
    }

    /// With the moving statistics instead.
    pub(crate) fn freeze(&mut self, norm: &Norm, parameters: &[R]) {
        self.mean.copy_from_slice(&parameters[norm.moving_mean.clone()]);
        self.variance.copy_from_slice(&parameters[norm.moving_variance.clone()]);
        self.prepare(norm, parameters);
    }

    fn prepare(&mut self, norm: &Norm, parameters: &[R]) {
        let (gamma, beta) = (&parameters[norm.gamma.clone()], &parameters[norm.beta.clone()]);
        let epsilon = R::from_f64(norm.epsilon);
        for c in 0..norm.channels {
            self.inverse[c] = R::ONE / (self.variance[c] + epsilon).sqrt();
            self.scale[c] = gamma.get(c).map_or(self.inverse[c], |&g| g * self.inverse[c]);
            let centred = -(self.mean[c] * self.scale[c]);
            self.shift[c] = beta.get(c).map_or(centred, |&b| b + centred);
        }
    }

    /// The gradients of `gamma` and `beta`, and what the input's takes: from every image's sums of
    /// `dy` and of `dy * (x - mean)`.
    pub(crate) fn backward(&mut self, norm: &Norm, images: Rows<'_, R>, gradients: &mut [R]) {
        let total = R::from_f64((images.len() * norm.pixels) as f64);
        self.always.fill(R::ZERO);
        self.by_x.fill(R::ZERO);
        for image in 0..images.len() {
            let (sums, with_x) = images.row(image).split_at(norm.channels);
            self.always.iter_mut().zip(sums).for_each(|(sum, &x)| *sum += x);
            self.by_x.iter_mut().zip(with_x).for_each(|(sum, &x)| *sum += x);
        }
        for (to, &sum) in gradients[norm.beta.clone()].iter_mut().zip(&*self.always) {
            *to = sum;
        }
        for (c, to) in gradients[norm.gamma.clone()].iter_mut().enumerate() {
            *to = self.by_x[c] * self.inverse[c];
        }
        for c in 0..norm.channels {
            let share = self.scale[c] / total;
            self.always[c] = -(share * self.always[c]);
            self.by_x[c] = -(share * self.inverse[c] * self.inverse[c] * self.by_x[c]);
        }
    }

    /// Lets the moving statistics follow those of the batch.
    pub(crate) fn follow(&self, norm: &Norm, parameters: &mut [R]) {
        let keep = R::from_f64(norm.momentum);
        let pairs = [(&norm.moving_mean, &self.mean), (&norm.moving_variance, &self.variance)];
        for (range, batch) in pairs {
            for (moving, &batch) in parameters[range.clone()].iter_mut().zip(&**batch) {
                *moving = *moving * keep + batch * (R::ONE - keep);
            }
        }
    }

    /// The filters of a convolution with the normalisation behind it multiplied in, and the bias
    /// in `shift`. Filters' last axis is the output's channels.
    pub(crate) fn fold<K: Kernels<Real = R>>(
        &mut self,
        kernels: &K,
        filters: &[R],
        bias: &[R],
        folded: &mut [R],
    ) {
        self.always.fill(R::ZERO);
        kernels.scale_shift(&self.scale, &self.always, filters, folded);
        for (c, &bias) in bias.iter().enumerate() {
            self.shift[c] += bias * self.scale[c];
        }
    }
}
