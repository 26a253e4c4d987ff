//! What runs image by image, and what over the whole batch.

use std::ops::Range;

use lenslet_kernels::Kernels;

use crate::program::{Program, Weights};

/// Consecutive steps that run in one go.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// Image by image, each image through all of them.
    Images(Range<usize>),
    /// One step over the whole batch.
    Batch(usize),
}

impl Stage {
    /// Its steps.
    pub(crate) fn steps(&self) -> Range<usize> {
        match self {
            Self::Images(steps) => steps.clone(),
            Self::Batch(step) => *step..*step + 1,
        }
    }
}

pub(super) fn stages<K: Kernels>(program: &Program<K>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for (i, step) in program.steps.iter().enumerate() {
        match stages.last_mut() {
            _ if step.is_batch_wise() => stages.push(Stage::Batch(i)),
            Some(Stage::Images(steps)) => steps.end = i + 1,
            _ => stages.push(Stage::Images(i..i + 1)),
        }
    }
    // The loss is taken image by image: there is always a last stage to take it in.
    if matches!(stages.last(), Some(Stage::Batch(_))) {
        stages.push(Stage::Images(program.steps.len()..program.steps.len()));
    }
    stages
}

/// The parameters of the convolutions in a stage: stretches of the flat buffer, and where each of
/// them lies in a task's own sums, one behind the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apart {
    pub(crate) stretches: Vec<Range<usize>>,
}

impl Apart {
    pub(super) fn new<K: Kernels>(program: &Program<K>, stage: &Stage) -> Self {
        let Stage::Images(steps) = stage else { return Self::default() };
        let filters = program.steps[steps.clone()].iter().filter_map(|step| step.summed());
        let mut all: Vec<_> = filters.flat_map(|w| [w.kernel.clone(), w.bias.clone()]).collect();
        all.retain(|range| !range.is_empty());
        all.sort_by_key(|range| range.start);
        let mut stretches: Vec<Range<usize>> = Vec::new();
        for range in all {
            match stretches.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => stretches.push(range),
            }
        }
        Self { stretches }
    }

    /// Elements of all.
    pub(crate) fn len(&self) -> usize {
        self.stretches.iter().map(Range::len).sum()
    }

    /// Where weights lie in a task's sums.
    pub(crate) fn weights(&self, weights: &Weights) -> Weights {
        let Weights { kernel, bias } = weights;
        Weights { kernel: self.place(kernel), bias: self.place(bias) }
    }

    fn place(&self, range: &Range<usize>) -> Range<usize> {
        let mut start = 0;
        for stretch in &self.stretches {
            if stretch.contains(&range.start) {
                start += range.start - stretch.start;
                return start..start + range.len();
            }
            start += stretch.len();
        }
        0..0
    }
}
