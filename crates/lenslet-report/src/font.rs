//! The bundled font: DejaVu Sans 2.37 (`assets/LICENSE-DejaVu`).

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// Browsers without DejaVu find Verdana, whose letters are as wide: both descend from Vera.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

static FACE: LazyLock<Face<'static>> = LazyLock::new(|| {
    let bytes = include_bytes!("../assets/DejaVuSans.ttf");
    Face::parse(bytes, 0).expect("the bundled font is whole")
});

/// Glyph 0, a box, stands for what the font lacks.
fn glyph(c: char) -> GlyphId {
    FACE.glyph_index(c).unwrap_or(GlyphId(0))
}

fn advance(glyph: GlyphId) -> f64 {
    f64::from(FACE.glyph_hor_advance(glyph).unwrap_or(0))
}

fn scale(size: f64) -> f64 {
    size / f64::from(FACE.units_per_em())
}

/// Width of one line of text at a font size, without kerning.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| advance(glyph(c))).sum::<f64>() * scale(size)
}

/// Gives `builder` the outlines of a text that starts at the origin, in font units, y upwards.
/// Returns the factor from font units to a font of `size`.
pub(crate) fn outline(text: &str, size: f64, builder: &mut impl ShiftedBuilder) -> f64 {
    let mut x = 0.0;
    for c in text.chars() {
        let glyph = glyph(c);
        builder.start_at(x as f32);
        FACE.outline_glyph(glyph, builder);
        x += advance(glyph);
    }
    scale(size)
}

/// An outline builder that moves what follows to the right.
pub(crate) trait ShiftedBuilder: OutlineBuilder {
    /// The next outline begins at `x`.
    fn start_at(&mut self, x: f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_is_as_wide_as_the_font_says() {
        // DejaVu Sans: 1303 of 2048 units for every digit.
        assert!((width("0", 2048.0) - 1303.0).abs() < 1e-9);
        assert!((width("2024", 2048.0) - 4.0 * 1303.0).abs() < 1e-9);
    }

    #[test]
    fn letters_that_class_names_use_are_not_boxes() {
        for c in "AZaz09éñüßøłşğčžåĐ–…✓✗×∗λЖщΩἀ".chars() {
            assert_ne!(glyph(c), GlyphId(0), "{c}");
        }
        assert_eq!(glyph('猫'), GlyphId(0));
    }
}
