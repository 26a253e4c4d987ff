//! Convolution with vectors.
//!
//! * [`filters`]: the filters as a pass reads them;
//! * [`line`]: what reaches what along one axis, in both directions;
//! * [`strips`]: an image with zeros around it;
//! * [`moderate`]: whether numbers are finite and not too large for all this;
//! * [`pieces`]: how several threads share one image;
//! * [`tile`]: the inner loop;
//! * [`correlation`]: the forward pass, and the gradient of the input, which is a correlation too;
//! * [`winograd`]: the same with fewer multiplications, for 3x3 windows;
//! * [`weight_gradient`] and [`winograd_gradient`]: the gradient of filters and bias;
//! * [`pass`] and [`gradient`]: which of these a shape is computed by;
//! * [`batch`]: Winograd's algorithm for all images of a batch at once;
//! * [`sparse`]: both gradients, where the output's is mostly zero.

mod batch;
mod correlation;
mod filters;
mod gradient;
mod line;
mod moderate;
mod pass;
mod pieces;
mod sparse;
mod strips;
mod tile;
mod weight_gradient;
mod winograd;
mod winograd_gradient;

use std::ops::Range;

use crate::fast::activation;
use crate::reference::Region;
use crate::{
    Activation, Conv2dBatch, Conv2dKernel, Conv2dShape, Finish, Isa, MaxPool, OutputGradient,
    ReferenceConv2d, Team,
};
use filters::View;
use gradient::Gradient;
use line::Line;
use moderate::copy_watched;
use pass::Pass;
use sparse::Sparse;
use winograd_gradient::WinogradGradient;

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Whatever is fastest: Winograd's algorithm where it applies and pays, else the direct sum.
    /// Which one depends on the shape alone.
    #[default]
    Auto,
    /// Every multiplication of the definition.
    Direct,
    /// Winograd's algorithm F(4x4, 3x3) wherever it applies: 3x3 windows, stride and dilation 1.
    Winograd,
}

impl Algorithm {
    fn is_winograd(self, pays: impl Fn() -> bool) -> bool {
        match self {
            Self::Auto => pays(),
            Self::Direct => false,
            Self::Winograd => true,
        }
    }
}

/// Whether an image of this size has at least so many of Winograd's tiles, not half empty.
fn winograd_pays((height, width): (usize, usize), least: usize) -> bool {
    let tiles = winograd::tiles((height, width));
    tiles >= least && height * width * 2 >= tiles * winograd::OUT * winograd::OUT
}

/// A convolution, with vector lanes along output channels. Any window, stride, padding and number
/// of channels.
///
/// NaN and infinity come out where they do in [`ReferenceConv2d`]. The algorithms by themselves
/// multiply the zeros of the padding by them, and Winograd's spreads them over its tiles and may
/// overflow where the sum does not: such pixels are computed by the definition.
///
/// The same call gives the same bits, on the same instruction set.
#[derive(Clone, Debug)]
pub struct Conv2d {
    isa: Isa,
    lanes: usize,
    shape: Conv2dShape,
    forward: Pass,
    backward: Pass,
    weights: Gradient,
    sparse: Option<Sparse>,
    /// Where all images of a batch are best taken at once, with both passes.
    batch: Option<WinogradGradient>,
}

/// What is called when some rows of the target are complete.
type Then<'a> = &'a mut dyn FnMut(Range<usize>, &mut [f32]);

/// What goes from an image to an image.
#[derive(Clone, Copy)]
struct Operands<'a> {
    source: &'a [f32],
    packed: &'a [f32],
    finish: Finish<'a, f32>,
    /// Whether all filters are [`moderate`].
    moderate: bool,
    /// Computes some of the target by the definition.
    define: &'a (dyn Fn(&Region, &mut [f32]) + Sync),
}

/// Sums are written as they are.
const PLAIN: Finish<'_, f32> = Finish { bias: &[], rectify: false };

