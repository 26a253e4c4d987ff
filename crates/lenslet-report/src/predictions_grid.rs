//! What a model makes of images.

use crate::colour::{RIGHT, SOFT_INK, WRONG};
use crate::picture::Picture;
use crate::text;
use crate::tiles::{self, Caption, Tile};

/// One image and what a model took it for.
#[derive(Clone, Copy, Debug)]
pub struct Prediction<'a> {
    /// `height x width x channels` bytes, channels fastest.
    pub pixels: &'a [u8],
    /// The class it was taken for.
    pub predicted: &'a str,
    /// The model's probability of that class, 0 to 1.
    pub probability: f32,
    /// The class it is of, where that is known.
    pub truth: Option<&'a str>,
}

/// Images with the predicted class and its probability: green with a tick where right, red with a
/// cross and the true class where wrong, grey where the truth is not known.
///
/// `shape` is as in [`sample_grid`](crate::sample_grid).
///
/// # Panics
/// Where an image is not of that shape, or the shape is empty.
pub fn predictions_grid(images: &[Prediction<'_>], shape: [usize; 3], title: &str) -> Picture {
    let tiles: Vec<_> = images.iter().map(tile).collect();
    tiles::draw(&tiles, shape, title, 8)
}

/// One image and the labels that a model gave it, of which any number can be right.
#[derive(Clone, Copy, Debug)]
pub struct LabelPrediction<'a> {
    /// `height x width x channels` bytes, channels fastest.
    pub pixels: &'a [u8],
    /// The labels that it was given, in words.
    pub predicted: &'a str,
    /// The labels that it has, in words.
    pub truth: &'a str,
    /// The label of which the model is wrong by most, and its probability.
    pub worst: (&'a str, f32),
}

/// Images with wrong labels: what they were given, what they have, and the label that is wrong by most
/// with its probability.
///
/// `shape` is as in [`sample_grid`](crate::sample_grid).
///
/// # Panics
/// Where an image is not of that shape, or the shape is empty.
pub fn wrong_labels_grid(
    images: &[LabelPrediction<'_>],
    shape: [usize; 3],
    title: &str,
) -> Picture {
    let tiles: Vec<_> = images.iter().map(labels_tile).collect();
    tiles::draw(&tiles, shape, title, 8)
}

fn labels_tile<'a>(image: &LabelPrediction<'a>) -> Tile<'a> {
    let (worst, probability) = image.worst;
    let captions = [
        (format!("✗ {}", text::name(image.predicted)), WRONG),
        (format!("is: {}", text::name(image.truth)), SOFT_INK),
        (format!("{}: {}", text::name(worst), percent(probability)), SOFT_INK),
    ];
    let captions = captions.map(|(words, colour)| Caption { words, colour }).into();
    Tile { pixels: image.pixels, captions, frame: Some(WRONG) }
}

fn tile<'a>(image: &Prediction<'a>) -> Tile<'a> {
    let right = image.truth.map(|truth| truth == image.predicted);
    let (sign, colour) = match right {
        Some(true) => ("✓ ", RIGHT),
        Some(false) => ("✗ ", WRONG),
        None => ("", SOFT_INK),
    };
    let mut captions = vec![
        Caption { words: format!("{sign}{}", text::name(image.predicted)), colour },
        Caption { words: percent(image.probability), colour },
    ];
    if let (Some(truth), Some(false)) = (image.truth, right) {
        captions.push(Caption { words: format!("is {}", text::name(truth)), colour: SOFT_INK });
    }
    Tile { pixels: image.pixels, captions, frame: right.map(|_| colour) }
}

/// Whole per cents, but never 0 % or 100 % for what is only near them.
fn percent(probability: f32) -> String {
    let percent = probability * 100.0;
    if percent.is_nan() {
        "no probability".to_owned()
    } else if percent > 99.0 && percent < 100.0 {
        // Cut, not rounded: 99.97 % is not 100.0 %.
        format!("{:.1} %", (percent * 10.0).floor() / 10.0)
    } else if percent > 0.0 && percent < 0.5 {
        "< 1 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certainty_is_a_hundred_per_cent() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.9997), "99.9 %");
        assert_eq!(percent(0.87), "87 %");
        assert_eq!(percent(0.001), "< 1 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(f32::NAN), "no probability");
    }
}
