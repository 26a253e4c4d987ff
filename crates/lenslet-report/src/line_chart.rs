//! Values per epoch, as lines.

use crate::colour::{AXIS, CURVES, Colour, GRID, INK, SOFT_INK, WHITE};
use crate::font;
use crate::picture::Picture;
use crate::scene::{Anchor, Pen, Scene};
use crate::text;
use crate::ticks::{self, Ticks};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 600.0;
const RIGHT_MARGIN: f64 = 36.0;
const BOTTOM_MARGIN: f64 = 76.0;
/// Baseline of the first line of the legend.
const LEGEND_TOP: f64 = 82.0;
const LEGEND_PITCH: f64 = 26.0;
const TITLE_SIZE: f64 = 24.0;
const AXIS_TITLE_SIZE: f64 = 18.0;
const SIZE: f64 = 16.0;
/// From here on only some of the points get a marker, or the line would be nothing else.
const MANY_EPOCHS: usize = 40;

/// One line of a chart: a value for each epoch, from the first on.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// What the legend calls it.
    pub label: &'a str,
    /// One value per epoch. One that is not finite is a gap in the line.
    pub values: &'a [f64],
}

/// Lines over epochs, for any metric: at most six are told apart by colour.
///
/// The vertical axis fits the data; the legend stands above the plot and covers nothing. Curves
/// may differ in length, and empty ones are left out.
pub fn metric_curves(title: &str, y_title: &str, curves: &[Curve<'_>]) -> Picture {
    let y_limits = [f64::NEG_INFINITY, f64::INFINITY];
    LineChart { title, y_title, curves, y_limits, mark: None, across: None }.draw()
}

/// A point of a curve that is worth a ring, a dashed line and an entry in the legend.
pub(crate) struct Mark {
    /// Counted from 1.
    pub(crate) epoch: usize,
    pub(crate) value: f64,
    pub(crate) label: String,
}

pub(crate) struct LineChart<'a> {
    pub(crate) title: &'a str,
    pub(crate) y_title: &'a str,
    pub(crate) curves: &'a [Curve<'a>],
    /// Bounds that the axis does not leave unless the data does: accuracies end at 1.
    pub(crate) y_limits: [f64; 2],
    pub(crate) mark: Option<Mark>,
    /// What lies across, where it is not epochs.
    pub(crate) across: Option<Across>,
}

/// A horizontal axis of points that are not epochs.
pub(crate) struct Across {
    pub(crate) title: &'static str,
    /// Labels, and where they stand: 1 is the first point of a curve.
    pub(crate) labels: Vec<(f64, String)>,
}

/// Where data lies on the page.
struct Frame {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    epochs: usize,
    low: f64,
    high: f64,
}

impl Frame {
    fn x(&self, epoch: f64) -> f64 {
        // Room beside the first and the last point, so that their markers stand free.
        let inset = 24.0;
        let (left, right) = (self.left + inset, self.right - inset);
        if self.epochs < 2 {
            return (left + right) / 2.0;
        }
        left + (epoch - 1.0) / (self.epochs - 1) as f64 * (right - left)
    }

    fn y(&self, value: f64) -> f64 {
        // Halves first: the span of two finite numbers may not be finite.
        let part = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        self.bottom - part * (self.bottom - self.top)
    }

    fn middle(&self) -> [f64; 2] {
        [(self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0]
    }
}

/// Centres a thin line on a pixel.
fn crisp(at: f64) -> f64 {
    at.floor() + 0.5
}

impl LineChart<'_> {
    pub(crate) fn draw(&self) -> Picture {
        let mut scene = Scene::new(WIDTH, HEIGHT, self.title);
        let ticks = self.y_ticks();
        let labels = ticks.labels();
        let widest = labels.iter().map(|label| font::width(label, SIZE)).fold(0.0, f64::max);
        let left = (widest + 76.0).round();
        let legend_rows = self.legend(&mut scene, left);
        let epochs = self.curves.iter().map(|curve| curve.values.len()).max().unwrap_or(0);
        let frame = Frame {
            left,
            top: LEGEND_TOP + (legend_rows as f64 - 0.2) * LEGEND_PITCH,
            right: WIDTH - RIGHT_MARGIN,
            bottom: HEIGHT - BOTTOM_MARGIN,
            epochs,
            low: ticks.first(),
            high: ticks.last(),
        };
        self.titles(&mut scene, &frame);
        let below = match &self.across {
            Some(across) => across.labels.clone(),
            None => epoch_labels(epochs),
        };
        draw_grid(&mut scene, &frame, &ticks.values, &labels, &below);
        self.draw_mark_line(&mut scene, &frame);
        for (index, curve) in self.shown() {
            draw_curve(&mut scene, &frame, curve.values, index);
        }
        self.draw_mark_ring(&mut scene, &frame);
        self.note(&mut scene, &frame);
        Picture::new(scene)
    }

