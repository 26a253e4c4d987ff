//! One picture: a background, clutter, the figures, something in front of them, light and noise.

use std::ops::Range;

use lenslet_kernels::Stream;

use super::colour::{self, Colour, contrast, mix};
use super::dice::Dice;
use super::figure::{Ink, KINDS, Kind};
use super::shape::{Point, Shape, dot};

/// Height and width of a picture.
pub(super) const SIDE: usize = 32;

/// How far from the background a figure's main colour is at least.
const VISIBLE: f32 = 0.2;

type Canvas = [Colour; SIDE * SIDE];

/// Draws a picture of class `class` into `out`, `32 x 32 x 3`. All that varies comes from `stream`.
pub(super) fn draw(class: usize, stream: Stream, out: &mut [u8]) {
    compose(&[(class, WHOLE)], Dice::new(stream), stream, out);
}

/// Draws a picture of up to four classes, each in a quarter of its own, and returns the classes.
pub(super) fn draw_scene(stream: Stream, out: &mut [u8]) -> Vec<u32> {
    let mut dice = Dice::new(stream);
    let count = dice.below(QUARTERS.len() + 1);
    let (mut classes, mut quarters) = ((0..KINDS.len()).collect(), QUARTERS.to_vec());
    let mut draw_one = || (take(&mut classes, &mut dice), take(&mut quarters, &mut dice));
    let figures: Vec<(usize, Spot)> = (0..count).map(|_| draw_one()).collect();
    compose(&figures, dice, stream, out);
    figures.into_iter().map(|(class, _)| class as u32).collect()
}

/// Takes one of what is left.
fn take<T>(left: &mut Vec<T>, dice: &mut Dice) -> T {
    left.swap_remove(dice.below(left.len()))
}

fn compose(figures: &[(usize, Spot)], mut dice: Dice, stream: Stream, out: &mut [u8]) {
    let backdrop = [colour::any(&mut dice), colour::any(&mut dice)];
    let mut canvas = background(backdrop, &mut dice);
    let mean = mix(backdrop[0], backdrop[1], 0.5);
    for _ in 0..dice.below(5) {
        clutter(&mut canvas, 8.0, &mut dice);
    }
    for (class, spot) in figures {
        figure(&mut canvas, &KINDS[*class], *spot, mean, &mut dice);
    }
    for _ in 0..dice.below(3) {
        clutter(&mut canvas, 4.0, &mut dice);
    }
    expose(&canvas, stream, &mut dice, out);
}

/// Every pixel of a canvas with the position of its centre.
fn pixels(canvas: &mut Canvas) -> impl Iterator<Item = (Point, &mut Colour)> {
    canvas
        .iter_mut()
        .enumerate()
        .map(|(i, colour)| ([(i % SIDE) as f32 + 0.5, (i / SIDE) as f32 + 0.5], colour))
}

/// A gradient from one colour to the other, or a horizon between them, under a texture.
fn background([from, to]: [Colour; 2], dice: &mut Dice) -> Canvas {
    let way = dice.direction(0.5);
    let across = [-way[1], way[0]];
    let edge = dice.range(-8.0, 8.0);
    let sharp = if dice.chance(0.3) { 1.0 } else { dice.range(0.02, 0.06) };
    let (period, depth) = (dice.range(3.0, 9.0), dice.range(0.0, 0.15));
    let texture = [stripes, checks, waves][dice.below(3)];
    let mut canvas = [[0.0; 3]; SIDE * SIDE];
    for (at, pixel) in pixels(&mut canvas) {
        let at = at.map(|x| x - SIDE as f32 / 2.0);
        let (u, v) = (dot(at, way), dot(at, across));
        let base = mix(from, to, (0.5 + (u - edge) * sharp).clamp(0.0, 1.0));
        let light = 1.0 + depth * texture(u / period, v / period);
        *pixel = base.map(|x| x * light);
    }
    canvas
}

/// `f32::floor` for small numbers, without the call it is on a plain x86-64.
fn floor(x: f32) -> f32 {
    let cut = x as i32 as f32;
    if cut > x { cut - 1.0 } else { cut }
}

