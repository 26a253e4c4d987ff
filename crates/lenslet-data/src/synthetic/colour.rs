//! Colours: red, green and blue in `[0, 1]`.

use super::dice::Dice;

pub(super) type Colour = [f32; 3];

/// The colour of a hue (0 red, 1/3 green, 2/3 blue, 1 red again), a saturation and a brightness.
pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    [0.0, 2.0, 1.0].map(|offset| {
        let turn = hue + offset / 3.0;
        let distance = ((turn - turn.floor()) * 6.0 - 3.0).abs();
        let pure = (distance - 1.0).clamp(0.0, 1.0);
        value * (1.0 - saturation * (1.0 - pure))
    })
}

/// Any colour, bright ones as likely as dull ones.
pub(super) fn any(dice: &mut Dice) -> Colour {
    hsv(dice.range(0.0, 1.0), dice.range(0.1, 0.9), dice.range(0.2, 1.0))
}

/// A colour whose hue is within a tenth of the circle of `hue`.
pub(super) fn near(hue: f32, dice: &mut Dice) -> Colour {
    hsv(hue + dice.within(0.1), dice.range(0.3, 0.9), dice.range(0.3, 1.0))
}

/// `amount` (0 to 1) of the way from `from` to `to`.
pub(super) fn mix(from: Colour, to: Colour, amount: f32) -> Colour {
    [0, 1, 2].map(|c| from[c] + (to[c] - from[c]) * amount)
}

/// How far apart two colours are to the eye, roughly: 0 to 1.
pub(super) fn contrast(a: Colour, b: Colour) -> f32 {
    let [r, g, b] = [0, 1, 2].map(|c| (a[c] - b[c]) * (a[c] - b[c]));
    (0.3 * r + 0.5 * g + 0.2 * b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_go_from_red_over_green_to_blue() {
        let near = |a: Colour, b: Colour| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(near(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]));
        assert!(near(hsv(1.0 / 3.0, 1.0, 1.0), [0.0, 1.0, 0.0]));
        assert!(near(hsv(2.0 / 3.0, 1.0, 0.5), [0.0, 0.0, 0.5]));
        assert!(near(hsv(0.2, 0.0, 0.7), [0.7; 3]));
    }
}
