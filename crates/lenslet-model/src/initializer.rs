//! What parameters hold before training.

use crate::Problem;
use crate::named::{Named, Setting, serde_by_name};

/// How a parameter is initialised, with Keras's names and defaults. In files a name
/// (`"he_normal"`), or a table with settings (`{ name = "truncated_normal", stddev = 0.02 }`).
///
/// `fan_in` and `fan_out` are the last two dimensions, each times the receptive field of a filter.
/// Normal distributions but `RandomNormal` are truncated at two standard deviations, and those of
/// the Glorot, He and LeCun kinds widened, so that the variance after the cut is the formula's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Initializer {
    /// All zero: biases.
    Zeros,
    /// All one: scales.
    Ones,
    /// All the same.
    Constant {
        /// The number; 0.
        value: f64,
    },
    /// The identity: `gain` where input and output channel are the same, at the centre of a
    /// filter (Dirac's delta), and zero elsewhere.
    Identity {
        /// The number on the diagonal; 1.
        gain: f64,
    },
    /// Normal.
    RandomNormal {
        /// 0.
        mean: f64,
        /// 0.05.
        stddev: f64,
    },
    /// Uniform.
    RandomUniform {
        /// Lower end; -0.05.
        minval: f64,
        /// Upper end; 0.05.
        maxval: f64,
    },
    /// Normal, with what lies further than two standard deviations from the mean drawn again.
    TruncatedNormal {
        /// 0.
        mean: f64,
        /// Before the cut; 0.05.
        stddev: f64,
    },
    /// Uniform in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio 2010, equation 16): kernels.
    GlorotUniform,
    /// Truncated normal of variance `2 / (fan_in + fan_out)`.
    GlorotNormal,
    /// Uniform in `±sqrt(6 / fan_in)` (He et al. 2015).
    HeUniform,
    /// Truncated normal of variance `2 / fan_in`.
    HeNormal,
    /// Uniform in `±sqrt(3 / fan_in)` (LeCun et al. 1998).
    LecunUniform,
    /// Truncated normal of variance `1 / fan_in`.
    LecunNormal,
    /// A random matrix with orthogonal rows or columns, whichever are fewer, of the parameter with
    /// all but its last dimension in one (Saxe et al. 2014).
    Orthogonal {
        /// What it is multiplied by; 1.
        gain: f64,
    },
}

/// What a parameter's numbers are drawn from, with the shape known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Always this number.
    Constant(f64),
    /// `gain` on the diagonal of the last two dimensions at the centre of the others.
    Identity(f64),
    /// Evenly between the two.
    Uniform(f64, f64),
    /// With this mean and standard deviation.
    Normal(f64, f64),
    /// The same, what lies further than two standard deviations away being drawn again.
    TruncatedNormal(f64, f64),
    /// Orthogonal rows or columns times this gain.
    Orthogonal(f64),
}

/// Standard deviation of the standard normal cut at 2: what Keras divides by.
const TRUNCATED: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// What the numbers of a parameter of this shape are drawn from.
    pub fn distribution(self, shape: &[usize]) -> Distribution {
        let (fan_in, fan_out) = fans(shape);
        let mean_fan = (fan_in + fan_out) / 2.0;
        let uniform = |scale: f64, fan: f64| {
            let limit = (3.0 * scale / fan.max(1.0)).sqrt();
            Distribution::Uniform(-limit, limit)
        };
        let normal = |scale: f64, fan: f64| {
            Distribution::TruncatedNormal(0.0, (scale / fan.max(1.0)).sqrt() / TRUNCATED)
        };
        match self {
            Self::Zeros => Distribution::Constant(0.0),
            Self::Ones => Distribution::Constant(1.0),
            Self::Constant { value } => Distribution::Constant(value),
            Self::Identity { gain } => Distribution::Identity(gain),
            Self::RandomNormal { mean, stddev } => Distribution::Normal(mean, stddev),
            Self::RandomUniform { minval, maxval } => Distribution::Uniform(minval, maxval),
            Self::TruncatedNormal { mean, stddev } => Distribution::TruncatedNormal(mean, stddev),
            Self::GlorotUniform => uniform(1.0, mean_fan),
            Self::GlorotNormal => normal(1.0, mean_fan),
            Self::HeUniform => uniform(2.0, fan_in),
            Self::HeNormal => normal(2.0, fan_in),
            Self::LecunUniform => uniform(1.0, fan_in),
            Self::LecunNormal => normal(1.0, fan_in),
            Self::Orthogonal { gain } => Distribution::Orthogonal(gain),
        }
    }

    pub(crate) fn is_glorot_uniform(&self) -> bool {
        *self == Self::GlorotUniform
    }

    pub(crate) fn is_zeros(&self) -> bool {
        *self == Self::Zeros
    }

    pub(crate) fn is_ones(&self) -> bool {
        *self == Self::Ones
    }

    /// Refuses settings out of range, and what a parameter of this shape cannot be.
    pub(crate) fn check(mut self, setting: &str, shape: &[usize]) -> Result<(), Problem> {
        for (key, value) in self.settings() {
            let Setting::Number(value) = value else { continue };
            let least = if key == "stddev" { 0.0 } else { f64::NEG_INFINITY };
            if !value.is_finite() || *value < least {
                let range = if key == "stddev" { ", at least 0" } else { "" };
                return Err(Problem::new(
                    format!("{key} = {value} of its {setting} is out of range"),
                    format!("it must be a finite number{range}"),
                ));
            }
        }
        if let Self::RandomUniform { minval, maxval } = self
            && minval > maxval
        {
            return Err(Problem::new(
                format!("its {setting} has minval = {minval} above maxval = {maxval}"),
                "exchange the two",
            ));
        }
        let matrix = matches!(self, Self::Identity { .. } | Self::Orthogonal { .. });
        if matrix && shape.len() < 2 {
            return Err(Problem::new(
                format!("its {setting} `{}` is for matrices", Named::name(self)),
                "use `zeros`, `ones` or a random initializer for a vector",
            ));
        }
        Ok(())
    }
}

