//! What runs together with a convolution.

use lenslet_kernels::{Activation as Function, Kernels};

use super::{Op, Pool, Step, Value};

/// A convolution and the steps behind it that work on its output while that is in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The activation, which works in place.
    pub(crate) activation: Option<usize>,
    /// The max-pooling of that.
    pub(crate) pool: Option<usize>,
    /// In the backward pass the output's gradient is not needed either: it is taken from the
    /// pool's, whose output a rectifier and perhaps this dropout made zero where nothing goes back.
    pub(crate) rectified: bool,
    pub(crate) dropout: Option<usize>,
    /// The rectifier before the convolution, whose output nobody else reads: the backward pass goes
    /// through both together.
    pub(crate) rectifier: Option<usize>,
}

impl Block {
    /// A convolution that nothing runs together with.
    const ALONE: Self =
        Self { activation: None, pool: None, rectified: false, dropout: None, rectifier: None };

    /// The steps whose backward pass is the convolution's.
    fn taken_back(&self) -> impl Iterator<Item = usize> {
        let behind = [self.activation, self.pool, self.dropout];
        behind.into_iter().filter(|_| self.rectified).chain([self.rectifier]).flatten()
    }

    /// The step after those that the forward pass runs together, of a block that starts at `step`.
    pub(crate) fn end(&self, step: usize) -> usize {
        self.pool.or(self.activation).unwrap_or(step) + 1
    }

    /// The step after those that the backward pass runs together.
    pub(crate) fn backward_end(&self, step: usize) -> usize {
        match (self.rectified, self.dropout) {
            (false, _) => step + 1,
            (true, Some(dropout)) => dropout + 1,
            (true, None) => self.end(step),
        }
    }
}

/// The block of each step; without fusion each convolution is one by itself. A convolution of the
/// whole batch has none: what comes behind it looks at one image.
pub(super) fn blocks<K: Kernels>(
    steps: &[Step<K>],
    readers: &[usize],
    fusion: bool,
) -> Vec<Option<Block>> {
    let alone = |step: &Step<K>| step.is_image_convolution().then_some(Block::ALONE);
    match fusion {
        true => (0..steps.len()).map(|i| block(steps, readers, i)).collect(),
        false => steps.iter().map(alone).collect(),
    }
}

/// For each step, whether its backward pass is that of a convolution.
pub(super) fn taken_back(blocks: &[Option<Block>]) -> Vec<bool> {
    let mut taken = vec![false; blocks.len()];
    blocks.iter().flatten().flat_map(Block::taken_back).for_each(|step| taken[step] = true);
    taken
}

fn block<K: Kernels>(steps: &[Step<K>], readers: &[usize], convolution: usize) -> Option<Block> {
    if !steps[convolution].is_image_convolution() {
        return None;
    }
    let y = steps[convolution].output;
    let next = |i: usize, value: Value| {
        steps.get(i).filter(|step| step.input == value).map(|step| (i, step))
    };
    let activation = next(convolution + 1, y)
        .filter(|(_, step)| matches!(step.op, Op::Activate(_)) && step.output == y);
    let pool = next(activation.map_or(convolution, |(i, _)| i) + 1, y)
        .filter(|(_, step)| matches!(step.op, Op::Pool { kind: Pool::Max, .. }));
    let dropout = pool
        .and_then(|(i, step)| next(i + 1, step.output))
        .filter(|(_, step)| matches!(step.op, Op::Dropout { .. }) && step.input == step.output);
    let relu = |(_, step): &(usize, &Step<K>)| matches!(step.op, Op::Activate(Function::Relu));
    let index = |found: Option<(usize, &Step<K>)>| found.map(|(i, _)| i);
    let x = steps[convolution].input;
    let before = convolution.checked_sub(1).map(|i| (i, &steps[i]));
    let rectifier = before.filter(|before| {
        relu(before) && [before.1.input, before.1.output] == [x, x] && readers[x] == 1
    });
    Some(Block {
        rectified: activation.as_ref().is_some_and(relu) && pool.is_some() && readers[y] == 1,
        activation: index(activation),
        pool: index(pool),
        dropout: index(dropout),
        rectifier: index(rectifier),
    })
}
