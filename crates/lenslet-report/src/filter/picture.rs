//! A picture, the numbers of a filter, and what comes of them, side by side.

use super::kinds::Taps;
use super::{Filter, apply};
use crate::colour::{AXIS, Colour, GRID, INK, SOFT_INK, WHITE, blues};
use crate::font;
use crate::photo::Photo;
use crate::picture::Picture;
use crate::scene::{Anchor, Pen, Scene};

const MARGIN: f64 = 28.0;
const TITLE_SIZE: f64 = 24.0;
const SIZE: f64 = 16.0;
const TOP: f64 = 76.0;
/// Longest side of the two pictures.
const PHOTO: f64 = 328.0;
/// Between pictures and numbers, with a sign in the middle.
const GAP: f64 = 44.0;
const NUMBERS: f64 = 200.0;
/// Between the two matrices of a filter that has two.
const BETWEEN: f64 = 26.0;
/// Filters with more rows or columns are shown as shades without numbers.
const MOST_NUMBERS: usize = 5;

/// Draws a picture of `[height, width, channels]` bytes, the numbers of `filter`, and the picture
/// that [`apply`] makes of both, from left to right.
///
/// Large filters are shown as shades: blue above zero, orange below.
///
/// # Panics
/// As [`apply`].
pub fn picture(filter: &Filter, pixels: &[u8], shape: [usize; 3]) -> Picture {
    let result = apply(filter, pixels, shape);
    let [height, width, _] = shape;
    let scale = PHOTO / height.max(width) as f64;
    // Whole pixels where they are enlarged.
    let scale = if scale > 1.0 { scale.floor() } else { scale };
    let size = [(width as f64 * scale).round().max(1.0), (height as f64 * scale).round().max(1.0)];
    let all_taps = filter.taps();
    let taps_height = all_taps.iter().map(height_of).fold(0.0, f64::max) + BETWEEN;
    let numbers_height = all_taps.len() as f64 * taps_height - BETWEEN;
    let body = size[1].max(numbers_height);
    let title = format!("Filter: {}", described(filter));
    let page_width = 2.0 * MARGIN + 2.0 * size[0] + 2.0 * GAP + NUMBERS;
    let page_width = page_width.max(2.0 * MARGIN + font::width(&title, TITLE_SIZE));
    let mut scene = Scene::new(page_width, TOP + body + 62.0, &title);
    scene.text([MARGIN, 44.0], &title, TITLE_SIZE, INK, Anchor::Start);

    let foot = TOP + body + 30.0;
    let middle = TOP + body / 2.0;
    let numbers = MARGIN + size[0] + GAP;
    let right = numbers + NUMBERS + GAP;
    let top = (TOP + (body - size[1]) / 2.0).round();
    draw_photo(&mut scene, [MARGIN, top], size, Photo::new(pixels, shape, size[0].max(size[1])));
    draw_photo(&mut scene, [right, top], size, Photo::new(&result, shape, size[0].max(size[1])));
    let mut top = (TOP + (body - numbers_height) / 2.0).round();
    for taps in &all_taps {
        draw_taps(&mut scene, [numbers, top], taps);
        top += taps_height;
    }
    for (x, sign) in [(numbers - GAP / 2.0, "∗"), (right - GAP / 2.0, "=")] {
        scene.text([x, middle + 9.0], sign, 26.0, SOFT_INK, Anchor::Middle);
    }
    let Taps { rows, columns, .. } = &all_taps[0];
    let each = if all_taps.len() > 1 { " each" } else { "" };
    let names = ["original".to_owned(), format!("{rows} × {columns}{each}"), "result".to_owned()];
    let places = [MARGIN + size[0] / 2.0, numbers + NUMBERS / 2.0, right + size[0] / 2.0];
    for (x, name) in places.into_iter().zip(names) {
        scene.text([x, foot], &name, SIZE, SOFT_INK, Anchor::Middle);
    }
    Picture::new(scene)
}

