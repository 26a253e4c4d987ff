//! One axis of a correlation: which elements of the source go into which of the target.

use std::ops::Range;

use crate::Axis;

/// A correlation along one axis.
///
/// The forward pass is one, from the input to the output; the gradient of the input is another,
/// from the gradient of the output. Unit `u` is a place in the source: with a tap at offset `o`
/// it reads source `first + u * step + o`, and zero outside.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Elements of the source.
    pub(super) source: usize,
    /// Elements of the target.
    pub(super) target: usize,
    /// Units.
    pub(super) units: usize,
    /// Source elements from one unit to the next.
    pub(super) step: usize,
    /// Source element at offset 0 of unit 0.
    pub(super) first: isize,
    /// The largest offset, plus one.
    pub(super) span: usize,
    /// The targets, by the taps that reach them. Each belongs to one phase.
    pub(super) phases: Vec<Phase>,
}

/// Targets that are reached by the same taps: element `u * stride + shift` from each of `units`.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// In ascending order of offsets.
    pub(super) taps: Vec<Tap>,
    pub(super) units: Range<usize>,
    stride: usize,
    shift: isize,
}

/// One element of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// Its number in the filter.
    pub(super) tap: usize,
    /// Where it reads, from its unit on.
    pub(super) offset: usize,
}

impl Line {
    /// From the input to the output: a unit is an output.
    pub(super) fn forward(axis: &Axis) -> Self {
        let tap = |tap| Tap { tap, offset: tap * axis.dilation };
        let taps: Vec<_> = (0..axis.window).map(tap).collect();
        Self {
            source: axis.input,
            target: axis.output,
            units: axis.output,
            step: axis.stride,
            first: -axis.pad_before.cast_signed(),
            span: (axis.window - 1) * axis.dilation + 1,
            phases: vec![Phase { taps, units: 0..axis.output, stride: 1, shift: 0 }],
        }
    }

    /// From the output's gradient to the input's.
    ///
    /// Tap `t` of output `o` read input `i = o * stride + t * dilation - pad`. So with
    /// `i + pad = u * stride + r` and `r < stride`, input `i` is reached by the taps whose
    /// `t * dilation` leaves the remainder `r`, from output `u - (t * dilation - r) / stride`:
    /// for every `r` a correlation of its own, without strides.
    pub(super) fn backward(axis: &Axis) -> Self {
        let Axis { input, output, window, stride, dilation, pad_before: pad } = *axis;
        let back = |tap: usize| tap * dilation / stride;
        let furthest = back(window - 1);
        let phase = |r: usize| {
            let reaching = (0..window).rev().filter(|tap| tap * dilation % stride == r);
            let taps = reaching.map(|tap| Tap { tap, offset: furthest - back(tap) }).collect();
            let start = pad.saturating_sub(r).div_ceil(stride);
            let end = (input + pad).saturating_sub(r).div_ceil(stride);
            let shift = r.cast_signed() - pad.cast_signed();
            Phase { taps, units: start..end.max(start), stride, shift }
        };
        let phases: Vec<_> = (0..stride).map(phase).collect();
        Self {
            source: output,
            target: input,
            units: phases.iter().map(|phase| phase.units.end).max().unwrap_or(0),
            step: 1,
            first: -furthest.cast_signed(),
            span: furthest + 1,
            phases,
        }
    }

    /// The same in tiles: each unit stands for `outputs` units of the only phase, and reads
    /// `inputs` elements. Unit `u` holds targets from `u * outputs` on.
    pub(super) fn tiled(&self, outputs: usize, inputs: usize) -> Self {
        let units = &self.phases[0].units;
        Self {
            units: units.len().div_ceil(outputs),
            step: self.step * outputs,
            first: self.first + (units.start * self.step).cast_signed(),
            span: inputs,
            ..self.clone()
        }
    }

    /// Source elements, from [`Self::first`] on, that `units` units read.
    pub(super) fn reach(&self, units: usize) -> usize {
        units.saturating_sub(1) * self.step + self.span
    }

    /// Whether no unit reads outside the source.
    pub(super) fn stays_inside(&self) -> bool {
        self.first == 0 && self.reach(self.units) <= self.source
    }
}

impl Phase {
    /// The target of a unit.
    #[inline(always)]
    pub(super) fn target(&self, unit: usize) -> usize {
        (unit * self.stride).wrapping_add_signed(self.shift)
    }

    /// Whether neighbouring taps read neighbouring elements.
    pub(super) fn contiguous(&self) -> bool {
        self.taps.windows(2).all(|pair| pair[1].offset == pair[0].offset + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (source, target, tap), sorted.
    type Link = (usize, usize, usize);

    fn links(line: &Line) -> Vec<Link> {
        let mut links = Vec::new();
        for phase in &line.phases {
            for unit in phase.units.clone() {
                assert!(unit < line.units && phase.target(unit) < line.target);
                for tap in &phase.taps {
                    assert!(tap.offset < line.span);
                    let at = line.first + (unit * line.step + tap.offset).cast_signed();
                    if (0..line.source.cast_signed()).contains(&at) {
                        links.push((at.cast_unsigned(), phase.target(unit), tap.tap));
                    }
                }
            }
        }
        links.sort_unstable();
        links
    }

    #[test]
    fn both_directions_connect_what_the_axis_does() {
        for input in 1..12 {
            for window in 1..6 {
                for (stride, dilation) in (1..5).flat_map(|s| (1..4).map(move |d| (s, d))) {
                    let both = [
                        Axis::valid(input, window, stride, dilation),
                        Axis::same(input, window, stride, dilation),
                    ];
                    for axis in both.into_iter().flatten() {
                        let mut expected: Vec<Link> = (0..axis.output)
                            .flat_map(|o| (0..window).map(move |t| (o, t)))
                            .filter_map(|(o, t)| Some((axis.at(o, t)?, o, t)))
                            .collect();
                        expected.sort_unstable();
                        assert_eq!(links(&Line::forward(&axis)), expected, "{axis:?}");
                        let mut backward: Vec<Link> = links(&Line::backward(&axis))
                            .into_iter()
                            .map(|(o, i, t)| (i, o, t))
                            .collect();
                        backward.sort_unstable();
                        assert_eq!(backward, expected, "{axis:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_input_belongs_to_one_phase() {
        for axis in [Axis::valid(9, 2, 3, 1), Axis::same(7, 3, 2, 2), Axis::valid(5, 1, 4, 1)] {
            let line = Line::backward(&axis.unwrap());
            let mut targets: Vec<_> = line
                .phases
                .iter()
                .flat_map(|phase| phase.units.clone().map(|unit| phase.target(unit)))
                .collect();
            targets.sort_unstable();
            assert!(targets.into_iter().eq(0..line.target));
        }
    }
}
