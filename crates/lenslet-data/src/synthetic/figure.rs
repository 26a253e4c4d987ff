//! What each class looks like: a handful of shapes, one over the other.

use super::dice::{Dice, direction};
use super::shape::{Point, Shape};

/// Which of a figure's colours a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Body,
    Accent,
    Dark,
    Light,
}

/// A shape in one colour; later parts of a figure cover earlier ones.
pub(super) type Part = (Ink, Shape);

/// One class: its usual hue and how to draw one of its kind.
pub(super) struct Kind {
    /// The hue of [`Ink::Body`] that is the most common.
    pub(super) hue: f32,
    /// The parts of one figure, looking to the right, upright.
    pub(super) draw: fn(&mut Dice) -> Vec<Part>,
}

/// The classes, in the order of [`CLASSES`](super::CLASSES).
pub(super) const KINDS: [Kind; 10] = [
    Kind { hue: 0.0, draw: car },
    Kind { hue: 0.6, draw: truck },
    Kind { hue: 0.05, draw: house },
    Kind { hue: 0.58, draw: boat },
    Kind { hue: 0.33, draw: tree },
    Kind { hue: 0.98, draw: mushroom },
    Kind { hue: 0.55, draw: fish },
    Kind { hue: 0.1, draw: bird },
    Kind { hue: 0.15, draw: star },
    Kind { hue: 0.88, draw: flower },
];

fn car(dice: &mut Dice) -> Vec<Part> {
    let height = dice.range(0.14, 0.24);
    let roof = dice.range(-0.52, -0.36);
    let (back, front) = (dice.range(-0.75, -0.45), dice.range(0.3, 0.55));
    let cabin = |inset: f32| {
        Shape::polygon([
            [back + inset, 0.0],
            [back + 0.2 + inset * 0.7, roof + inset],
            [front - 0.25 - inset * 0.7, roof + inset],
            [front - inset, 0.0],
        ])
    };
    let mut parts = vec![
        (Ink::Body, Shape::Box { centre: [0.0, 0.12], half: [0.95, height], round: 0.1 }),
        (Ink::Body, cabin(0.0)),
        (Ink::Light, cabin(0.1)),
    ];
    wheels(&[-0.52, 0.52], dice.range(0.17, 0.25), &mut parts);
    parts
}

fn truck(dice: &mut Dice) -> Vec<Part> {
    let (top, end) = (dice.range(-0.62, -0.3), dice.range(0.15, 0.4));
    let cab = dice.range(-0.4, -0.15);
    let nose = dice.range(0.05, 0.2);
    let middle = (end + 0.95) / 2.0;
    let mut parts = vec![
        (Ink::Accent, Shape::polygon([[-0.95, top], [end, top], [end, 0.28], [-0.95, 0.28]])),
        (
            Ink::Body,
            Shape::polygon([
                [end + 0.04, cab],
                [middle + nose, cab],
                [0.95, 0.0],
                [0.95, 0.28],
                [end + 0.04, 0.28],
            ]),
        ),
        (
            Ink::Light,
            Shape::polygon([
                [end + 0.15, cab + 0.09],
                [middle + nose - 0.05, cab + 0.09],
                [0.85, 0.02],
                [end + 0.15, 0.02],
            ]),
        ),
    ];
    let axles: &[f32] = if dice.chance(0.4) { &[-0.66, -0.2, 0.62] } else { &[-0.55, 0.62] };
    wheels(axles, dice.range(0.15, 0.22), &mut parts);
    parts
}

fn wheels(axles: &[f32], radius: f32, parts: &mut Vec<Part>) {
    for &x in axles {
        parts.push((Ink::Dark, Shape::circle([x, 0.32], radius)));
        parts.push((Ink::Light, Shape::circle([x, 0.32], radius * 0.4)));
    }
}

