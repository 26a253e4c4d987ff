//! The layers lowered to operations on values.
//!
//! A value is what one layer hands to the next, for one image. Element-wise operations work in
//! place where nobody else reads what they would overwrite; layers that compute nothing (`Flatten`)
//! disappear. There is a program for training and one for prediction, which knows no dropout and
//! multiplies frozen normalisations into the convolutions in front of them.

mod blocks;
mod broadcast;
mod flow;
mod lowering;

use std::ops::Range;

use lenslet_kernels::{
    Activation as Function, Conv2dKernel, DepthwiseShape, GroupedConv2d, Kernels, Pool2dShape,
};
use lenslet_model::{Borders, Loss, Network};

use crate::EngineError;
use crate::head::Head;
use crate::plan::{Mode, Stage};

pub(crate) use blocks::Block;
pub(crate) use broadcast::Broadcast;
pub(crate) use lowering::affine;

/// Index of a value.
pub(crate) type Value = usize;

/// What is done to a value.
pub(crate) enum Op<K: Kernels> {
    /// Reads the image's bytes.
    Load,
    Conv2d {
        kernel: GroupedConv2d<K::Conv2d>,
        weights: Weights,
        packed: usize,
        /// The normalisation that is multiplied into the filters.
        folded: Option<usize>,
    },
    Depthwise {
        shape: DepthwiseShape,
        weights: Weights,
        packed: usize,
        folded: Option<usize>,
    },
    Dense {
        weights: Weights,
        /// The kernel's gradient is kept, and not used up at once: something is added to it.
        kept: bool,
    },
    Pool {
        kind: Pool,
        shape: Pool2dShape,
    },
    Activate(Function),
    Softmax {
        classes: usize,
    },
    Dropout {
        rate: f64,
        purpose: u32,
    },
    MaxPieces {
        pieces: usize,
        units: usize,
    },
    /// The sum of all inputs, each repeated as it says; in place of one of them where that is
    /// possible.
    Add(Vec<Option<Broadcast>>),
    /// The product of all inputs, likewise.
    Multiply(Vec<Option<Broadcast>>),
    /// All inputs behind one another in each row of so many elements.
    Concatenate {
        widths: Vec<usize>,
    },
    /// Zeros around a picture.
    Pad(Frame),
    /// The middle of a picture.
    Crop(Frame),
    /// `x * scale + shift`, as many numbers of each over and over again.
    ScaleShift {
        scale: Vec<K::Real>,
        shift: Vec<K::Real>,
    },
    /// `(x - mean) / deviation` by statistics among the parameters, which are taken in turn; so many
    /// numbers are done at once.
    Standardize {
        mean: Range<usize>,
        variance: Range<usize>,
        period: usize,
    },
    /// The channels' moments over one image: means, then squared distances from these.
    Moments {
        norm: usize,
    },
    /// The batch's moments from those of its images.
    Combine {
        norm: usize,
    },
    /// Batch normalisation by the moments of the batch.
    Normalize {
        norm: usize,
    },
    /// Batch normalisation by the moving statistics.
    Frozen {
        norm: usize,
    },
    /// Layer normalisation; the weights are `gamma` and `beta`.
    LayerNorm {
        channels: usize,
        epsilon: f64,
        weights: Weights,
    },
    /// Group normalisation of so many channels and groups; the weights are `gamma` and `beta`.
    GroupNorm {
        shape: [usize; 2],
        epsilon: f64,
        weights: Weights,
        scratch: usize,
    },
    /// The kernel are the slopes, over and over again; where some of them are shared in between,
    /// after they were repeated to so many.
    PRelu {
        weights: Weights,
        repeated: Option<(Broadcast, usize)>,
    },
    /// Dropout of whole channels.
    SpatialDropout {
        rate: f64,
        purpose: u32,
        channels: usize,
    },
    /// Adds normal noise.
    Noise {
        stddev: f64,
        purpose: u32,
    },
    /// Adds a penalty to the loss.
    Penalty {
        l1: f64,
        l2: f64,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pool {
    Max,
    Average,
    Sum,
}

/// A picture and a smaller one inside it.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) borders: Borders,
    /// Rows of the smaller one.
    pub(crate) rows: usize,
    /// Elements in a row of the smaller one.
    pub(crate) width: usize,
    /// Channels of both.
    pub(crate) channels: usize,
}

impl Frame {
    /// For each row, where it lies in the larger picture and in the smaller one.
    pub(crate) fn rows(self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let Borders { top, left, right, .. } = self.borders;
        let stride = self.width + (left + right) * self.channels;
        (0..self.rows).map(move |row| {
            let outer = (top + row) * stride + left * self.channels;
            let inner = row * self.width;
            (outer..outer + self.width, inner..inner + self.width)
        })
    }
}

/// Where a layer's parameters lie in the flat buffers. An absent bias is an empty range.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    pub(crate) kernel: Range<usize>,
    pub(crate) bias: Range<usize>,
}

/// A batch normalisation. Ranges are in the flat parameter buffer; absent parameters are empty.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) channels: usize,
    /// Pixels of one image.
    pub(crate) pixels: usize,
    pub(crate) gamma: Range<usize>,
    pub(crate) beta: Range<usize>,
    pub(crate) moving_mean: Range<usize>,
    pub(crate) moving_variance: Range<usize>,
    pub(crate) epsilon: f64,
    pub(crate) momentum: f64,
    /// What it normalises, the moments of that, and what comes out (training).
    pub(crate) values: [Value; 3],
}

