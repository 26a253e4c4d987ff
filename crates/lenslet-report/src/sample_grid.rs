//! What a data set looks like.

use crate::colour::INK;
use crate::picture::Picture;
use crate::text;
use crate::tiles::{self, Caption, Tile};

/// One image of a data set.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// `height x width x channels` bytes, channels fastest.
    pub pixels: &'a [u8],
    /// The name of its class.
    pub label: &'a str,
}

/// Images with their labels, ten to a row, or fewer where labels are long.
///
/// `shape` is height, width and channels of every image: grey, grey and alpha, colours, or colours
/// and alpha. Small images are enlarged by a whole number, with hard pixel edges.
///
/// # Panics
/// Where an image is not of that shape, or the shape is empty.
pub fn sample_grid(images: &[Sample<'_>], shape: [usize; 3], title: &str) -> Picture {
    let tiles: Vec<_> = images.iter().map(tile).collect();
    tiles::draw(&tiles, shape, title, 10)
}

fn tile<'a>(sample: &Sample<'a>) -> Tile<'a> {
    let caption = Caption { words: text::name(sample.label), colour: INK };
    Tile { pixels: sample.pixels, captions: vec![caption], frame: None }
}