fn described(filter: &Filter) -> String {
    match filter {
        Filter::SobelX => "Sobel, upright edges".to_owned(),
        Filter::SobelY => "Sobel, level edges".to_owned(),
        Filter::Sobel => "Sobel, all edges".to_owned(),
        Filter::Laplacian => "Laplacian, edges and points".to_owned(),
        Filter::BoxBlur { size } => format!("box blur, {size} × {size}"),
        Filter::GaussianBlur { sigma } => format!("Gaussian blur, σ = {sigma}"),
        Filter::Sharpen => "sharpen".to_owned(),
        Filter::Emboss => "emboss".to_owned(),
        Filter::Custom { .. } => "your own numbers".to_owned(),
    }
}

fn draw_photo(scene: &mut Scene, [x, y]: [f64; 2], [w, h]: [f64; 2], photo: Photo) {
    scene.photo([x, y], [w, h], photo);
    scene.frame([x - 0.5, y - 0.5], [w + 1.0, h + 1.0], Pen::new(GRID, 1.0));
}

/// The side of one number's square: whole pixels, so that no seam shows.
fn cell_of(taps: &Taps) -> f64 {
    (NUMBERS / taps.rows.max(taps.columns) as f64).floor().clamp(1.0, 56.0)
}

fn height_of(taps: &Taps) -> f64 {
    taps.rows as f64 * cell_of(taps)
}

/// The numbers within [`NUMBERS`] pixels each way, each on a shade of its size.
fn draw_taps(scene: &mut Scene, [left, top]: [f64; 2], taps: &Taps) {
    let longest = taps.rows.max(taps.columns);
    let cell = cell_of(taps);
    let [width, height] = [taps.columns, taps.rows].map(|count| count as f64 * cell);
    let left = (left + (NUMBERS - width) / 2.0).round();
    let largest = taps.values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let texts: Vec<_> = taps.values.iter().map(|value| short(*value)).collect();
    let widest = texts.iter().map(|text| font::width(text, 1.0)).fold(0.0, f64::max);
    let size = ((cell - 6.0) / widest).min(SIZE);
    for (i, (&value, text)) in taps.values.iter().zip(&texts).enumerate() {
        let (row, column) = ((i / taps.columns) as f64, (i % taps.columns) as f64);
        let [x, y] = [left + column * cell, top + row * cell];
        let strength = if largest > 0.0 { value.abs() / largest } else { 0.0 };
        scene.rect([x, y], [cell, cell], shade(value, strength));
        if longest <= MOST_NUMBERS && size >= 10.0 {
            let at = [x + cell / 2.0, y + cell / 2.0 + 0.36 * size];
            scene.text(at, text, size, INK, Anchor::Middle);
        }
    }
    if longest <= MOST_NUMBERS {
        draw_cell_borders(scene, [left, top], taps);
    }
    scene.frame([left - 0.5, top - 0.5], [width + 1.0, height + 1.0], Pen::new(AXIS, 1.0));
}

fn draw_cell_borders(scene: &mut Scene, [left, top]: [f64; 2], taps: &Taps) {
    let cell = cell_of(taps);
    let (right, bottom) = (left + taps.columns as f64 * cell, top + height_of(taps));
    for column in 1..taps.columns {
        let x = left + column as f64 * cell + 0.5;
        scene.line(vec![[x, top], [x, bottom]], Pen::new(GRID, 1.0));
    }
    for row in 1..taps.rows {
        let y = top + row as f64 * cell + 0.5;
        scene.line(vec![[left, y], [right, y]], Pen::new(GRID, 1.0));
    }
}

/// Light enough for dark text on every shade.
fn shade(value: f64, strength: f64) -> Colour {
    if value == 0.0 {
        return WHITE;
    }
    if value > 0.0 {
        return blues(0.08 + 0.4 * strength);
    }
    // Okabe and Ito's vermilion, mixed with white.
    let mix = |colour: u8| 255 - ((255.0 - f64::from(colour)) * (0.1 + 0.45 * strength)) as u8;
    Colour(mix(0xd5), mix(0x5e), mix(0x00))
}

/// At most three decimals, with a true minus.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text.trim_start_matches(['-', '0', '.']).is_empty() { "0" } else { text };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(-1.0), "−1");
        assert_eq!(short(1.0 / 9.0), "0.111");
        assert_eq!(short(0.5), "0.5");
        assert_eq!(short(100.0), "100");
        assert_eq!(short(-0.0001), "0");
    }
}
