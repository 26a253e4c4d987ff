//! A value of the graph, as a layer of Lenslet's gives it.

use crate::permute::permuted;

/// What gives a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Giver {
    /// The network's input.
    Input,
    /// The layer of this index.
    Layer(usize),
}

/// A result of a layer, without the batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) giver: Giver,
    /// Its shape in Lenslet, the channels last.
    pub(super) dims: Vec<usize>,
    /// Axis `k` in the graph is axis `order[k]` here.
    pub(super) order: Vec<usize>,
    /// A vector that the graph has in another order: what it was before it became one.
    pub(super) scrambled: Option<Scrambled>,
    /// No number is below zero.
    pub(super) nonnegative: bool,
    /// Pixels as bytes that are yet to become numbers.
    pub(super) bytes: bool,
    /// What it stands for on the way to a layer of several operators.
    pub(super) part: Part,
}

/// A picture of which the graph has made a vector in its own order of axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scrambled {
    pub(super) dims: Vec<usize>,
    pub(super) order: Vec<usize>,
}

/// A value in the middle of operators that are one layer together. It has no layer of its own:
/// `giver` gives what the operators began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// An ordinary value.
    Whole,
    /// `x / sqrt(2)`, on the way to GELU.
    Scaled,
    /// `erf(x / sqrt(2))`.
    Erf,
    /// `1 + erf(x / sqrt(2))`.
    Share,
    /// `x (1 + erf(x / sqrt(2)))`.
    Doubled,
    /// `|x|`, on the way to softsign.
    Absolute,
    /// `1 + |x|`.
    AboveOne,
    /// A picture whose channels are this many groups, `(groups, what is in a group)`, on the way
    /// to a group normalisation.
    Grouped(usize),
}

impl Value {
    pub(super) fn new(giver: Giver, dims: Vec<usize>, order: Vec<usize>) -> Self {
        let (scrambled, nonnegative, bytes, part) = (None, false, false, Part::Whole);
        Self { giver, dims, order, scrambled, nonnegative, bytes, part }
    }

    /// The shape in the graph.
    pub(super) fn graph_dims(&self) -> Vec<usize> {
        self.order.iter().map(|&axis| self.dims[axis]).collect()
    }

    /// Whether both come from the same numbers, in the same order.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        (self.giver, &self.dims, &self.order, &self.scrambled)
            == (other.giver, &other.dims, &other.order, &other.scrambled)
    }

    pub(super) fn channels(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// Whether the graph has the channels in axis `axis`, where the batch is axis 0.
    pub(super) fn has_channels_at(&self, axis: usize) -> bool {
        let axis = axis.checked_sub(1).and_then(|axis| self.order.get(axis));
        axis.is_some_and(|&axis| axis + 1 == self.dims.len())
    }

    /// Whether it is a picture with the channels first.
    pub(super) fn is_channels_first(&self) -> bool {
        self.order == [2, 0, 1]
    }

    /// Whether the graph's numbers lie in memory as Lenslet's do.
    pub(super) fn lies_as_ours(&self) -> bool {
        lies_as_ours(&self.dims, &self.order) && self.scrambled.is_none()
    }

    /// Numbers of a vector in the graph's order, `columns` to each, in Lenslet's.
    pub(super) fn unscrambled(&self, numbers: &[f32], columns: usize) -> Vec<f32> {
        let Some(Scrambled { dims, order }) = &self.scrambled else { return numbers.to_vec() };
        let mut theirs: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
        theirs.push(columns);
        let mut back = inverse(order);
        back.push(order.len());
        permuted(numbers, &theirs, &back)
    }
}

/// The most numbers of one sample, as in Lenslet's networks.
const MOST_ELEMENTS: usize = 1 << 28;

/// Whether a sample of this shape is one that a network may have.
pub(super) fn is_sample(dims: &[usize]) -> bool {
    let elements = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    elements.is_some_and(|n| (1..=MOST_ELEMENTS).contains(&n))
}

/// Whether numbers of this shape lie as before when their axes take this order.
pub(super) fn lies_as_ours(dims: &[usize], order: &[usize]) -> bool {
    let long: Vec<_> = order.iter().filter(|&&axis| dims[axis] > 1).collect();
    long.is_sorted()
}

pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    for (axis, &from) in order.iter().enumerate() {
        back[from] = axis;
    }
    back
}