/// Adds the gradient of the filters from some channels of the input to some of the output, as far
/// as it comes from some rows of the output, by the definition.
type DefineFilters<'a> = &'a dyn Fn(Range<usize>, [Range<usize>; 2], &mut [f32]);

/// The packed filters.
#[derive(Clone, Copy)]
struct Packed<'a> {
    forward: &'a [f32],
    backward: &'a [f32],
    sparse: &'a [f32],
    /// As they are, for the definition.
    plain: &'a [f32],
    /// Whether all are [`moderate`].
    moderate: bool,
    /// Whether `backward` is there.
    complete: bool,
}

impl<'a> Packed<'a> {
    fn forward(
        self,
        source: &'a [f32],
        finish: Finish<'a, f32>,
        define: &'a (dyn Fn(&Region, &mut [f32]) + Sync),
    ) -> Operands<'a> {
        Operands { source, packed: self.forward, finish, moderate: self.moderate, define }
    }
}

impl Conv2d {
    /// A convolution of this shape.
    pub fn new(isa: Isa, shape: Conv2dShape) -> Self {
        Self::with(isa, shape, Algorithm::Auto)
    }

    /// A convolution of this shape by this algorithm.
    pub fn with(isa: Isa, shape: Conv2dShape, algorithm: Algorithm) -> Self {
        let lanes = isa.lanes();
        let Conv2dShape { height, width, in_channels, out_channels } = shape;
        let forward = (Line::forward(&height), Line::forward(&width));
        let backward = (Line::backward(&height), Line::backward(&width));
        let batch = batch::pays(&shape);
        let forward = Pass::new(forward, [in_channels, out_channels], lanes, algorithm, batch);
        let backward = Pass::new(backward, [out_channels, in_channels], lanes, algorithm, batch);
        Self {
            isa,
            lanes,
            shape,
            batch: batch::gradient(algorithm, &shape, [&forward, &backward]),
            forward,
            backward,
            weights: Gradient::new(&shape, lanes, algorithm),
            sparse: None,
        }
        .skipping(algorithm == Algorithm::Auto)
    }

    /// The same, which leaves out multiplications by zeros, or does not: those of the output's gradient, if
    /// they are not a whole batch's, and with Winograd's algorithm those of channels that are zero in several
    /// neighbouring tiles.
    pub fn skipping(self, on: bool) -> Self {
        let sparse =
            if on && self.batch.is_none() { Sparse::new(&self.shape, self.lanes) } else { None };
        let dense = [false, true].map(|both| self.dense(both));
        let sparse = sparse.filter(|sparse| sparse.can_pay(self.lanes, dense));
        let [forward, backward] = [self.forward, self.backward].map(|pass| pass.skipping(on));
        Self { sparse, forward, backward, ..self }
    }

    /// What the way back takes that skips nothing, in terms of the direct sum's time: for `both` gradients,
    /// or the filters' alone.
    fn dense(&self, both: bool) -> f64 {
        match &self.backward {
            _ if !both => self.weights.cost(self.shape.in_channels),
            Pass::Winograd(_) => 0.4,
            Pass::Direct(_) => 1.0,
        }
    }

    /// Lengths of the packed filters, in the order of [`Packed`].
    fn packed_lens(&self) -> [usize; 5] {
        let sparse = self.sparse.as_ref().map_or(0, Sparse::packed_len);
        let plain = self.shape.weights_len();
        [self.forward.packed_len(), self.backward.packed_len(), sparse, plain, 2]
    }

