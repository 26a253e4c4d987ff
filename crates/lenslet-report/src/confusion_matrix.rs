//! Which class was taken for which.

use crate::colour::{AXIS, GRID, INK, SOFT_INK, WHITE, blues};
use crate::font;
use crate::photo::Photo;
use crate::picture::Picture;
use crate::scene::{Anchor, Pen, Scene};
use crate::text;

const TITLE: &str = "Confusion matrix";
const TITLE_SIZE: f64 = 24.0;
const AXIS_TITLE_SIZE: f64 = 18.0;
/// What the page would be wide if any number of classes fitted.
const WIDTH: f64 = 1000.0;
/// The colour bar with its numbers and title.
const BAR_ROOM: f64 = 130.0;
const MARGIN: f64 = 24.0;
const TOP: f64 = 72.0;
/// From here on cells are one image: a shape for each would make the SVG too large.
const MANY_CLASSES: usize = 40;
/// Up to here cells are kept large enough for their text.
const CLASSES_WITH_TEXT: usize = 24;

/// Counts of (true class, predicted class), with the share of the true class in brackets.
///
/// `counts` is row by row, one row for each true class. The blue grows with the share of the row,
/// as in mlxtend's `plot_confusion_matrix(show_absolute=True, show_normed=True)`; text is white
/// above one half. Cells too small for both numbers show the count, or nothing. With some hundred
/// classes only every so many names are written. A class without samples has an empty row.
///
/// # Panics
/// Where there is no class, or `counts` is not `classes.len()` squared long.
pub fn confusion_matrix(classes: &[String], counts: &[u64]) -> Picture {
    assert!(!classes.is_empty(), "a confusion matrix has classes");
    assert_eq!(counts.len(), classes.len() * classes.len(), "one count per pair of classes");
    let names: Vec<_> = classes.iter().map(|class| text::name(class)).collect();
    let rows = counts.chunks_exact(classes.len());
    let shares = rows.flat_map(|row| {
        let total: u128 = row.iter().map(|&count| u128::from(count)).sum();
        row.iter().map(move |&count| (total > 0).then(|| count as f64 / total as f64))
    });
    Matrix { names: &names, counts, shares: shares.collect() }.draw()
}

struct Matrix<'a> {
    names: &'a [String],
    counts: &'a [u64],
    /// Of the row; `None` in a row without samples.
    shares: Vec<Option<f64>>,
}

/// Where everything stands.
struct Layout {
    left: f64,
    cell: f64,
    side: f64,
    name_size: f64,
    /// Every how many classes have their name written.
    every: usize,
    names_below: NamesBelow,
    bottom: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum NamesBelow {
    Level,
    Slanted,
    Upright,
}

impl Matrix<'_> {
    fn draw(&self) -> Picture {
        let layout = self.layout();
        let height = TOP + layout.side + layout.bottom;
        let mut scene = Scene::new(layout.left + layout.side + BAR_ROOM, height, TITLE);
        scene.text([layout.left, 44.0], TITLE, TITLE_SIZE, INK, Anchor::Start);
        self.draw_cells(&mut scene, &layout);
        self.draw_numbers(&mut scene, &layout);
        self.draw_names(&mut scene, &layout);
        draw_axis_titles(&mut scene, &layout, height);
        draw_bar(&mut scene, &layout);
        Picture::new(scene)
    }

    fn layout(&self) -> Layout {
        let count = self.names.len() as f64;
        let widest = |size| self.names.iter().map(|n| font::width(n, size)).fold(0.0, f64::max);
        let name_room = |size: f64| widest(size) + MARGIN + 52.0;
        let least = if self.names.len() <= CLASSES_WITH_TEXT { 54.0 } else { 15.0 };
        // With hundreds of classes a page of names would be too large for any screen.
        let least = f64::min(least, (2000.0 / count).floor().max(1.0));
        let room = ((WIDTH - name_room(15.0) - BAR_ROOM) / count).floor();
        let cell = room.clamp(least, 180.0);
        let name_size = if cell >= 20.0 { 15.0 } else { 12.0 };
        let widest = widest(name_size);
        let names_below = if widest <= cell - 8.0 {
            NamesBelow::Level
        } else if cell >= 30.0 {
            NamesBelow::Slanted
        } else {
            NamesBelow::Upright
        };
        let name_depth = match names_below {
            NamesBelow::Level => name_size,
            NamesBelow::Slanted => (widest + name_size) * std::f64::consts::FRAC_1_SQRT_2,
            NamesBelow::Upright => widest,
        };
        Layout {
            left: name_room(name_size).ceil(),
            cell,
            side: cell * count,
            name_size,
            every: ((name_size + 2.0) / cell).ceil().max(1.0) as usize,
            names_below,
            bottom: (name_depth + 66.0).ceil(),
        }
    }

    fn draw_cells(&self, scene: &mut Scene, layout: &Layout) {
        let classes = self.names.len();
        let colour = |share: &Option<f64>| share.map_or(WHITE, blues);
        let Layout { left, cell, side, .. } = *layout;
        if classes > MANY_CLASSES {
            let bytes = |share| {
                let colour = colour(share);
                [colour.0, colour.1, colour.2]
            };
            let rgb = self.shares.iter().flat_map(bytes).collect();
            let photo = Photo::of_cells(classes as u32, classes as u32, rgb);
            scene.photo([left, TOP], [side, side], photo);
        } else {
            for (i, share) in self.shares.iter().enumerate() {
                let [x, y] = layout.corner(i / classes, i % classes);
                scene.rect([x, y], [cell, cell], colour(share));
            }
            for i in 1..classes {
                let at = i as f64 * cell + 0.5;
                let pen = Pen::new(GRID, 1.0);
                scene.line(vec![[left + at, TOP], [left + at, TOP + side]], pen);
                scene.line(vec![[left, TOP + at], [left + side, TOP + at]], pen);
            }
        }
        let pen = Pen::new(AXIS, 1.0);
        scene.frame([left - 0.5, TOP - 0.5], [side + 1.0, side + 1.0], pen);
    }

