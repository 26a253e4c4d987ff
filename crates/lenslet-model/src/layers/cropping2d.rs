//! The middle of a picture.

use serde::{Deserialize, Serialize};

use super::Describe;
use crate::{Borders, Problem, Shape};

/// Takes rows and columns off the sides of a picture: `(height, width, channels)` becomes
/// `(height - top - bottom, width - left - right, channels)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cropping2D {
    /// What is taken off each side; nothing.
    pub cropping: Borders,
}

impl Cropping2D {
    /// Takes this much off each side.
    pub fn new(cropping: impl Into<Borders>) -> Self {
        Self { cropping: cropping.into() }
    }
}

impl Describe for Cropping2D {
    const KIND: &'static str = "Cropping2D";
    const STEM: &'static str = "cropping2d";

    fn output(&self, input: &Shape) -> Result<Shape, Problem> {
        self.cropping.check("cropping")?;
        let [height, width, channels] = input.picture()?;
        let [rows, columns] = self.cropping.total();
        if rows >= height || columns >= width {
            return Err(Problem::new(
                format!("cropping = {} leaves nothing of {height}x{width}", self.cropping),
                "take off less than the picture has",
            ));
        }
        Ok([height - rows, width - columns, channels].into())
    }
}
