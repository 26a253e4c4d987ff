//! Plain shapes and how far a point is from their edge.

/// A point or a vector: right, down.
pub(super) type Point = [f32; 2];

/// A shape in a figure's own coordinates, where `-1..1` is about as large as a figure gets.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Around a centre, with two radii.
    Ellipse { centre: Point, radii: Point },
    /// The upper half of an ellipse.
    Dome { centre: Point, radii: Point },
    /// Around a centre, half as wide and high as the box, with rounded corners.
    Box { centre: Point, half: Point, round: f32 },
    /// Within straight edges.
    Polygon(Vec<Point>),
}

impl Shape {
    pub(super) fn circle(centre: Point, radius: f32) -> Self {
        Self::Ellipse { centre, radii: [radius; 2] }
    }

    pub(super) fn rectangle(centre: Point, half: Point) -> Self {
        Self::Box { centre, half, round: 0.0 }
    }

    pub(super) fn polygon<const N: usize>(points: [Point; N]) -> Self {
        Self::Polygon(points.to_vec())
    }

    /// The left upper and the right lower corner of a box around the shape.
    pub(super) fn bounds(&self) -> [Point; 2] {
        match self {
            Self::Ellipse { centre, radii: half }
            | Self::Dome { centre, radii: half }
            | Self::Box { centre, half, .. } => {
                [-1.0, 1.0].map(|side| [0, 1].map(|i| centre[i] + side * half[i]))
            }
            Self::Polygon(points) => points.iter().fold([points[0]; 2], |[low, high], point| {
                [[0, 1].map(|i| low[i].min(point[i])), [0, 1].map(|i| high[i].max(point[i]))]
            }),
        }
    }

    /// The signed distance from the edge, negative inside: exact for boxes and polygons, to first
    /// order near the edge for ellipses.
    pub(super) fn distance(&self, at: Point) -> f32 {
        match self {
            Self::Ellipse { centre, radii } => ellipse(sub(at, *centre), *radii),
            Self::Dome { centre, radii } => {
                let at = sub(at, *centre);
                ellipse(at, *radii).max(at[1])
            }
            Self::Box { centre, half, round } => {
                let at = sub(at, *centre);
                let [x, y] = [0, 1].map(|i| at[i].abs() - half[i] + round);
                let outside = length([x.max(0.0), y.max(0.0)]);
                outside + x.max(y).min(0.0) - round
            }
            Self::Polygon(points) => polygon(at, points),
        }
    }
}

fn ellipse(at: Point, radii: Point) -> f32 {
    let scaled = [at[0] / radii[0], at[1] / radii[1]];
    let level = length(scaled);
    let slope = length([scaled[0] / radii[0], scaled[1] / radii[1]]);
    // At the very centre the slope is 0 and any negative number will do.
    if slope > 0.0 { level * (level - 1.0) / slope } else { -radii[0].min(radii[1]) }
}

/// The nearest edge gives the distance, the number of edges crossed by a ray the sign.
fn polygon(at: Point, points: &[Point]) -> f32 {
    let mut nearest = f32::MAX;
    let mut inside = false;
    let mut from = points[points.len() - 1];
    for &to in points {
        let (edge, out) = (sub(to, from), sub(at, from));
        let along = (dot(out, edge) / dot(edge, edge)).clamp(0.0, 1.0);
        let away = sub(out, [edge[0] * along, edge[1] * along]);
        nearest = nearest.min(dot(away, away));
        if (from[1] > at[1]) != (to[1] > at[1]) && out[0] < edge[0] * out[1] / edge[1] {
            inside = !inside;
        }
        from = to;
    }
    if inside { -nearest.sqrt() } else { nearest.sqrt() }
}

pub(super) fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

pub(super) fn dot(a: Point, b: Point) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}

pub(super) fn length(a: Point) -> f32 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_go_around_the_shape() {
        let triangle = Shape::polygon([[0.0, -1.0], [2.0, 3.0], [-4.0, 1.0]]);
        assert_eq!(triangle.bounds(), [[-4.0, -1.0], [2.0, 3.0]]);
        assert_eq!(Shape::circle([1.0, 2.0], 3.0).bounds(), [[-2.0, -1.0], [4.0, 5.0]]);
    }

    #[test]
    fn distances() {
        let square = Shape::polygon([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]);
        let dome = Shape::Dome { centre: [0.0, 0.0], radii: [2.0, 1.0] };
        for (shape, at, expected) in [
            (Shape::circle([1.0, 0.0], 2.0), [4.0, 0.0], 1.0),
            (Shape::circle([1.0, 0.0], 2.0), [1.0, 0.0], -2.0),
            (Shape::rectangle([0.0, 0.0], [1.0, 2.0]), [4.0, 6.0], 5.0),
            (Shape::rectangle([0.0, 0.0], [1.0, 2.0]), [0.0, 0.0], -1.0),
            (square.clone(), [0.25, 0.0], -0.75),
            (square, [4.0, 5.0], 5.0),
            (dome.clone(), [0.0, 0.5], 0.5),
            (dome, [0.0, -1.5], 0.5),
        ] {
            assert!((shape.distance(at) - expected).abs() < 1e-6, "{shape:?} at {at:?}");
        }
    }
}