    fn packed<'a>(&self, packed: &'a [f32]) -> Packed<'a> {
        let [forward, backward, sparse, plain, _] = self.packed_lens();
        let (forward, packed) = packed.split_at(forward);
        let (backward, packed) = packed.split_at(backward);
        let (sparse, packed) = packed.split_at(sparse);
        let (plain, flags) = packed.split_at(plain);
        let [moderate, complete] = [0, 1].map(|flag| flags[flag] == 1.0);
        Packed { forward, backward, sparse, plain, moderate, complete }
    }

    fn reference(&self) -> ReferenceConv2d {
        ReferenceConv2d::new(self.shape)
    }

    /// Computes some of the output by the definition.
    fn definition<'a>(
        &self,
        x: &'a [f32],
        packed: Packed<'a>,
        finish: Finish<'a, f32>,
    ) -> impl Fn(&Region, &mut [f32]) + Sync + use<'a> {
        let reference = self.reference();
        move |region, y| {
            reference.forward_region(region, x, packed.plain, finish.bias, y);
            if finish.rectify {
                reference.rectify_region(region, y);
            }
        }
    }

    /// Elements of scratch memory that a pool's gradient is spread to, if it is not skipped: what
    /// comes behind starts a line of the cache.
    fn spread_len(&self) -> usize {
        self.shape.output_len().next_multiple_of(16)
    }

    fn check_backward(
        &self,
        x: &[f32],
        dy: &OutputGradient<'_, f32>,
        dw: &[f32],
        db: &[f32],
        dx: &[f32],
    ) {
        assert_eq!(x.len(), self.shape.input_len());
        assert_eq!(dw.len(), self.shape.weights_len());
        assert!(db.is_empty() || db.len() == self.shape.out_channels);
        assert!(dx.is_empty() || dx.len() == self.shape.input_len());
        match dy {
            OutputGradient::Dense(dy) => assert_eq!(dy.len(), self.shape.output_len()),
            OutputGradient::Pooled(pooled) => pooled.check(&self.shape),
        }
    }

    /// All filters but those for dense gradients.
    fn pack_filters(&self, team: &Team, w: &[f32], packed: &mut [f32], backward: bool) {
        assert_eq!(w.len(), self.shape.weights_len());
        assert_eq!(packed.len(), self.packed_len());
        let [forward, transposed, sparse, plain, _] = self.packed_lens();
        let (forward, packed) = packed.split_at_mut(forward);
        let (runs, packed) = packed[transposed..].split_at_mut(sparse);
        let (plain, flags) = packed.split_at_mut(plain);
        self.forward.pack(team, self.isa, View::forward(w, &self.shape), forward);
        if let Some(sparse) = self.sparse.as_ref().filter(|_| backward) {
            sparse.pack(team, self.isa, w, runs);
        }
        let moderate = copy_watched(team, self.isa, w, plain);
        flags.copy_from_slice(&[f32::from(u8::from(moderate)), 0.0]);
    }

    /// [`Conv2dKernel::grad_input`]; returns the multiply-adds that it made.
    fn input_gradient(
        &self,
        dy: &[f32],
        packed: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) -> u64 {
        let Packed { backward, plain, moderate, .. } = self.packed(packed);
        let define = &|region: &Region, dx: &mut [f32]| {
            self.reference().grad_input_region(region, dy, plain, dx);
        };
        let operands = Operands { source: dy, packed: backward, finish: PLAIN, moderate, define };
        self.backward.run(self.isa, operands, dx, scratch, &mut |_, _| {})
    }

    /// By what way this gradient's zeros are skipped, where they are to be; `both` gradients are
    /// wanted, or the filters'.
    fn skips(&self, dy: &OutputGradient<'_, f32>, moderate: bool, both: bool) -> Option<&Sparse> {
        let sparse = self.sparse.as_ref().filter(|_| moderate)?;
        let pays = |count: usize| sparse.pays(self.lanes, count, dy, both, self.dense(both));
        // Where not even zeros alone would pay there is nothing to count.
        let count = if pays(0) { sparse.count(self.isa, dy)? } else { return None };
        pays(count).then_some(sparse)
    }

    /// [`Conv2dKernel::backward`] or, if `rectified`, [`Conv2dKernel::backward_rectified`].
    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    fn both_gradients(
        &self,
        rectified: bool,
        x: &[f32],
        dy: OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) -> u64 {
        self.check_backward(x, &dy, dw, db, dx);
        let both = !dx.is_empty();
        let Packed { sparse: runs, plain, moderate, complete, .. } = self.packed(packed);
        let skips = match &self.sparse {
            // `needs_rest` has counted, and said that the rest is not needed.
            Some(sparse) if both && !complete => Some(sparse),
            _ => self.skips(&dy, moderate, both),
        };
        if let Some(sparse) = skips
            && let Some(count) = sparse.run(self.isa, rectified, x, &dy, runs, dw, db, dx, scratch)
        {
            return sparse.made(self.lanes, count, both);
        }
        let (every, scratch) = scratch.split_at_mut(self.spread_len());
        let dy = spread(dy, &mut every[..self.shape.output_len()]);
        self.grad_weights(x, dy, dw, db, scratch);
        let input = match (both, skips) {
            (false, _) => 0,
            (true, None) => self.input_gradient(dy, packed, dx, scratch),
            (true, Some(_)) => {
                // The filters for that may be missing.
                self.reference().grad_input(dy, plain, dx, &mut []);
                self.shape.multiply_adds()
            }
        };
        if rectified {
            activation::backward(self.isa, Activation::Relu, &x[..dx.len()], dx);
        }
        self.weights.made() + input
    }
}