/// Up and down between -1 and 1, once for every whole number.
fn wave(x: f32) -> f32 {
    4.0 * (x - floor(x + 0.5)).abs() - 1.0
}

fn stripes(u: f32, _: f32) -> f32 {
    wave(u)
}

fn checks(u: f32, v: f32) -> f32 {
    if (floor(u) + floor(v)) % 2.0 == 0.0 { 1.0 } else { -1.0 }
}

fn waves(u: f32, v: f32) -> f32 {
    0.5 * (wave(u + 0.3 * wave(v * 0.7)) + wave(0.6 * v - 0.4 * u))
}

/// Something that is none of the classes: a bar, a box, a disc or a triangle of up to `size` pixels.
fn clutter(canvas: &mut Canvas, size: f32, dice: &mut Dice) {
    let radius = dice.range(1.5, size);
    let shape = match dice.below(4) {
        0 => Shape::rectangle([0.0; 2], [1.6, 0.12]),
        1 => Shape::rectangle([0.0; 2], [dice.range(0.4, 1.0), dice.range(0.4, 1.0)]),
        2 => Shape::Ellipse { centre: [0.0; 2], radii: [1.0, dice.range(0.4, 1.0)] },
        _ => Shape::polygon([[0.0, -1.0], [0.9, 0.7], [dice.range(-0.9, 0.0), 0.6]]),
    };
    let side = SIDE as f32;
    let place = Placement {
        centre: [dice.range(0.0, side), dice.range(0.0, side)],
        way: dice.direction(0.5),
        scale: [radius; 2],
        shear: 0.0,
    };
    let colour = colour::any(dice);
    let blend = dice.range(0.5, 1.0);
    place.paint(canvas, &[(colour, &shape)], blend, 1.0);
}

/// The part of a picture that a figure may fill.
#[derive(Clone, Copy)]
struct Spot {
    centre: Point,
    /// Half of its height and width.
    reach: f32,
}

const WHOLE: Spot = Spot { centre: [SIDE as f32 / 2.0; 2], reach: SIDE as f32 / 2.0 };
/// A little larger than quarters, so that neighbours overlap.
const QUARTERS: [Spot; 4] = {
    let (near, far, reach) = (SIDE as f32 * 0.27, SIDE as f32 * 0.73, SIDE as f32 * 0.3);
    [
        Spot { centre: [near, near], reach },
        Spot { centre: [far, near], reach },
        Spot { centre: [near, far], reach },
        Spot { centre: [far, far], reach },
    ]
};

fn figure(canvas: &mut Canvas, kind: &Kind, spot: Spot, behind: Colour, dice: &mut Dice) {
    let parts = (kind.draw)(dice);
    let body = body_colour(kind.hue, behind, dice);
    let accent = colour::any(dice);
    let dark = colour::hsv(dice.range(0.0, 1.0), 0.5, dice.range(0.0, 0.35));
    let light = colour::hsv(dice.range(0.0, 1.0), 0.15, dice.range(0.75, 1.0));
    let painted: Vec<(Colour, &Shape)> = parts
        .iter()
        .map(|(ink, shape)| match ink {
            Ink::Body => (body, shape),
            Ink::Accent => (accent, shape),
            Ink::Dark => (dark, shape),
            Ink::Light => (light, shape),
        })
        .collect();
    let scale = spot.reach / WHOLE.reach;
    let (size, stretch) = (dice.range(9.5 * scale, 14.5 * scale), dice.range(0.87, 1.15));
    let slack = (spot.reach - size).max(0.0) * 0.75 + scale;
    let place = Placement {
        centre: spot.centre.map(|centre| centre + dice.within(slack)),
        way: dice.direction(0.05),
        scale: [size * stretch * dice.sign(), size / stretch],
        shear: dice.within(0.2),
    };
    place.paint(canvas, &painted, 1.0, dice.range(0.8, 1.6));
}

/// The kind's own hue in two of five pictures, else any colour; never lost in the background.
fn body_colour(hue: f32, behind: Colour, dice: &mut Dice) -> Colour {
    let own = dice.chance(0.4);
    let mut choose = || if own { colour::near(hue, dice) } else { colour::any(dice) };
    let mut body = choose();
    for _ in 0..8 {
        if contrast(body, behind) >= VISIBLE {
            break;
        }
        body = choose();
    }
    body
}