impl Named for Initializer {
    const WHAT: &'static str = "initializer";
    const NAMES: &'static [&'static str] = &[
        "zeros",
        "ones",
        "constant",
        "identity",
        "random_normal",
        "random_uniform",
        "truncated_normal",
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "lecun_uniform",
        "lecun_normal",
        "orthogonal",
    ];

    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "zeros" => Self::Zeros,
            "ones" => Self::Ones,
            "constant" => Self::Constant { value: 0.0 },
            "identity" => Self::Identity { gain: 1.0 },
            "random_normal" => Self::RandomNormal { mean: 0.0, stddev: 0.05 },
            "random_uniform" => Self::RandomUniform { minval: -0.05, maxval: 0.05 },
            "truncated_normal" => Self::TruncatedNormal { mean: 0.0, stddev: 0.05 },
            "glorot_uniform" => Self::GlorotUniform,
            "glorot_normal" => Self::GlorotNormal,
            "he_uniform" => Self::HeUniform,
            "he_normal" => Self::HeNormal,
            "lecun_uniform" => Self::LecunUniform,
            "lecun_normal" => Self::LecunNormal,
            "orthogonal" => Self::Orthogonal { gain: 1.0 },
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Zeros => "zeros",
            Self::Ones => "ones",
            Self::Constant { .. } => "constant",
            Self::Identity { .. } => "identity",
            Self::RandomNormal { .. } => "random_normal",
            Self::RandomUniform { .. } => "random_uniform",
            Self::TruncatedNormal { .. } => "truncated_normal",
            Self::GlorotUniform => "glorot_uniform",
            Self::GlorotNormal => "glorot_normal",
            Self::HeUniform => "he_uniform",
            Self::HeNormal => "he_normal",
            Self::LecunUniform => "lecun_uniform",
            Self::LecunNormal => "lecun_normal",
            Self::Orthogonal { .. } => "orthogonal",
        }
    }

    fn settings(&mut self) -> Vec<(&'static str, Setting<'_>)> {
        let number = Setting::Number;
        match self {
            Self::Constant { value } => vec![("value", number(value))],
            Self::Identity { gain } | Self::Orthogonal { gain } => vec![("gain", number(gain))],
            Self::RandomNormal { mean, stddev } | Self::TruncatedNormal { mean, stddev } => {
                vec![("mean", number(mean)), ("stddev", number(stddev))]
            }
            Self::RandomUniform { minval, maxval } => {
                vec![("minval", number(minval)), ("maxval", number(maxval))]
            }
            _ => Vec::new(),
        }
    }
}

serde_by_name!(Initializer);

fn fans(shape: &[usize]) -> (f64, f64) {
    match *shape {
        [] => (1.0, 1.0),
        [n] => (n as f64, n as f64),
        [ref field @ .., input, output] => {
            let field = field.iter().product::<usize>() as f64;
            (input as f64 * field, output as f64 * field)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tutorials_kernels_have_keras_limits() {
        for (shape, fans) in
            [(&[3, 3, 3, 32][..], 315.0), (&[3, 3, 32, 32], 576.0), (&[8192, 128], 8320.0)]
        {
            let Distribution::Uniform(low, high) = Initializer::GlorotUniform.distribution(shape)
            else {
                panic!("not uniform")
            };
            let limit = (6.0f64 / fans).sqrt();
            assert!((high - limit).abs() < 1e-15 && low == -high, "{shape:?}");
        }
    }

    /// He et al. 2015, equation 10: the standard deviation *after* the cut is `sqrt(2 / fan_in)`.
    #[test]
    fn he_normal_is_keras_truncated_normal() {
        let he = Initializer::HeNormal.distribution(&[3, 3, 16, 32]);
        let Distribution::TruncatedNormal(mean, stddev) = he else { panic!("{he:?}") };
        assert_eq!(mean, 0.0);
        assert!((stddev - (2.0f64 / 144.0).sqrt() / 0.879_625_661).abs() < 1e-9);
    }

    #[test]
    fn every_name_is_read_back() {
        for &name in Initializer::NAMES {
            let initializer = Initializer::by_name(name).unwrap();
            assert_eq!(Named::name(initializer), name);
        }
    }
}
