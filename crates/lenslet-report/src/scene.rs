//! What is drawn: a list of shapes, painted in order on white.

use crate::colour::Colour;
use crate::photo::Photo;
use crate::text;

/// Which point of a text its position names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A stroke.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    /// Lengths of dash and gap; `None` is a full line.
    pub(crate) dash: Option<[f64; 2]>,
}

impl Pen {
    pub(crate) fn new(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: None }
    }

    pub(crate) fn dashed(self, dash: f64, gap: f64) -> Self {
        Self { dash: Some([dash, gap]), ..self }
    }
}

/// One line of text. `at` is on the baseline.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) at: [f64; 2],
    pub(crate) text: String,
    pub(crate) size: f64,
    pub(crate) colour: Colour,
    pub(crate) anchor: Anchor,
    /// Degrees clockwise about `at`.
    pub(crate) turn: f64,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Rect { x: f64, y: f64, w: f64, h: f64, fill: Option<Colour>, stroke: Option<Pen> },
    Line { points: Vec<[f64; 2]>, pen: Pen },
    Circle { centre: [f64; 2], radius: f64, fill: Colour, stroke: Option<Pen> },
    Label(Label),
    Photo { x: f64, y: f64, w: f64, h: f64, photo: Photo },
}

#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// What the picture is, for readers that cannot see it.
    pub(crate) title: String,
    pub(crate) shapes: Vec<Shape>,
}

impl Scene {
    /// An empty white page, rounded up to whole pixels.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let [width, height] = [width, height].map(|length| length.ceil().max(1.0) as u32);
        Self { width, height, title: text::clean(title), shapes: Vec::new() }
    }

    pub(crate) fn rect(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2], fill: Colour) {
        self.shapes.push(Shape::Rect { x, y, w, h, fill: Some(fill), stroke: None });
    }

    pub(crate) fn frame(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2], pen: Pen) {
        self.shapes.push(Shape::Rect { x, y, w, h, fill: None, stroke: Some(pen) });
    }

    pub(crate) fn line(&mut self, points: Vec<[f64; 2]>, pen: Pen) {
        self.shapes.push(Shape::Line { points, pen });
    }

    pub(crate) fn dot(&mut self, centre: [f64; 2], radius: f64, fill: Colour, stroke: Option<Pen>) {
        self.shapes.push(Shape::Circle { centre, radius, fill, stroke });
    }

    pub(crate) fn photo(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2], photo: Photo) {
        self.shapes.push(Shape::Photo { x, y, w, h, photo });
    }

    /// One line of text, cleaned of what no picture can show; the caller may turn it.
    pub(crate) fn text(
        &mut self,
        at: [f64; 2],
        text: &str,
        size: f64,
        colour: Colour,
        anchor: Anchor,
    ) -> &mut Label {
        let label = Label { at, text: text::clean(text), size, colour, anchor, turn: 0.0 };
        self.shapes.push(Shape::Label(label));
        match self.shapes.last_mut() {
            Some(Shape::Label(label)) => label,
            _ => unreachable!("a label was pushed just now"),
        }
    }
}
