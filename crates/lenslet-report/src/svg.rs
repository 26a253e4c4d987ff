//! A scene as an SVG document.

use std::fmt::{self, Display, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::colour::Colour;
use crate::font;
use crate::photo::Photo;
use crate::scene::{Anchor, Label, Pen, Scene, Shape};

/// Writes the whole document.
pub(crate) fn write(scene: &Scene) -> String {
    let mut svg = String::new();
    document(&mut svg, scene).expect("writing to a string cannot fail");
    svg
}

fn document(svg: &mut String, scene: &Scene) -> fmt::Result {
    let Scene { width, height, title, shapes } = scene;
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"{}\" role=\"img\">",
        font::FAMILY
    )?;
    writeln!(svg, "<title>{}</title>", Escaped(title))?;
    writeln!(svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>")?;
    for shape in shapes {
        write_shape(svg, shape)?;
    }
    writeln!(svg, "</svg>")
}

fn write_shape(svg: &mut String, shape: &Shape) -> fmt::Result {
    match shape {
        Shape::Rect { x, y, w, h, fill, stroke } => {
            write!(svg, "<rect x=\"{}\" y=\"{}\"", N(*x), N(*y))?;
            write!(svg, " width=\"{}\" height=\"{}\"", N(*w), N(*h))?;
            match fill {
                Some(fill) => write!(svg, " fill=\"{fill}\"")?,
                None => write!(svg, " fill=\"none\"")?,
            }
            write_stroke(svg, *stroke)?;
            writeln!(svg, "/>")
        }
        Shape::Line { points, pen } => {
            write!(svg, "<polyline points=\"")?;
            for (i, [x, y]) in points.iter().enumerate() {
                let gap = if i == 0 { "" } else { " " };
                write!(svg, "{gap}{},{}", N(*x), N(*y))?;
            }
            write!(svg, "\" fill=\"none\" stroke-linejoin=\"round\"")?;
            write_stroke(svg, Some(*pen))?;
            writeln!(svg, "/>")
        }
        Shape::Circle { centre: [x, y], radius, fill, stroke } => {
            write!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"", N(*x), N(*y), N(*radius))?;
            write!(svg, " fill=\"{fill}\"")?;
            write_stroke(svg, *stroke)?;
            writeln!(svg, "/>")
        }
        Shape::Label(label) => write_label(svg, label),
        Shape::Photo { x, y, w, h, photo } => write_photo(svg, [*x, *y, *w, *h], photo),
    }
}

fn write_stroke(svg: &mut String, stroke: Option<Pen>) -> fmt::Result {
    let Some(Pen { colour, width, dash }) = stroke else { return Ok(()) };
    write!(svg, " stroke=\"{colour}\" stroke-width=\"{}\"", N(width))?;
    if let Some([on, off]) = dash {
        write!(svg, " stroke-dasharray=\"{},{}\"", N(on), N(off))?;
    }
    Ok(())
}

fn write_label(svg: &mut String, label: &Label) -> fmt::Result {
    let Label { at: [x, y], text, size, colour, anchor, turn } = label;
    let (x, y) = (N(*x), N(*y));
    write!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{colour}\"", N(*size))?;
    match anchor {
        Anchor::Start => {}
        Anchor::Middle => write!(svg, " text-anchor=\"middle\"")?,
        Anchor::End => write!(svg, " text-anchor=\"end\"")?,
    }
    if *turn != 0.0 {
        write!(svg, " transform=\"rotate({} {x} {y})\"", N(*turn))?;
    }
    writeln!(svg, ">{}</text>", Escaped(text))
}

fn write_photo(svg: &mut String, [x, y, w, h]: [f64; 4], photo: &Photo) -> fmt::Result {
    write!(svg, "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", N(x), N(y), N(w), N(h))?;
    write!(svg, " preserveAspectRatio=\"none\"")?;
    if photo.pixelated {
        write!(svg, " image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\"")?;
    }
    let data = STANDARD.encode(photo.png());
    writeln!(svg, " href=\"data:image/png;base64,{data}\"/>")
}

impl Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A coordinate: two decimals at most.
#[derive(Clone, Copy)]
struct N(f64);

impl Display for N {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (self.0 * 100.0).round();
        // Adding zero turns -0 into 0.
        write!(f, "{}", hundredths / 100.0 + 0.0)
    }
}

/// Text between tags.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!(N(12.0).to_string(), "12");
        assert_eq!(N(-0.001).to_string(), "0");
        assert_eq!(N(1.0 / 3.0).to_string(), "0.33");
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(Escaped("<a&\"'>").to_string(), "&lt;a&amp;&quot;&#39;&gt;");
    }
}