fn house(dice: &mut Dice) -> Vec<Part> {
    let (half, eaves) = (dice.range(0.5, 0.75), dice.range(-0.2, 0.1));
    let (ridge, over) = (dice.range(-0.9, -0.6), dice.range(0.02, 0.2));
    let flat = dice.range(0.0, 0.35);
    let door = dice.within(half * 0.5);
    let window = if door > 0.0 { door - half * 0.75 } else { door + half * 0.75 };
    let wall = (eaves + 0.75) / 2.0;
    let mut parts = vec![
        (Ink::Body, Shape::rectangle([0.0, wall], [half, 0.75 - wall])),
        (
            Ink::Accent,
            Shape::polygon([
                [-half - over, eaves],
                [-flat, ridge],
                [flat, ridge],
                [half + over, eaves],
            ]),
        ),
        (Ink::Dark, Shape::rectangle([door, 0.53], [0.12, 0.22])),
        (Ink::Light, Shape::rectangle([window, 0.38], [0.13, 0.13])),
    ];
    if dice.chance(0.4) {
        let x = dice.sign() * half * 0.5;
        parts.insert(0, (Ink::Dark, Shape::rectangle([x, ridge + 0.15], [0.09, 0.2])));
    }
    parts
}

fn boat(dice: &mut Dice) -> Vec<Part> {
    let (deck, keel) = (dice.range(0.15, 0.4), dice.range(0.6, 0.8));
    let slope = dice.range(0.15, 0.45);
    let (top, mast) = (dice.range(-0.95, -0.6), dice.within(0.2));
    let reach = dice.range(0.45, 0.8);
    let mut parts = vec![
        (
            Ink::Body,
            Shape::polygon([
                [-0.9, deck],
                [0.9, deck],
                [0.9 - slope, keel],
                [-0.9 + slope * 0.8, keel],
            ]),
        ),
        (Ink::Dark, Shape::rectangle([mast, (top + deck) / 2.0], [0.04, (deck - top) / 2.0])),
        (
            Ink::Accent,
            Shape::polygon([
                [mast + 0.07, top],
                [mast + reach, deck - 0.1],
                [mast + 0.07, deck - 0.1],
            ]),
        ),
    ];
    if dice.chance(0.5) {
        let jib = [[mast - 0.07, top + 0.2], [mast - 0.07, deck - 0.1], [-0.75, deck - 0.1]];
        parts.push((Ink::Light, Shape::polygon(jib)));
    }
    parts
}

fn tree(dice: &mut Dice) -> Vec<Part> {
    let trunk = dice.range(0.08, 0.2);
    let mut parts = vec![(Ink::Dark, Shape::rectangle([0.0, 0.5], [trunk, 0.4]))];
    if dice.chance(0.4) {
        let (first, width) = (dice.range(0.35, 0.55), dice.range(0.5, 0.75));
        let tier = |base: f32, tip: f32, half: f32| {
            (Ink::Body, Shape::polygon([[0.0, tip], [half, base], [-half, base]]))
        };
        parts.push(tier(first, -0.5, width));
        parts.push(tier(first - 0.5, -0.95, width * 0.75));
    } else {
        let crown = [dice.range(0.45, 0.75), dice.range(0.4, 0.6)];
        let y = dice.range(-0.4, -0.2);
        parts.push((Ink::Body, Shape::Ellipse { centre: [0.0, y], radii: crown }));
        for _ in 0..dice.below(4) {
            let centre = [dice.within(0.5), y + dice.within(0.35)];
            parts.push((Ink::Body, Shape::circle(centre, dice.range(0.2, 0.35))));
        }
        if dice.chance(0.4) {
            fruit([0.0, y], crown, Ink::Accent, dice, &mut parts);
        }
    }
    parts
}

fn mushroom(dice: &mut Dice) -> Vec<Part> {
    let stem = dice.range(0.12, 0.28);
    let foot = stem + dice.range(0.0, 0.12);
    let brim = dice.range(-0.1, 0.2);
    let cap = [dice.range(0.55, 0.9), dice.range(0.6, 0.9)];
    let mut parts = vec![
        (Ink::Light, Shape::polygon([[-stem, brim], [stem, brim], [foot, 0.85], [-foot, 0.85]])),
        (Ink::Body, Shape::Dome { centre: [0.0, brim], radii: cap }),
    ];
    if dice.chance(0.7) {
        fruit([0.0, brim - cap[1] * 0.45], cap, Ink::Light, dice, &mut parts);
    }
    parts
}

/// Two to five spots around `centre`, within half of `radii`.
fn fruit(centre: Point, radii: Point, ink: Ink, dice: &mut Dice, parts: &mut Vec<Part>) {
    for _ in 0..2 + dice.below(4) {
        let x = centre[0] + dice.within(radii[0] * 0.55);
        let y = centre[1] + dice.within(radii[1] * 0.35);
        parts.push((ink, Shape::circle([x, y], dice.range(0.07, 0.14))));
    }
}

