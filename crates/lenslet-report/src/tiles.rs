//! Small pictures in rows and columns, with words under each.

use crate::colour::{Colour, GRID, INK};
use crate::font;
use crate::photo::Photo;
use crate::picture::Picture;
use crate::scene::{Anchor, Pen, Scene};
use crate::text;

const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 28.0;
const GAP: f64 = 10.0;
const TITLE_SIZE: f64 = 24.0;
const TITLE_ROOM: f64 = 68.0;
pub(crate) const SIZE: f64 = 14.0;
const LINE: f64 = 18.0;
/// What the longest captions come down to.
const FEWEST_COLUMNS: usize = 5;
/// Lines that one caption may take before it is cut.
const MOST_LINES: usize = 2;

/// Words under a picture, in their colour.
pub(crate) struct Caption {
    pub(crate) words: String,
    pub(crate) colour: Colour,
}

/// One picture of a grid.
pub(crate) struct Tile<'a> {
    pub(crate) pixels: &'a [u8],
    pub(crate) captions: Vec<Caption>,
    /// A frame that says something; without one it is thin and grey.
    pub(crate) frame: Option<Colour>,
}

/// The grid. `most_columns` are used where the captions fit, else fewer, wider ones.
pub(crate) fn draw(
    tiles: &[Tile<'_>],
    shape: [usize; 3],
    title: &str,
    most_columns: usize,
) -> Picture {
    let grid = Grid::new(tiles, shape, most_columns);
    let rows: Vec<_> = tiles.chunks(grid.columns).collect();
    let depth = |row: &&[Tile<'_>]| {
        let lines = row.iter().map(|tile| grid.lines(tile).len()).max().unwrap_or(0);
        grid.tile[1] + 6.0 + lines as f64 * LINE + 14.0
    };
    let width = grid.width().max(font::width(&text::clean(title), TITLE_SIZE) + 2.0 * MARGIN);
    let height = TITLE_ROOM + rows.iter().map(depth).sum::<f64>() + MARGIN - 14.0;
    let mut scene = Scene::new(width, height, title);
    scene.text([MARGIN, 44.0], title, TITLE_SIZE, INK, Anchor::Start);
    let mut top = TITLE_ROOM;
    for row in &rows {
        for (column, tile) in row.iter().enumerate() {
            let left = MARGIN + column as f64 * (grid.tile[0] + GAP);
            grid.draw_tile(&mut scene, [left, top], shape, tile);
        }
        top += depth(row);
    }
    Picture::new(scene)
}

struct Grid {
    columns: usize,
    /// Width and height of one picture on the page.
    tile: [f64; 2],
}

impl Grid {
    fn new(tiles: &[Tile<'_>], [height, width, _]: [usize; 3], most_columns: usize) -> Self {
        let with = |columns: usize| {
            let room = (WIDTH - 2.0 * MARGIN + GAP) / columns as f64 - GAP;
            let scale = whole_scale(width, room);
            Self { columns, tile: [width as f64 * scale, height as f64 * scale] }
        };
        // A few images are not made larger than a fifth of the page.
        let most_columns = most_columns.min(tiles.len().max(FEWEST_COLUMNS));
        let fits = |&columns: &usize| tiles.iter().all(|tile| with(columns).fits(tile));
        let columns = (FEWEST_COLUMNS..=most_columns).rev().find(fits).unwrap_or(FEWEST_COLUMNS);
        let grid = with(even_columns(tiles.len(), columns));
        Self { columns: grid.columns.min(tiles.len().max(1)), ..grid }
    }

    fn width(&self) -> f64 {
        2.0 * MARGIN + self.columns as f64 * (self.tile[0] + GAP) - GAP
    }

    fn fits(&self, tile: &Tile<'_>) -> bool {
        tile.captions.iter().all(|caption| {
            let longest_word = caption.words.split_inclusive([' ', '_', '-']);
            let mut widths = longest_word.map(|word| font::width(word.trim_end(), SIZE));
            let whole = text::wrap(&caption.words, SIZE, self.tile[0], MOST_LINES + 1);
            widths.all(|width| width <= self.tile[0]) && whole.len() <= MOST_LINES
        })
    }

    fn lines(&self, tile: &Tile<'_>) -> Vec<(String, Colour)> {
        let wrap = |caption: &Caption| {
            let lines = text::wrap(&caption.words, SIZE, self.tile[0], MOST_LINES);
            let colour = caption.colour;
            lines.into_iter().map(move |line| (line, colour)).collect::<Vec<_>>()
        };
        tile.captions.iter().flat_map(wrap).collect()
    }

    fn draw_tile(
        &self,
        scene: &mut Scene,
        [left, top]: [f64; 2],
        shape: [usize; 3],
        tile: &Tile<'_>,
    ) {
        let [width, height] = self.tile;
        let photo = Photo::new(tile.pixels, shape, width.max(height));
        scene.photo([left, top], [width, height], photo);
        let (colour, pen_width) = tile.frame.map_or((GRID, 1.0), |colour| (colour, 3.0));
        // The frame stands outside the picture.
        let out = pen_width / 2.0;
        let size = [width + 2.0 * out, height + 2.0 * out];
        scene.frame([left - out, top - out], size, Pen::new(colour, pen_width));
        for (i, (line, colour)) in self.lines(tile).into_iter().enumerate() {
            let at = [left + width / 2.0, top + height + 6.0 + LINE * (i as f64 + 0.78)];
            scene.text(at, &line, SIZE, colour, Anchor::Middle);
        }
    }
}

/// At most `columns` for `n` pictures, so that rows are filled evenly: no picture stands alone in the
/// last one while a few columns less avoid that.
fn even_columns(n: usize, columns: usize) -> usize {
    let rows = n.div_ceil(columns).max(1);
    let even = n.div_ceil(rows).clamp(FEWEST_COLUMNS.min(columns), columns);
    // Pictures that the last row lacks.
    let lacking = |columns: &usize| columns * n.div_ceil(*columns) - n;
    let half_full = |columns: &usize| 2 * lacking(columns) <= *columns;
    let choice = || (FEWEST_COLUMNS.min(even)..=even).rev();
    choice().find(half_full).or_else(|| choice().min_by_key(lacking)).unwrap_or(even)
}

/// How much to enlarge or shrink pictures of `width` pixels for about `room` pixels on the page.
/// Enlarged ones grow by a whole number, so that every pixel is the same square.
fn whole_scale(width: usize, room: f64) -> f64 {
    let exact = room / width as f64;
    if exact < 1.0 { room.floor() / width as f64 } else { exact.round() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_grow_by_whole_numbers() {
        assert_eq!(whole_scale(32, 84.4), 3.0);
        assert_eq!(whole_scale(28, 84.4), 3.0);
        assert_eq!(whole_scale(84, 84.4), 1.0);
        assert_eq!(whole_scale(168, 84.4), 0.5);
    }

    #[test]
    fn no_picture_is_left_alone() {
        for (n, columns, expected) in [
            (50, 7, 5),
            (50, 10, 10),
            (20, 10, 10),
            (24, 8, 8),
            (13, 7, 7),
            (11, 10, 6),
            (17, 8, 6),
        ] {
            assert_eq!(even_columns(n, columns), expected, "{n} in {columns}");
        }
        for n in 1..200 {
            for columns in FEWEST_COLUMNS..=10 {
                let even = even_columns(n, columns);
                assert!((FEWEST_COLUMNS..=columns).contains(&even), "{n} in {columns}");
            }
        }
    }
}
