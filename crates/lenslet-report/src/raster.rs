//! A scene as a PNG.

use tiny_skia::{
    FillRule, FilterQuality, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, PixmapPaint,
    PremultipliedColorU8, Rect, Stroke, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use crate::colour::Colour;
use crate::font::{self, ShiftedBuilder};
use crate::photo::{Photo, write_png};
use crate::picture::PictureError;
use crate::scene::{Anchor, Label, Pen, Scene, Shape};

const NO_MASK: Option<&Mask> = None;

/// Draws `scene` at `factor` times its size and writes it as a PNG file.
pub(crate) fn png(scene: &Scene, factor: u32) -> Result<Vec<u8>, PictureError> {
    let [width, height] = [scene.width, scene.height].map(|length| length.saturating_mul(factor));
    let too_large = PictureError::TooLarge { width, height };
    let mut canvas = Canvas {
        pixels: Pixmap::new(width, height).ok_or(too_large)?,
        scale: Transform::from_scale(factor as f32, factor as f32),
    };
    canvas.pixels.fill(tiny_skia::Color::WHITE);
    for shape in &scene.shapes {
        canvas.draw(shape);
    }
    // The page is opaque, so the pixels carry no alpha.
    let rgb: Vec<u8> =
        canvas.pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    Ok(write_png(width, height, png::ColorType::Rgb, &rgb)?)
}

struct Canvas {
    pixels: Pixmap,
    scale: Transform,
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Rect { x, y, w, h, fill, stroke } => {
                let rect = Rect::from_xywh(*x as f32, *y as f32, *w as f32, *h as f32);
                self.paint(rect.map(PathBuilder::from_rect), *fill, *stroke);
            }
            Shape::Line { points, pen } => self.paint(polyline(points), None, Some(*pen)),
            Shape::Circle { centre: [x, y], radius, fill, stroke } => {
                let circle = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32);
                self.paint(circle, Some(*fill), *stroke);
            }
            Shape::Label(label) => self.label(label),
            Shape::Photo { x, y, w, h, photo } => self.photo([*x, *y], [*w, *h], photo),
        }
    }

    fn paint(&mut self, path: Option<Path>, fill: Option<Colour>, stroke: Option<Pen>) {
        // Shapes without extent have no path.
        let Some(path) = path else { return };
        if let Some(colour) = fill {
            let paint = paint(colour);
            self.pixels.fill_path(&path, &paint, FillRule::Winding, self.scale, NO_MASK);
        }
        if let Some(pen) = stroke {
            let stroke = Stroke {
                width: pen.width as f32,
                line_join: LineJoin::Round,
                dash: pen.dash.and_then(|dash| StrokeDash::new(dash.map(|d| d as f32).into(), 0.0)),
                ..Stroke::default()
            };
            self.pixels.stroke_path(&path, &paint(pen.colour), &stroke, self.scale, NO_MASK);
        }
    }

    fn label(&mut self, label: &Label) {
        let mut outline = GlyphPath::default();
        let unit = font::outline(&label.text, label.size, &mut outline);
        let Some(path) = outline.path.finish() else { return };
        let width = font::width(&label.text, label.size);
        let shift = match label.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        // Font units grow upwards.
        let place = Transform::from_scale(unit as f32, -unit as f32)
            .post_translate(shift as f32, 0.0)
            .post_rotate(label.turn as f32)
            .post_translate(label.at[0] as f32, label.at[1] as f32)
            .post_concat(self.scale);
        let paint = paint(label.colour);
        self.pixels.fill_path(&path, &paint, FillRule::Winding, place, NO_MASK);
    }

    fn photo(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2], photo: &Photo) {
        let Some(mut source) = Pixmap::new(photo.width, photo.height) else { return };
        for (pixel, rgb) in source.pixels_mut().iter_mut().zip(photo.rgb().chunks_exact(3)) {
            // Opaque colours are their own premultiplied form.
            let colour = PremultipliedColorU8::from_rgba(rgb[0], rgb[1], rgb[2], 255);
            *pixel = colour.expect("an opaque colour");
        }
        let quality =
            if photo.pixelated { FilterQuality::Nearest } else { FilterQuality::Bilinear };
        let paint = PixmapPaint { quality, ..PixmapPaint::default() };
        let scale = [w / f64::from(photo.width), h / f64::from(photo.height)];
        let place = Transform::from_scale(scale[0] as f32, scale[1] as f32)
            .post_translate(x as f32, y as f32)
            .post_concat(self.scale);
        self.pixels.draw_pixmap(0, 0, source.as_ref(), &paint, place, NO_MASK);
    }
}

fn paint(Colour(red, green, blue): Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

fn polyline(points: &[[f64; 2]]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, [x, y]) in points.iter().map(|p| p.map(|c| c as f32)).enumerate() {
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.finish()
}

/// The outlines of a line of text as one path, in font units.
#[derive(Default)]
struct GlyphPath {
    path: PathBuilder,
    x: f32,
}

impl ShiftedBuilder for GlyphPath {
    fn start_at(&mut self, x: f32) {
        self.x = x;
    }
}

impl OutlineBuilder for GlyphPath {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.x + x1, y1, self.x + x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(self.x + x1, y1, self.x + x2, y2, self.x + x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
