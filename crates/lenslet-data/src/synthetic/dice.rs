//! Random choices in the order in which a picture asks for them.

use lenslet_kernels::Stream;

/// A stream that remembers how far it was read.
pub(super) struct Dice {
    stream: Stream,
    next: u64,
}

impl Dice {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, next: 0 }
    }

    fn index(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// A number in `low..high`.
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        let index = self.index();
        low + (high - low) * self.stream.uniform(index) as f32
    }

    /// A number in `-reach..reach`.
    pub(super) fn within(&mut self, reach: f32) -> f32 {
        self.range(-reach, reach)
    }

    /// A whole number in `0..n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let index = self.index();
        self.stream.below(index, n as u64) as usize
    }

    /// True with a probability of `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.range(0.0, 1.0) < p
    }

    /// 1 or -1.
    pub(super) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// A direction: `(cos, sin)` of an angle between `-turns` and `turns` of a full circle.
    pub(super) fn direction(&mut self, turns: f32) -> [f32; 2] {
        let angle = self.within(turns);
        direction(angle)
    }
}

/// `(cos, sin)` of an angle in full turns, from `-1` to `1`, without the platform's mathematics
/// library, whose last bits differ from machine to machine. Off by at most 0.1 degree.
pub(super) fn direction(turns: f32) -> [f32; 2] {
    let [cos, sin] = [parabola(turns + 0.25), parabola(turns)];
    let length = (cos * cos + sin * sin).sqrt();
    [cos / length, sin / length]
}

/// The sine of `turns`: a parabola, corrected by its square.
fn parabola(turns: f32) -> f32 {
    let turns = turns - turns.round();
    let rough = turns * (8.0 - 16.0 * turns.abs());
    rough + 0.225 * (rough * rough.abs() - rough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_cosine_and_sine() {
        for step in -64..=64 {
            let turns = step as f32 / 64.0;
            let angle = turns * std::f32::consts::TAU;
            let [cos, sin] = direction(turns);
            assert!((cos - angle.cos()).abs() < 2e-3 && (sin - angle.sin()).abs() < 2e-3);
        }
    }
}