/// Every number of a gradient; `every` is room for them.
fn spread<'a>(dy: OutputGradient<'a, f32>, every: &'a mut [f32]) -> &'a [f32] {
    match dy {
        OutputGradient::Dense(dy) => dy,
        OutputGradient::Pooled(pooled) => {
            pooled.spread(every);
            every
        }
    }
}

impl Conv2dKernel<f32> for Conv2d {
    fn shape(&self) -> &Conv2dShape {
        &self.shape
    }

    fn packed_len(&self) -> usize {
        self.packed_lens().iter().sum()
    }

    fn scratch_len(&self) -> usize {
        let both = self.forward.scratch_len().max(self.backward.scratch_len());
        let sparse = self.sparse.as_ref().map_or(0, Sparse::scratch_len);
        (both.max(self.weights.scratch_len()) + self.spread_len()).max(sparse)
    }

    fn forward_scratch_len(&self) -> usize {
        self.forward.scratch_len()
    }

    fn forward_made(&self) -> u64 {
        self.forward.made()
    }

    fn pack(&self, team: &Team, w: &[f32], packed: &mut [f32], backward: bool) {
        self.pack_filters(team, w, packed, backward);
        if backward {
            self.pack_rest(team, w, packed);
        }
    }

    fn pack_most(&self, team: &Team, w: &[f32], packed: &mut [f32]) {
        self.pack_filters(team, w, packed, true);
    }

    fn needs_rest(&self, dy: &OutputGradient<'_, f32>, packed: &[f32], both: bool) -> bool {
        let Packed { moderate, complete, .. } = self.packed(packed);
        both && !complete && self.skips(dy, moderate, both).is_none()
    }

    fn pack_rest(&self, team: &Team, w: &[f32], packed: &mut [f32]) {
        let [forward, transposed, ..] = self.packed_lens();
        let (complete, packed) = packed.split_last_mut().expect("it ends with the flags");
        let transposed = &mut packed[forward..][..transposed];
        self.backward.pack(team, self.isa, View::backward(w, &self.shape), transposed);
        *complete = 1.0;
    }

    fn forward_rows(
        &self,
        x: &[f32],
        packed: &[f32],
        finish: Finish<'_, f32>,
        y: &mut [f32],
        scratch: &mut [f32],
        then: Then<'_>,
    ) -> u64 {
        let packed = self.packed(packed);
        let define = &self.definition(x, packed, finish);
        let operands = packed.forward(x, finish, define);
        self.forward.run(self.isa, operands, y, scratch, then)
    }