    fn shown(&self) -> impl Iterator<Item = (usize, &Curve<'_>)> {
        self.curves.iter().enumerate().filter(|(_, curve)| !curve.values.is_empty())
    }

    fn y_ticks(&self) -> Ticks {
        let finite = || self.curves.iter().flat_map(|c| c.values).filter(|v| v.is_finite());
        let low = finite().copied().fold(f64::INFINITY, f64::min);
        let high = finite().copied().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return Ticks::around(0.0, 1.0, 6);
        }
        // Beyond this no difference of two values is finite.
        let [low, high] = [low, high].map(|v| v.clamp(-1e300, 1e300));
        let mut ticks = Ticks::around(low, high, 6);
        let [least, most] = self.y_limits;
        ticks.values.retain(|&tick| {
            (tick >= least - 1e-9 || low < least) && (tick <= most + 1e-9 || high > most)
        });
        ticks
    }

    fn titles(&self, scene: &mut Scene, frame: &Frame) {
        let [middle, half_way] = frame.middle();
        scene.text([frame.left, 44.0], self.title, TITLE_SIZE, INK, Anchor::Start);
        let below = [middle, HEIGHT - 22.0];
        let across = self.across.as_ref().map_or("Epoch", |across| across.title);
        scene.text(below, across, AXIS_TITLE_SIZE, INK, Anchor::Middle);
        let beside = [34.0, half_way];
        scene.text(beside, self.y_title, AXIS_TITLE_SIZE, INK, Anchor::Middle).turn = -90.0;
    }

    /// Draws the legend above the plot and returns its number of lines.
    fn legend(&self, scene: &mut Scene, left: f64) -> usize {
        let (mut x, mut row) = (left, 0);
        let mut place = |label: &str| {
            let needed = 40.0 + font::width(label, SIZE);
            if x > left && x + needed > WIDTH - RIGHT_MARGIN {
                (x, row) = (left, row + 1);
            }
            let at = [x, LEGEND_TOP + f64::from(row) * LEGEND_PITCH];
            x += needed + 28.0;
            (at, row as usize + 1)
        };
        let mut rows = 1;
        for (index, curve) in self.shown() {
            let label = text::name(curve.label);
            let ([x, y], row) = place(&label);
            let middle = y - 0.36 * SIZE;
            let colour = CURVES[index % CURVES.len()];
            scene.line(vec![[x, middle], [x + 32.0, middle]], Pen::new(colour, 2.5));
            draw_marker(scene, [x + 16.0, middle], index);
            scene.text([x + 40.0, y], &label, SIZE, INK, Anchor::Start);
            rows = row;
        }
        if let Some(mark) = &self.mark {
            let ([x, y], row) = place(&mark.label);
            let middle = y - 0.36 * SIZE;
            scene.line(vec![[x, middle], [x + 32.0, middle]], mark_pen());
            draw_ring(scene, [x + 16.0, middle]);
            scene.text([x + 40.0, y], &mark.label, SIZE, INK, Anchor::Start);
            rows = row;
        }
        rows
    }

    fn draw_mark_line(&self, scene: &mut Scene, frame: &Frame) {
        if let Some(mark) = &self.mark {
            let x = crisp(frame.x(mark.epoch as f64));
            scene.line(vec![[x, frame.top], [x, frame.bottom]], mark_pen());
        }
    }

    fn draw_mark_ring(&self, scene: &mut Scene, frame: &Frame) {
        if let Some(mark) = &self.mark {
            draw_ring(scene, [frame.x(mark.epoch as f64), frame.y(mark.value)]);
        }
    }

    /// Says what is not drawn.
    fn note(&self, scene: &mut Scene, frame: &Frame) {
        let missing = |epoch: usize| {
            self.curves.iter().any(|c| c.values.get(epoch).is_some_and(|v| !v.is_finite()))
        };
        let values = || self.curves.iter().flat_map(|curve| curve.values);
        let [middle, half_way] = frame.middle();
        if values().next().is_none() || !values().any(|value| value.is_finite()) {
            let words = if frame.epochs == 0 { "no epochs yet" } else { "no finite values" };
            scene.text([middle, half_way], words, AXIS_TITLE_SIZE, SOFT_INK, Anchor::Middle);
            return;
        }
        let words = match (0..frame.epochs).filter(|&epoch| missing(epoch)).count() {
            0 => return,
            1 => "1 epoch has a value that is not finite".to_owned(),
            count => format!("{count} epochs have a value that is not finite"),
        };
        scene.text([frame.right, HEIGHT - 22.0], &words, 14.0, SOFT_INK, Anchor::End);
    }
}

