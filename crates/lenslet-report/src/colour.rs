//! The colours of every picture.

/// Red, green, blue, opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) u8, pub(crate) u8, pub(crate) u8);

pub(crate) const WHITE: Colour = Colour(255, 255, 255);
/// Text.
pub(crate) const INK: Colour = Colour(0x1f, 0x23, 0x28);
/// Text of lesser weight.
pub(crate) const SOFT_INK: Colour = Colour(0x57, 0x60, 0x6a);
/// Axes and frames.
pub(crate) const AXIS: Colour = Colour(0x8c, 0x95, 0x9f);
/// Lines behind the data.
pub(crate) const GRID: Colour = Colour(0xe4, 0xe7, 0xeb);
/// A right answer. Both this and [`WRONG`] keep a contrast of 4.5 on white.
pub(crate) const RIGHT: Colour = Colour(0x00, 0x7a, 0x33);
/// A wrong answer.
pub(crate) const WRONG: Colour = Colour(0xc6, 0x28, 0x28);

/// Colours that stay apart for colour-blind readers, most different first. Okabe and Ito 2008,
/// without the yellow, which is lost on white.
pub(crate) const CURVES: [Colour; 6] = [
    Colour(0x00, 0x72, 0xb2),
    Colour(0xd5, 0x5e, 0x00),
    Colour(0x00, 0x9e, 0x73),
    Colour(0xcc, 0x79, 0xa7),
    Colour(0x56, 0xb4, 0xe9),
    Colour(0xe6, 0x9f, 0x00),
];

/// ColorBrewer's nine-step `Blues`, the scale that Matplotlib draws under the same name.
const BLUES: [Colour; 9] = [
    Colour(247, 251, 255),
    Colour(222, 235, 247),
    Colour(198, 219, 239),
    Colour(158, 202, 225),
    Colour(107, 174, 214),
    Colour(66, 146, 198),
    Colour(33, 113, 181),
    Colour(8, 81, 156),
    Colour(8, 48, 107),
];

/// The blue of a share between 0 (nearly white) and 1 (dark), linear between the nine steps.
pub(crate) fn blues(share: f64) -> Colour {
    let place = share.clamp(0.0, 1.0) * (BLUES.len() - 1) as f64;
    let below = (place as usize).min(BLUES.len() - 2);
    let part = place - below as f64;
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    let (a, b) = (BLUES[below], BLUES[below + 1]);
    Colour(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blues_meet_the_steps() {
        assert_eq!(blues(0.0), BLUES[0]);
        assert_eq!(blues(0.5), BLUES[4]);
        assert_eq!(blues(1.0), BLUES[8]);
    }
}
