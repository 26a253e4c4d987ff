//! A finished picture.

use crate::scene::Scene;
use crate::{raster, svg};

/// A finished picture: SVG text, and a PNG on request, both from the same shapes.
#[derive(Clone, Debug)]
pub struct Picture {
    scene: Scene,
    svg: String,
}

/// Why a picture could not be turned into a PNG.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// More pixels than can be held.
    #[error("a PNG of {width} x {height} pixels is too large to draw; the SVG has no such limit")]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The PNG writer failed.
    #[error("the PNG could not be written: {0}")]
    Encode(#[from] png::EncodingError),
}

impl Picture {
    pub(crate) fn new(scene: Scene) -> Self {
        let svg = svg::write(&scene);
        Self { scene, svg }
    }

    /// Width in pixels of the PNG, and in user units of the SVG.
    pub fn width(&self) -> u32 {
        self.scene.width
    }

    /// Height in pixels of the PNG, and in user units of the SVG.
    pub fn height(&self) -> u32 {
        self.scene.height
    }

    /// The picture as an SVG document.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The picture as a PNG file of [`width`](Self::width) x [`height`](Self::height) pixels.
    ///
    /// # Errors
    /// Where the picture has more pixels than fit in memory.
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        self.png_enlarged(1)
    }

    /// The same picture with `factor` times the pixels in each direction, for print and dense
    /// screens. A factor of 0 counts as 1.
    ///
    /// # Errors
    /// Where the picture has more pixels than fit in memory.
    pub fn png_enlarged(&self, factor: u32) -> Result<Vec<u8>, PictureError> {
        raster::png(&self.scene, factor.max(1))
    }
}
