//! How often each of many labels was found and missed.

use crate::colour::{AXIS, GRID, INK, SOFT_INK, WHITE, blues};
use crate::font;
use crate::picture::Picture;
use crate::scene::{Anchor, Pen, Scene};
use crate::text;

const TITLE: &str = "Labels found and missed";
const TITLE_SIZE: f64 = 24.0;
const MARGIN: f64 = 24.0;
/// Above the first row: the title and two lines of headings.
const TOP: f64 = 128.0;
const CELL_WIDTH: f64 = 170.0;
/// Between images that have a label and those that do not.
const GAP: f64 = 18.0;
/// Rows are as high as this where that makes no page too long for any screen.
const ROW: f64 = 46.0;
const LONGEST: f64 = 2400.0;
/// Up to here rows are kept high enough for their text.
const ROWS_WITH_TEXT: usize = 100;
const LEAST_WITH_TEXT: f64 = 20.0;
const NAME_SIZE: f64 = 15.0;

const GROUPS: [&str; 2] = ["images with the label", "images without it"];
const COLUMNS: [&str; 4] = ["found", "missed", "false alarms", "rightly left out"];

/// A row for each label: in how many of the images that have it the label was found and missed; in how
/// many of those that do not have it there was a false alarm, and none.
///
/// The blue grows with the share of the images with (or without) the label, as in
/// [`confusion_matrix`](crate::confusion_matrix); text is white above one half. With some hundred
/// labels rows are too low for text, and only every so many names are written.
///
/// # Panics
/// Where there is no label, or there are not as many rows of counts.
pub fn label_matrix(labels: &[String], counts: &[[u64; 4]]) -> Picture {
    assert!(!labels.is_empty(), "there are labels");
    assert_eq!(counts.len(), labels.len(), "a row for each label");
    let names: Vec<_> = labels.iter().map(|label| text::name(label)).collect();
    let layout = Layout::new(&names);
    let right = layout.column(3) + CELL_WIDTH;
    let height = TOP + layout.row * names.len() as f64 + MARGIN;
    let mut scene = Scene::new(right + MARGIN, height, TITLE);
    let middle = (layout.left + right) / 2.0;
    scene.text([middle, 42.0], TITLE, TITLE_SIZE, INK, Anchor::Middle);
    draw_headings(&mut scene, &layout);
    for (row, counts) in counts.iter().enumerate() {
        draw_row(&mut scene, &layout, row, *counts);
    }
    draw_names(&mut scene, &layout, &names);
    Picture::new(scene)
}

/// Where everything stands.
struct Layout {
    left: f64,
    /// The height of a row.
    row: f64,
    rows: usize,
}

impl Layout {
    fn new(names: &[String]) -> Self {
        let widest = names.iter().map(|name| font::width(name, NAME_SIZE)).fold(0.0, f64::max);
        let rows = names.len();
        let least = if rows <= ROWS_WITH_TEXT { LEAST_WITH_TEXT } else { 1.0 };
        let row = (LONGEST / rows as f64).floor().clamp(least, ROW);
        Self { left: (MARGIN + widest + 14.0).ceil(), row, rows }
    }

    /// The left side of a column.
    fn column(&self, column: usize) -> f64 {
        let gap = if column < 2 { 0.0 } else { GAP };
        self.left + column as f64 * CELL_WIDTH + gap
    }

    fn top(&self, row: usize) -> f64 {
        TOP + row as f64 * self.row
    }
}

fn draw_headings(scene: &mut Scene, layout: &Layout) {
    for (group, words) in GROUPS.into_iter().enumerate() {
        let middle = layout.column(2 * group) + CELL_WIDTH;
        scene.text([middle, TOP - 42.0], words, 16.0, INK, Anchor::Middle);
    }
    for (column, words) in COLUMNS.into_iter().enumerate() {
        let middle = layout.column(column) + CELL_WIDTH / 2.0;
        scene.text([middle, TOP - 14.0], words, 15.0, SOFT_INK, Anchor::Middle);
    }
}

fn draw_row(scene: &mut Scene, layout: &Layout, row: usize, counts: [u64; 4]) {
    let size = [18.0, 15.0, 12.0].into_iter().find(|size| 1.3 * size <= layout.row - 4.0);
    for (column, &count) in counts.iter().enumerate() {
        let of_group = counts[column / 2 * 2] as f64 + counts[column / 2 * 2 + 1] as f64;
        let share = (of_group > 0.0).then(|| count as f64 / of_group);
        let (x, y) = (layout.column(column), layout.top(row));
        scene.rect([x, y], [CELL_WIDTH, layout.row], share.map_or(WHITE, blues));
        if let Some(size) = size {
            let ink = if share.is_some_and(|share| share > 0.5) { WHITE } else { INK };
            let words = match share {
                Some(share) => format!("{count} ({share:.2})"),
                None => count.to_string(),
            };
            let middle = [x + CELL_WIDTH / 2.0, y + layout.row / 2.0 + 0.36 * size];
            scene.text(middle, &words, size, ink, Anchor::Middle);
        }
    }
}

/// The names of the rows, the lines between these, and the frames around both groups.
fn draw_names(scene: &mut Scene, layout: &Layout, names: &[String]) {
    let (width, height) = (2.0 * CELL_WIDTH, layout.row * layout.rows as f64);
    for x in [layout.column(0), layout.column(2)] {
        if layout.row >= LEAST_WITH_TEXT {
            for y in (1..layout.rows).map(|row| layout.top(row) + 0.5) {
                scene.line(vec![[x, y], [x + width, y]], Pen::new(GRID, 1.0));
            }
        }
        let middle = x + CELL_WIDTH + 0.5;
        scene.line(vec![[middle, TOP], [middle, TOP + height]], Pen::new(GRID, 1.0));
        scene.frame([x - 0.5, TOP - 0.5], [width + 1.0, height + 1.0], Pen::new(AXIS, 1.0));
    }
    let every = ((NAME_SIZE + 2.0) / layout.row).ceil().max(1.0) as usize;
    for (row, name) in names.iter().enumerate().step_by(every) {
        let at = [layout.left - 10.0, layout.top(row) + layout.row / 2.0 + 0.36 * NAME_SIZE];
        scene.text(at, name, NAME_SIZE, INK, Anchor::End);
    }
}