    fn forward_pooled(
        &self,
        x: &[f32],
        packed: &[f32],
        finish: Finish<'_, f32>,
        y: &mut [f32],
        pool: MaxPool<'_, f32>,
        scratch: &mut [f32],
    ) -> Option<u64> {
        let Pass::Winograd(winograd) = &self.forward else { return None };
        if !winograd.can_pool(pool.shape) {
            return None;
        }
        let packed = self.packed(packed);
        let define = &self.definition(x, packed, finish);
        Some(winograd.run_pooled(self.isa, packed.forward(x, finish, define), y, pool, scratch))
    }

    fn pieces(&self, threads: usize) -> usize {
        self.forward.cut(self.lanes, threads).pieces()
    }

    fn forward_shared<L: AsMut<[f32]> + Send>(
        &self,
        team: &Team,
        x: &[f32],
        packed: &[f32],
        finish: Finish<'_, f32>,
        y: &mut [f32],
        locals: &mut [L],
    ) -> u64 {
        let packed = self.packed(packed);
        let define = &self.definition(x, packed, finish);
        let operands = packed.forward(x, finish, define);
        assert_eq!([x.len(), y.len()], [self.shape.input_len(), self.shape.output_len()]);
        assert!(finish.bias.is_empty() || finish.bias.len() == self.shape.out_channels);
        self.forward.share((team, self.isa, self.lanes), operands, y, locals)
    }

    fn backward(
        &self,
        x: &[f32],
        dy: OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) -> u64 {
        self.both_gradients(false, x, dy, packed, dw, db, dx, scratch)
    }

    fn backward_rectified(
        &self,
        x: &[f32],
        dy: OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) -> u64 {
        self.both_gradients(true, x, dy, packed, dw, db, dx, scratch)
    }

    fn backward_pieces(&self, threads: usize) -> usize {
        let [dw, dx] =
            [self.weights.cut(self.lanes, threads), self.backward.cut(self.lanes, threads)];
        dw.pieces().min(dx.pieces())
    }

    fn backward_shared<L: AsMut<[f32]> + Send>(
        &self,
        team: &Team,
        x: &[f32],
        dy: OutputGradient<'_, f32>,
        packed: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        dx: &mut [f32],
        scratch: &mut [f32],
        locals: &mut [L],
    ) -> u64 {
        self.check_backward(x, &dy, dw, db, dx);
        let both = !dx.is_empty();
        let Packed { backward, plain, moderate, .. } = self.packed(packed);
        if self.skips(&dy, moderate, both).is_some() {
            return self.backward(x, dy, packed, dw, db, dx, scratch);
        }
        let (every, scratch) = scratch.split_at_mut(self.spread_len());
        let dy = spread(dy, &mut every[..self.shape.output_len()]);
        let with = (team, self.isa, self.lanes);
        if !self.weights.share(with, [x, dy], dw, db, locals) {
            self.grad_weights(x, dy, dw, db, scratch);
        }
        if !both {
            return self.weights.made();
        }
        let define = &|region: &Region, dx: &mut [f32]| {
            self.reference().grad_input_region(region, dy, plain, dx);
        };
        let operands = Operands { source: dy, packed: backward, finish: PLAIN, moderate, define };
        self.weights.made() + self.backward.share(with, operands, dx, locals)
    }

    fn grad_input(&self, dy: &[f32], packed: &[f32], dx: &mut [f32], scratch: &mut [f32]) {
        self.input_gradient(dy, packed, dx, scratch);
    }

    fn grad_weights(
        &self,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        db: &mut [f32],
        scratch: &mut [f32],
    ) {
        assert_eq!(x.len(), self.shape.input_len());
        assert_eq!(dy.len(), self.shape.output_len());
        let columns = 0..self.shape.width.output;
        self.weights.run(self.isa, x, dy, dw, db, scratch, &|rows, channels, dw| {
            let region = Region { rows, columns: columns.clone() };
            self.reference().grad_weights_region(&region, channels, x, dy, dw);
        });
    }

    fn batch(&self) -> Option<&dyn Conv2dBatch<f32>> {
        self.batch.as_ref().map(|_| self as &dyn Conv2dBatch<f32>)
    }
}
