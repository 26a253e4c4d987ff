//! Which stretches of the flat parameter buffer are updated in which way.

use std::ops::Range;

use lenslet_kernels::{Kernels, NewtonSchulz};
use lenslet_model::{Algorithm, Muon, Network, Optimizer, Parameter};

use crate::program::{Op, Program};

/// Parameters that lie together and are updated in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) range: Range<usize>,
    pub(crate) decays: bool,
    pub(crate) way: Way,
}

/// What needs a parameter tensor as a whole, and what does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each number by itself.
    Rule,
    /// With a trust ratio.
    Lamb,
    /// As a matrix.
    Muon(NewtonSchulz),
}

/// All trainable parameters, each in one stretch.
#[derive(Debug, Default)]
pub(crate) struct Stretches {
    /// Those that are updated when all gradients are there.
    pub(crate) after: Vec<Stretch>,
    /// Kernels of dense layers that are updated as the backward pass comes to them.
    pub(crate) during: Vec<Stretch>,
}

impl Stretches {
    pub(crate) fn new<K: Kernels>(
        network: &Network,
        program: &Program<K>,
        optimizer: &Optimizer,
    ) -> Self {
        let whole_first = optimizer.clipnorm.is_some()
            || optimizer.global_clipnorm.is_some()
            || optimizer.gradient_accumulation_steps.is_some();
        let dense = program.steps.iter().filter_map(|step| match &step.op {
            Op::Dense { weights, kept: false } => Some(weights.kernel.clone()),
            _ => None,
        });
        let dense: Vec<Range<usize>> = dense.collect();
        let mut stretches = Self::default();
        for parameter in network.parameters().iter().filter(|parameter| parameter.trainable) {
            let stretch = stretch(parameter, optimizer);
            let fused = program.fusion
                && !whole_first
                && stretch.way == Way::Rule
                && dense.contains(&stretch.range);
            if fused {
                stretches.during.push(stretch);
            } else {
                stretches.append(stretch, optimizer.clipnorm.is_some());
            }
        }
        stretches
    }

    /// Appends a stretch, to the last one where both are updated alike.
    fn append(&mut self, stretch: Stretch, apart: bool) {
        match self.after.last_mut() {
            Some(last)
                if !apart
                    && last.range.end == stretch.range.start
                    && (last.way, last.decays) == (Way::Rule, stretch.decays)
                    && stretch.way == Way::Rule =>
            {
                last.range.end = stretch.range.end;
            }
            _ => self.after.push(stretch),
        }
    }

    /// The stretch of a dense layer's kernel that is updated during the backward pass.
    pub(crate) fn during(&self, kernel: &Range<usize>) -> Option<&Stretch> {
        self.during.iter().find(|stretch| stretch.range == *kernel)
    }

    /// Working memory that the ways need.
    pub(crate) fn scratch_len(&self) -> usize {
        let lens = self.after.iter().map(|stretch| match &stretch.way {
            Way::Muon(shape) => shape.scratch_len(),
            Way::Rule | Way::Lamb => 0,
        });
        lens.max().unwrap_or(0)
    }
}

fn stretch(parameter: &Parameter, optimizer: &Optimizer) -> Stretch {
    Stretch {
        range: parameter.range.clone(),
        decays: optimizer.decay() != 0.0 && optimizer.decays(&parameter.name),
        way: match &optimizer.algorithm {
            Algorithm::Lamb(_) => Way::Lamb,
            Algorithm::Muon(muon) => by_muon(parameter, muon).map_or(Way::Rule, Way::Muon),
            _ => Way::Rule,
        },
    }
}

/// The filters of a convolution as a matrix: a row for each place and input, a column per filter.
fn by_muon(parameter: &Parameter, muon: &Muon) -> Option<NewtonSchulz> {
    match parameter.shape[..] {
        [height, width, input, columns] if parameter.name.ends_with("/kernel") => {
            Some(NewtonSchulz { rows: height * width * input, columns, steps: muon.ns_steps })
        }
        _ => None,
    }
}
