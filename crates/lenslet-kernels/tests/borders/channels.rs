use lenslet_kernels::Kernels;

use crate::common::Random;
use crate::{Layer, check, nothing, numbers, ones};

/// (channels, pixels or rows).
const SIZES: [(usize, usize); 6] = [(1, 1), (1, 5), (17, 1), (3, 2), (16, 4), (33, 5)];

/// What batch normalisation is made of.
#[derive(Debug)]
struct Moments {
    channels: usize,
    pixels: usize,
}

impl Layer<1, 2> for Moments {
    fn operands(&self, random: &Random) -> [Vec<f64>; 1] {
        [random.normal(self.channels * self.pixels)]
    }

    fn run<K: Kernels>(&self, kernels: &K, [x]: [&[K::Real]; 1]) -> [Vec<K::Real>; 2] {
        let [mut mean, mut m2] = [(); 2].map(|()| nothing(self.channels));
        kernels.channel_moments(x, &mut mean, &mut m2);
        [mean, m2]
    }
}

/// The mean and factors of each channel, the input and the output's gradient.
#[derive(Debug)]
struct Normalisation {
    channels: usize,
    pixels: usize,
}

impl Layer<6, 5> for Normalisation {
    fn operands(&self, random: &Random) -> [Vec<f64>; 6] {
        let Self { channels, pixels } = *self;
        let n = channels * pixels;
        [channels, channels, channels, channels, n, n].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(
        &self,
        kernels: &K,
        [mean, a, b, c, x, dy]: [&[K::Real]; 6],
    ) -> [Vec<K::Real>; 5] {
        let [mut sum, mut sum_x] = [(); 2].map(|()| nothing(self.channels));
        let (mut y, mut dx) = (nothing(x.len()), nothing(x.len()));
        let mut in_place = x.to_vec();
        kernels.channel_sums(mean, x, dy, &mut sum, &mut sum_x);
        kernels.scale_shift(a, b, x, &mut y);
        kernels.scale_shift(a, b, &[], &mut in_place);
        kernels.normalize_backward(mean, [a, b, c], x, dy, &mut dx);
        [sum, sum_x, y, in_place, dx]
    }
}

#[test]
fn batch_normalisation() {
    for (channels, pixels) in SIZES {
        check(&Moments { channels, pixels });
        check(&Normalisation { channels, pixels });
    }
}

#[derive(Debug)]
struct LayerNorm {
    channels: usize,
    rows: usize,
}

impl Layer<4, 4> for LayerNorm {
    fn operands(&self, random: &Random) -> [Vec<f64>; 4] {
        let Self { channels, rows } = *self;
        [channels * rows, channels, channels, channels * rows].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(
        &self,
        kernels: &K,
        [x, gamma, beta, dy]: [&[K::Real]; 4],
    ) -> [Vec<K::Real>; 4] {
        let (mut y, mut dx) = (nothing(x.len()), nothing(x.len()));
        let (mut dgamma, mut dbeta) = (ones(self.channels), ones(self.channels));
        kernels.layer_norm(self.channels, 0.1, [gamma, beta], x, &mut y);
        let scales = [&mut dgamma[..], &mut dbeta];
        kernels.layer_norm_backward(self.channels, 0.1, gamma, x, (dy, &mut dx), scales);
        [y, dx, dgamma, dbeta]
    }
}

#[test]
fn layer_normalisation() {
    for (channels, rows) in SIZES {
        check(&LayerNorm { channels, rows });
    }
}

#[derive(Debug)]
struct GroupNorm {
    channels: usize,
    groups: usize,
    pixels: usize,
}

impl Layer<4, 4> for GroupNorm {
    fn operands(&self, random: &Random) -> [Vec<f64>; 4] {
        let Self { channels, pixels, .. } = *self;
        [channels * pixels, channels, channels, channels * pixels].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(
        &self,
        kernels: &K,
        [x, gamma, beta, dy]: [&[K::Real]; 4],
    ) -> [Vec<K::Real>; 4] {
        let shape = [self.channels, self.groups];
        let (mut y, mut dx) = (nothing(x.len()), nothing(x.len()));
        let (mut dgamma, mut dbeta) = (ones(self.channels), ones(self.channels));
        let scratch = &mut nothing(kernels.group_norm_scratch(self.channels))[..];
        kernels.group_norm(shape, 0.1, [gamma, beta], x, &mut y, scratch);
        let (gradients, scales) = ((dy, &mut dx[..]), [&mut dgamma[..], &mut dbeta]);
        kernels.group_norm_backward(shape, 0.1, gamma, x, gradients, scales, scratch);
        [y, dx, dgamma, dbeta]
    }
}

#[test]
fn group_normalisation() {
    for (size, pixels) in SIZES {
        for groups in [1, 3] {
            check(&GroupNorm { channels: size * groups, groups, pixels });
        }
    }
}

/// A rectifier with learnt slopes.
#[derive(Debug)]
struct Slopes {
    channels: usize,
    rows: usize,
}

impl Layer<3, 3> for Slopes {
    fn operands(&self, random: &Random) -> [Vec<f64>; 3] {
        let n = self.channels * self.rows;
        [self.channels, n, n].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(&self, kernels: &K, [alpha, x, dy]: [&[K::Real]; 3]) -> [Vec<K::Real>; 3] {
        let (mut y, mut dx) = (nothing(x.len()), nothing(x.len()));
        let mut dalpha = ones(alpha.len());
        kernels.p_re_lu(alpha, x, &mut y);
        kernels.p_re_lu_backward(alpha, x, dy, &mut dx, &mut dalpha);
        [y, dx, dalpha]
    }
}

#[test]
fn slopes() {
    for (channels, rows) in SIZES {
        check(&Slopes { channels, rows });
    }
}

#[derive(Debug)]
struct Maxout {
    pieces: usize,
    units: usize,
    rows: usize,
}

impl Layer<2, 3> for Maxout {
    fn operands(&self, random: &Random) -> [Vec<f64>; 2] {
        let n = self.units * self.rows;
        [n * self.pieces, n].map(|n| random.normal(n))
    }

    fn run<K: Kernels>(&self, kernels: &K, [z, dy]: [&[K::Real]; 2]) -> [Vec<K::Real>; 3] {
        let (mut y, mut dz) = (nothing(dy.len()), nothing(z.len()));
        let mut argmax = vec![7; dy.len()];
        kernels.max_pieces_forward(self.pieces, self.units, z, &mut y, &mut argmax);
        kernels.max_pieces_backward(self.pieces, self.units, dy, &argmax, &mut dz);
        [y, numbers(&argmax), dz]
    }
}

#[test]
fn maxout() {
    for (units, rows) in SIZES {
        for pieces in [1, 3] {
            check(&Maxout { pieces, units, rows });
        }
    }
}
