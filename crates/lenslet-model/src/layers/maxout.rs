//! Maxout.

use serde::{Deserialize, Serialize};

use super::{Describe, check_count, yes};
use crate::{Initializer, ParameterSpec, Problem, Shape};

/// A learnable activation: each output is the largest of `pieces` affine functions of the input
/// (Goodfellow et al. 2013, section 3). `(..., features)` becomes `(..., units)`.
///
/// Parameters: `kernel` of shape `(features, pieces * units)`, drawn Glorot-uniform, and `bias`
/// of shape `(pieces * units)`, zero; piece `k` of unit `u` is column `k * units + u`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maxout {
    /// Number of outputs.
    pub units: usize,
    /// Number of affine pieces; 2.
    #[serde(default = "two")]
    pub pieces: usize,
    /// Whether the pieces have a bias; yes.
    #[serde(default = "yes")]
    pub use_bias: bool,
}

fn two() -> usize {
    2
}

impl Maxout {
    /// `units` outputs, each the largest of `pieces` affine functions.
    pub fn new(units: usize, pieces: usize) -> Self {
        Self { units, pieces, use_bias: true }
    }

    /// Sets whether the pieces have a bias.
    pub fn use_bias(self, use_bias: bool) -> Self {
        Self { use_bias, ..self }
    }
}

impl Describe for Maxout {
    const KIND: &'static str = "Maxout";
    const STEM: &'static str = "maxout";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        check_count("units", self.units)?;
        check_count("pieces", self.pieces)?;
        input.with_last(self.units.saturating_mul(self.pieces)).check()?;
        Ok(input.with_last(self.units))
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        let columns = self.pieces * self.units;
        let shape = [input.last(), columns];
        let mut all = vec![ParameterSpec::new("kernel", shape, Initializer::GlorotUniform)];
        if self.use_bias {
            all.push(ParameterSpec::new("bias", [columns], Initializer::Zeros));
        }
        all
    }

    fn multiply_adds(&self, input: &Shape, output: &Shape) -> u64 {
        (output.elements() * self.pieces * input.last()) as u64
    }
}
