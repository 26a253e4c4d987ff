//! Zeros around a picture.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Borders, Problem, Shape};

/// Puts zeros around a picture: `(height, width, channels)` becomes
/// `(top + height + bottom, left + width + right, channels)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZeroPadding2D {
    /// Zeros on each side; one.
    pub padding: Borders,
}

impl Default for ZeroPadding2D {
    fn default() -> Self {
        Self::new(1)
    }
}

impl ZeroPadding2D {
    /// This many zeros on each side.
    pub fn new(padding: impl Into<Borders>) -> Self {
        Self { padding: padding.into() }
    }
}

impl Describe for ZeroPadding2D {
    const KIND: &'static str = "ZeroPadding2D";
    const STEM: &'static str = "zero_padding2d";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.padding.check("padding")?;
        let [height, width, channels] = input.picture()?;
        let [rows, columns] = self.padding.total();
        Ok([height + rows, width + columns, channels].into())
    }
}
