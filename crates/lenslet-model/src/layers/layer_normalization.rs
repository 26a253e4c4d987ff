//! Layer normalisation.

use super::Describe;
use super::affine_norm::normalizing_layer;
use crate::{ParameterSpec, Problem, Shape};

normalizing_layer! {
    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with the mean and variance over the
    /// last axis: of all channels of a pixel (Ba et al. 2016). In training as at prediction.
    ///
    /// Parameters: `gamma` (ones) and `beta` (zeros), each of the shape of the axes.
    LayerNormalization {
        /// The axes over which mean and variance go: the last ones; -1, the last. `[1, 2, 3]`: the
        /// whole picture.
        axis,
    }
}

impl LayerNormalization {
    /// Keras's settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// The numbers of a sample that are normalised together lie behind one another; how many they
    /// are.
    ///
    /// # Errors
    /// Where the axes are not the input's last ones.
    pub fn width(&self, input: &Shape) -> Result<usize, Problem> {
        Ok(self.dims(input)?.iter().product())
    }

    fn dims<'a>(&self, input: &'a Shape) -> Result<&'a [usize], Problem> {
        let dims = input.dims();
        match self.axis.trailing(input)? {
            0 => Err(Problem::new("axis = [] names no axis", "name the last one, -1, or more")),
            axes => Ok(&dims[dims.len() - axes..]),
        }
    }
}

impl Describe for LayerNormalization {
    const KIND: &'static str = "LayerNormalization";
    const STEM: &'static str = "layer_normalization";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.dims(input)?;
        self.check()?;
        Ok(input.clone())
    }

    fn parameters(&self, input: &Shape) -> Vec<ParameterSpec> {
        self.dims(input).map_or(Vec::new(), |dims| self.scales(dims))
    }
}