fn fish(dice: &mut Dice) -> Vec<Part> {
    let radii = [dice.range(0.5, 0.7), dice.range(0.26, 0.45)];
    let (fork, spread) = (dice.range(-0.85, -0.65), dice.range(0.25, 0.5));
    let fin = dice.range(0.1, 0.35);
    let back = -radii[1] * 0.8;
    vec![
        (Ink::Accent, Shape::polygon([[-0.35, 0.0], [-1.0, -spread], [fork, 0.0], [-1.0, spread]])),
        (Ink::Accent, Shape::polygon([[-0.2, back], [0.0, back - fin], [0.4, back]])),
        (Ink::Body, Shape::Ellipse { centre: [0.15, 0.0], radii }),
        (Ink::Accent, Shape::polygon([[0.2, 0.05], [-0.1, 0.0], [-0.12, 0.25]])),
        (Ink::Light, Shape::circle([0.45, -0.08], 0.11)),
        (Ink::Dark, Shape::circle([0.47, -0.08], 0.06)),
    ]
}

fn bird(dice: &mut Dice) -> Vec<Part> {
    let radii = [dice.range(0.42, 0.6), dice.range(0.25, 0.4)];
    let head = [dice.range(0.4, 0.55), dice.range(-0.45, -0.2)];
    let (size, tail) = (dice.range(0.2, 0.28), dice.within(0.25));
    let wing = dice.range(-0.75, 0.1);
    let beak = head[0] + size;
    let mut parts = vec![
        (
            Ink::Accent,
            Shape::polygon([[-0.2, -0.1], [-0.95, tail - 0.15], [-0.9, tail + 0.15], [-0.2, 0.2]]),
        ),
        (
            Ink::Dark,
            Shape::polygon([
                [beak - 0.08, head[1] - 0.09],
                [beak + 0.25, head[1] + 0.03],
                [beak - 0.08, head[1] + 0.1],
            ]),
        ),
        (Ink::Body, Shape::Ellipse { centre: [0.0, 0.08], radii }),
        (Ink::Body, Shape::circle(head, size)),
        (Ink::Accent, Shape::polygon([[0.2, 0.0], [-0.45, wing], [-0.3, 0.12]])),
        (Ink::Light, Shape::circle([head[0] + 0.06, head[1] - 0.04], 0.09)),
        (Ink::Dark, Shape::circle([head[0] + 0.08, head[1] - 0.04], 0.05)),
    ];
    if dice.chance(0.4) {
        for x in [-0.08, 0.14] {
            parts.insert(0, (Ink::Dark, Shape::rectangle([x, 0.55], [0.03, 0.25])));
        }
    }
    parts
}

fn star(dice: &mut Dice) -> Vec<Part> {
    let tips = 5 + dice.below(3);
    let inner = dice.range(0.36, 0.56);
    let start = dice.range(0.0, 1.0);
    let points = (0..2 * tips).map(|i| {
        let radius = if i % 2 == 0 { 0.95 } else { inner };
        direction((start + i as f32 / 2.0) / tips as f32).map(|x| x * radius)
    });
    let mut parts = vec![(Ink::Body, Shape::Polygon(points.collect()))];
    if dice.chance(0.35) {
        parts.push((Ink::Accent, Shape::circle([0.0, 0.0], dice.range(0.15, 0.3))));
    }
    parts
}

fn flower(dice: &mut Dice) -> Vec<Part> {
    let petals = 5 + dice.below(3);
    let (reach, size) = (dice.range(0.5, 0.6), dice.range(0.24, 0.36));
    let start = dice.range(0.0, 1.0);
    let mut parts: Vec<Part> = (0..petals)
        .map(|i| {
            let centre = direction((start + i as f32) / petals as f32).map(|x| x * reach);
            (Ink::Body, Shape::circle(centre, size))
        })
        .collect();
    parts.push((Ink::Body, Shape::circle([0.0, 0.0], reach * 0.8)));
    if dice.chance(0.65) {
        parts.push((Ink::Accent, Shape::circle([0.0, 0.0], dice.range(0.15, 0.3))));
    }
    parts
}