    fn draw_numbers(&self, scene: &mut Scene, layout: &Layout) {
        let widest = |size| {
            self.counts.iter().map(|c| font::width(&c.to_string(), size)).fold(0.0, f64::max)
        };
        let fits = |width: f64, size: &f64, lines: f64| {
            width <= layout.cell - 6.0 && lines * 1.3 * size <= layout.cell - 4.0
        };
        let sizes = [18.0, 17.0, 16.0, 15.0, 14.0, 13.0, 12.0, 11.0];
        let both = |size: &f64| fits(widest(*size).max(font::width("(0.00)", *size)), size, 2.0);
        let one = |size: &f64| fits(widest(*size), size, 1.0);
        let (size, with_share) =
            match (sizes.iter().find(|s| both(s)), sizes.iter().find(|s| one(s))) {
                (Some(&size), _) => (size, true),
                (None, Some(&size)) => (size, false),
                (None, None) => return,
            };
        for (i, (&count, share)) in self.counts.iter().zip(&self.shares).enumerate() {
            let [x, y] = layout.corner(i / self.names.len(), i % self.names.len());
            let [x, y] = [x + layout.cell / 2.0, y + layout.cell / 2.0];
            let ink = if share.is_some_and(|share| share > 0.5) { WHITE } else { INK };
            let mut write = |dy: f64, words: &str| {
                scene.text([x, y + dy * size], words, size, ink, Anchor::Middle);
            };
            match share {
                Some(share) if with_share => {
                    write(-0.28, &count.to_string());
                    write(1.02, &format!("({share:.2})"));
                }
                _ => write(0.36, &count.to_string()),
            }
        }
    }

    fn draw_names(&self, scene: &mut Scene, layout: &Layout) {
        let Layout { left, cell, side, name_size: size, names_below, .. } = *layout;
        for (i, name) in self.names.iter().enumerate().step_by(layout.every) {
            let middle = (i as f64 + 0.5) * cell;
            let (x, y, below) = (left + middle, TOP + middle, TOP + side);
            let pen = Pen::new(AXIS, 1.0);
            scene.line(vec![[left - 6.0, y], [left, y]], pen);
            scene.line(vec![[x, below], [x, below + 6.0]], pen);
            scene.text([left - 12.0, y + 0.36 * size], name, size, INK, Anchor::End);
            let (at, anchor, turn) = match names_below {
                NamesBelow::Level => ([x, below + 10.0 + size], Anchor::Middle, 0.0),
                NamesBelow::Slanted => {
                    ([x + 0.4 * size, below + 10.0 + 0.6 * size], Anchor::End, -45.0)
                }
                NamesBelow::Upright => ([x + 0.36 * size, below + 12.0], Anchor::End, -90.0),
            };
            scene.text(at, name, size, INK, anchor).turn = turn;
        }
    }
}

impl Layout {
    fn corner(&self, row: usize, column: usize) -> [f64; 2] {
        [self.left + column as f64 * self.cell, TOP + row as f64 * self.cell]
    }
}

fn draw_axis_titles(scene: &mut Scene, layout: &Layout, height: f64) {
    let middle = layout.side / 2.0;
    let below = [layout.left + middle, height - 22.0];
    scene.text(below, "predicted label", AXIS_TITLE_SIZE, INK, Anchor::Middle);
    let beside = [MARGIN + 14.0, TOP + middle];
    scene.text(beside, "true label", AXIS_TITLE_SIZE, INK, Anchor::Middle).turn = -90.0;
}

/// From share 0 below to share 1 above.
fn draw_bar(scene: &mut Scene, layout: &Layout) {
    let (x, width) = (layout.left + layout.side + 24.0, 22.0);
    let height = layout.side.min(700.0);
    let steps = 128;
    for step in (1..=steps).rev() {
        // Each step reaches down to the foot under the next ones: no seams.
        let share = f64::from(step) / f64::from(steps);
        let top = TOP + (height * (1.0 - share)).round();
        let colour = blues(share - 0.5 / f64::from(steps));
        scene.rect([x, top], [width, TOP + height - top], colour);
    }
    scene.frame([x - 0.5, TOP - 0.5], [width + 1.0, height + 1.0], Pen::new(AXIS, 1.0));
    for (share, label) in [(0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1")] {
        let y = TOP + (height * (1.0 - share)).round();
        let right = x + width;
        scene.line(vec![[right, y], [right + 5.0, y]], Pen::new(AXIS, 1.0));
        scene.text([right + 9.0, y + 5.0], label, 14.0, SOFT_INK, Anchor::Start);
    }
    let title = [x + width + 62.0, TOP + height / 2.0];
    if height > 220.0 {
        let words = "share of the true class";
        scene.text(title, words, 14.0, SOFT_INK, Anchor::Middle).turn = -90.0;
    }
}
