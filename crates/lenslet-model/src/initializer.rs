//! What parameters hold before training.

use serde::{Deserialize, Serialize};

/// How a parameter is initialised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// All zero: biases.
    Zeros,
    /// Uniform in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio 2010, equation 16): kernels.
    GlorotUniform,
}

impl Initializer {
    /// Half the width of the interval that values are drawn from, for a parameter of `shape`:
    /// `fan_in` and `fan_out` are the last two dimensions, each times the receptive field.
    pub fn limit(self, shape: &[usize]) -> f64 {
        match self {
            Self::Zeros => 0.0,
            Self::GlorotUniform => {
                let (fan_in, fan_out) = fans(shape);
                (6.0 / (fan_in + fan_out)).sqrt()
            }
        }
    }
}

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
        let limit = |shape: &[usize]| Initializer::GlorotUniform.limit(shape);
        assert!((limit(&[3, 3, 3, 32]) - (6.0f64 / 315.0).sqrt()).abs() < 1e-15);
        assert!((limit(&[3, 3, 32, 32]) - (6.0f64 / 576.0).sqrt()).abs() < 1e-15);
        assert!((limit(&[8192, 128]) - (6.0f64 / 8320.0).sqrt()).abs() < 1e-15);
    }
}