/// Where a figure is: scaled, sheared, turned towards `way`, moved to `centre`.
struct Placement {
    centre: Point,
    way: Point,
    scale: Point,
    shear: f32,
}

impl Placement {
    /// The figure's own coordinates of a point of the canvas.
    fn own(&self, at: Point) -> Point {
        let [x, y] = [at[0] - self.centre[0], at[1] - self.centre[1]];
        let [cos, sin] = self.way;
        let [u, v] = [cos * x + sin * y, cos * y - sin * x];
        [(u + self.shear * v) / self.scale[0], v / self.scale[1]]
    }

    /// Paints shapes, the last on top, `blend` (0 to 1) of their colour, with edges `soft` pixels wide.
    fn paint(&self, canvas: &mut Canvas, parts: &[(Colour, &Shape)], blend: f32, soft: f32) {
        let scale = self.scale[0].abs().min(self.scale[1].abs());
        let reach = self.scale[0].abs().max(self.scale[1].abs()) * 1.9;
        let margin = soft / scale;
        let bounds: Vec<[Point; 2]> = parts.iter().map(|(_, shape)| shape.bounds()).collect();
        // Most of a canvas is far from a small shape, and most of a figure from each of its parts.
        let [columns, rows] = self.centre.map(|x| within(x - reach, x + reach));
        for (row, column) in rows.flat_map(|row| columns.clone().map(move |column| (row, column))) {
            let pixel = &mut canvas[row * SIDE + column];
            let at = self.own([column as f32 + 0.5, row as f32 + 0.5]);
            for ((colour, shape), [low, high]) in parts.iter().zip(&bounds) {
                if (0..2).any(|i| at[i] < low[i] - margin || at[i] > high[i] + margin) {
                    continue;
                }
                let inside = 0.5 - shape.distance(at) * scale / soft;
                if inside > 0.0 {
                    *pixel = mix(*pixel, *colour, inside.min(1.0) * blend);
                }
            }
        }
    }
}

/// The rows or columns of a canvas between two positions.
fn within(from: f32, to: f32) -> Range<usize> {
    let [from, to] = [from, to].map(|x| x.clamp(0.0, SIDE as f32));
    from as usize..to.ceil() as usize
}

/// Light from one side, exposure, and the sensor's noise; then bytes.
fn expose(canvas: &Canvas, stream: Stream, dice: &mut Dice, out: &mut [u8]) {
    let way = dice.direction(0.5).map(|x| x * dice.range(0.0, 0.02));
    let (gain, lift) = (dice.range(0.7, 1.15), dice.range(-0.05, 0.1));
    let noise = dice.range(0.01, 0.06);
    for (i, (colour, bytes)) in canvas.iter().zip(out.chunks_exact_mut(3)).enumerate() {
        let at = [(i % SIDE) as f32 - 15.5, (i / SIDE) as f32 - 15.5];
        let light = gain * (1.0 + dot(at, way));
        let grain = stream.block(NOISE + i as u64);
        for channel in 0..3 {
            let value = colour[channel] * light + lift + noise * bell(grain[channel]);
            // The conversion cuts off what is behind the point, and what is out of range.
            bytes[channel] = (value * 255.0 + 0.5) as u8;
        }
    }
}

/// The first block of a picture's noise, behind all its choices.
const NOISE: u64 = 1 << 32;

/// Nearly a standard normal number: the sum of the word's four bytes, centred and scaled.
fn bell(word: u32) -> f32 {
    let sum: i32 = word.to_le_bytes().into_iter().map(i32::from).sum();
    // Four times the variance (256^2 - 1) / 12 of a byte.
    (sum - 510) as f32 / 147.8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bells_have_mean_zero_and_deviation_one() {
        let stream = Stream::new(1, 0, 0);
        let n = 20_000;
        let (sum, squares) = (0..n).fold((0.0, 0.0), |(sum, squares), i| {
            let x = f64::from(bell(stream.u32(i)));
            (sum + x, squares + x * x)
        });
        assert!((sum / n as f64).abs() < 0.02);
        assert!((squares / n as f64 - 1.0).abs() < 0.03);
    }
}