/// One operation. In place where an input is the output.
pub(crate) struct Step<K: Kernels> {
    pub(crate) op: Op<K>,
    pub(crate) input: Value,
    /// The inputs after the first.
    pub(crate) others: Vec<Value>,
    pub(crate) output: Value,
}

impl<K: Kernels> Step<K> {
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Value> {
        std::iter::once(self.input).chain(self.others.iter().copied())
    }

    /// Whether it looks at the whole batch.
    pub(crate) fn is_batch_wise(&self) -> bool {
        match &self.op {
            Op::Dense { .. } | Op::Combine { .. } => true,
            Op::Conv2d { kernel, .. } => kernel.batch().is_some(),
            _ => false,
        }
    }

    /// Whether it is a convolution that looks at one image.
    pub(crate) fn is_image_convolution(&self) -> bool {
        matches!(self.op, Op::Conv2d { .. }) && !self.is_batch_wise()
    }

    /// Parameters whose gradients are added up image by image, unless the step looks at the whole
    /// batch: all but dense layers' and those of batch normalisation.
    pub(crate) fn summed(&self) -> Option<&Weights> {
        match &self.op {
            Op::Conv2d { weights, .. }
            | Op::Depthwise { weights, .. }
            | Op::LayerNorm { weights, .. }
            | Op::GroupNorm { weights, .. }
            | Op::PRelu { weights, .. } => Some(weights),
            _ => None,
        }
    }

    /// Whether its part of the backward pass finds the input's gradient even if nobody needs it.
    pub(crate) fn always_finds_input_gradient(&self) -> bool {
        matches!(self.op, Op::LayerNorm { .. } | Op::GroupNorm { .. } | Op::PRelu { .. })
    }

    /// Elements of working memory for one image.
    pub(crate) fn scratch_len(&self, lens: &[usize], mode: Mode) -> usize {
        let output = lens[self.output];
        match &self.op {
            Op::Conv2d { kernel, .. } if kernel.batch().is_some() => 0,
            Op::Conv2d { kernel, .. } if mode == Mode::Predict => kernel.forward_scratch_len(),
            Op::Conv2d { kernel, .. } => kernel.scratch_len(),
            Op::GroupNorm { scratch, .. } => *scratch,
            // What each channel is multiplied by, and the zeros that are added.
            Op::SpatialDropout { channels, .. } => 2 * channels,
            Op::Standardize { period, .. } => 2 * period,
            // A gradient before it is summed to that of a smaller value, and a run of one number.
            Op::Add(repeats) | Op::Multiply(repeats) if repeats.iter().any(Option::is_some) => {
                let run = repeats.iter().flatten().map(Broadcast::room).max().unwrap_or(0);
                output.next_multiple_of(16) + run
            }
            // The slopes and their gradients.
            Op::PRelu { repeated: Some((_, slopes)), .. } => 2 * slopes.next_multiple_of(16),
            _ => 0,
        }
    }

    /// The same for a batch that it looks at as a whole.
    pub(crate) fn batch_scratch_len(&self, images: usize, threads: usize, mode: Mode) -> usize {
        let backward = mode == Mode::Train;
        match &self.op {
            Op::Conv2d { kernel, .. } => {
                kernel.batch().map_or(0, |batch| batch.batch_scratch_len(images, threads, backward))
            }
            _ => 0,
        }
    }
}

/// A network as a list of operations.
pub(crate) struct Program<K: Kernels> {
    pub(crate) steps: Vec<Step<K>>,
    /// Elements of each value.
    pub(crate) lens: Vec<usize>,
    /// The value that holds the network's output.
    pub(crate) last: Value,
    pub(crate) head: Head,
    /// Elements of each convolution's packed filters.
    pub(crate) packed_lens: Vec<usize>,
    pub(crate) norms: Vec<Norm>,
    /// For each value, whether the backward pass needs its gradient: it depends on parameters.
    pub(crate) wanted: Vec<bool>,
    /// For each input of each step, whether its gradient is added to one that is there already.
    pub(crate) adds: Vec<Vec<bool>>,
    /// For each value, whether nothing goes back from where it is zero, whatever its gradient.
    pub(crate) rectified: Vec<bool>,
    /// For each step, what runs together with it, if it is a convolution.
    pub(crate) blocks: Vec<Option<Block>>,
    /// For each step, whether its backward pass is that of a convolution before or behind it.
    pub(crate) taken_back: Vec<bool>,
    /// For each step, the network's node that it comes from.
    pub(crate) nodes: Vec<Option<usize>>,
    /// Whether several layers may be computed in one go.
    pub(crate) fusion: bool,
}

impl<K: Kernels> Program<K> {
    /// # Errors
    /// Where the network has a part that this engine does not run.
    pub(crate) fn new(
        kernels: &K,
        network: &Network,
        loss: &Loss,
        mode: Mode,
        fusion: bool,
    ) -> Result<Self, EngineError> {
        lowering::lower(kernels, network, loss, mode, fusion)
    }

    /// The value that holds the network's output.
    pub(crate) fn last(&self) -> Value {
        self.last
    }

    /// The step of a stage that combines moments, and its normalisation.
    pub(crate) fn combines(&self, stage: &Stage) -> Option<(usize, usize)> {
        match *stage {
            Stage::Batch(step) => match self.steps[step].op {
                Op::Combine { norm } => Some((step, norm)),
                _ => None,
            },
            Stage::Images(_) => None,
        }
    }
}