fn mark_pen() -> Pen {
    Pen::new(SOFT_INK, 1.5).dashed(5.0, 4.0)
}

fn draw_ring(scene: &mut Scene, [x, y]: [f64; 2]) {
    let ring = (0..=32).map(|i| f64::from(i) / 32.0 * std::f64::consts::TAU);
    let points = ring.map(|angle| [x + 8.5 * angle.cos(), y + 8.5 * angle.sin()]).collect();
    scene.line(points, Pen::new(SOFT_INK, 1.5));
}

fn epoch_labels(epochs: usize) -> Vec<(f64, String)> {
    let shown = ticks::epochs(epochs, 12).into_iter();
    shown.map(|epoch| (epoch as f64, epoch.to_string())).collect()
}

fn draw_grid(
    scene: &mut Scene,
    frame: &Frame,
    ticks: &[f64],
    labels: &[String],
    across: &[(f64, String)],
) {
    let Frame { left, top, right, bottom, .. } = *frame;
    for (&value, label) in ticks.iter().zip(labels) {
        let y = crisp(frame.y(value));
        scene.line(vec![[left, y], [right, y]], Pen::new(GRID, 1.0));
        scene.text([left - 12.0, y + 0.36 * SIZE], label, SIZE, SOFT_INK, Anchor::End);
    }
    for (at, label) in across {
        let x = crisp(frame.x(*at));
        scene.line(vec![[x, top], [x, bottom]], Pen::new(GRID, 1.0));
        scene.line(vec![[x, bottom], [x, bottom + 6.0]], Pen::new(AXIS, 1.0));
        let below = [x, bottom + 26.0];
        scene.text(below, label, SIZE, SOFT_INK, Anchor::Middle);
    }
    let (left, bottom) = (crisp(left), crisp(bottom));
    scene.line(vec![[left, top], [left, bottom], [right, bottom]], Pen::new(AXIS, 1.0));
}

/// Finite runs as lines, and markers on them.
fn draw_curve(scene: &mut Scene, frame: &Frame, values: &[f64], index: usize) {
    let colour = CURVES[index % CURVES.len()];
    let many = frame.epochs > MANY_EPOCHS;
    let every = if many { frame.epochs.div_ceil(20) } else { 1 };
    // Each curve marks other epochs, so that two close lines stay told apart.
    let offset = if many { index * every / 2 } else { 0 };
    let mut markers = Vec::new();
    let mut epoch = 1;
    for run in values.chunk_by(|a, b| a.is_finite() == b.is_finite()) {
        if run[0].is_finite() {
            let at = |i: usize| [frame.x((epoch + i) as f64), frame.y(run[i])];
            let points: Vec<_> = (0..run.len()).map(at).collect();
            let marked = |i: &usize| (epoch + i + offset).is_multiple_of(every) || run.len() == 1;
            markers.extend((0..run.len()).filter(marked).map(at));
            if points.len() > 1 {
                scene.line(points, Pen::new(colour, if many { 2.0 } else { 2.5 }));
            }
        }
        epoch += run.len();
    }
    for at in markers {
        draw_marker(scene, at, index);
    }
}

/// Discs and squares in turn, so that curves differ in more than colour.
fn draw_marker(scene: &mut Scene, [x, y]: [f64; 2], index: usize) {
    let colour: Colour = CURVES[index % CURVES.len()];
    if index.is_multiple_of(2) {
        scene.dot([x, y], 5.0, colour, Some(Pen::new(WHITE, 1.5)));
    } else {
        scene.rect([x - 5.25, y - 5.25], [10.5, 10.5], WHITE);
        scene.rect([x - 4.25, y - 4.25], [8.5, 8.5], colour);
    }
}
