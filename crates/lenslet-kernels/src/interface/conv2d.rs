//! What the engine asks of a convolution.

use std::ops::Range;

use crate::{Conv2dShape, Pool2dShape, Real, Rows, RowsMut, Team};

/// The gradient of a convolution's output.
#[derive(Clone, Copy, Debug)]
pub enum OutputGradient<'a, R> {
    /// Every number.
    Dense(&'a [R]),
    /// The outputs were rectified and max-pooled.
    Pooled(Pooled<'a, R>),
}

/// The gradient of outputs that were rectified and max-pooled, and perhaps dropped out after that:
/// `scale * dy[i]` at output `argmax[i]` wherever `y[i] > 0`, and zero elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Pooled<'a, R> {
    /// The pool.
    pub pool: &'a Pool2dShape,
    /// The pool's outputs, or what dropout made of them: zero where it dropped them.
    pub y: &'a [R],
    /// Their gradient.
    pub dy: &'a [R],
    /// Where each came from, see [`Kernels::max_pool_forward`](crate::Kernels::max_pool_forward).
    pub argmax: &'a [u32],
    /// What dropout multiplied by, or 1.
    pub scale: R,
}

impl<R: Real> Pooled<'_, R> {
    /// # Panics
    /// Where the lengths do not fit a convolution of this shape.
    pub(crate) fn check(&self, shape: &Conv2dShape) {
        let Self { pool, y, dy, argmax, .. } = self;
        let (height, width) = (shape.height.output, shape.width.output);
        assert_eq!((pool.height.input, pool.width.input), (height, width));
        assert_eq!(pool.channels, shape.out_channels);
        assert_eq!([y.len(), dy.len(), argmax.len()], [pool.output_len(); 3]);
    }

    /// Writes every number of the gradient to `to`.
    pub fn spread(&self, to: &mut [R]) {
        to.fill(R::ZERO);
        for ((&y, &dy), &at) in self.y.iter().zip(self.dy).zip(self.argmax) {
            if y > R::ZERO && at != u32::MAX {
                to[at as usize] += self.scale * dy;
            }
        }
    }
}

/// What becomes of a convolution's sums before they are written.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a, R> {
    /// Added to them, one for each output channel. Empty is zero.
    pub bias: &'a [R],
    /// Whether what is below zero becomes zero, as [`Activation::Relu`](crate::Activation::Relu) has it.
    pub rectify: bool,
}

/// Where a max-pool's results go, see [`Kernels::max_pool_forward`](crate::Kernels::max_pool_forward).
#[derive(Debug)]
pub struct MaxPool<'a, R> {
    /// The pool.
    pub shape: &'a Pool2dShape,
    /// The largest value of each window.
    pub y: &'a mut [R],
    /// Where each came from.
    pub argmax: &'a mut [u32],
}

/// A convolution of one fixed shape, with what was prepared for it when the plan was built.
///
/// `packed` holds the filters in the layout that `forward` and `grad_input` like best; it is
/// written by [`pack`](Conv2dKernel::pack) after every change of the weights. `scratch` is working
/// memory of [`scratch_len`](Conv2dKernel::scratch_len) elements, one per thread, content free.
pub trait Conv2dKernel<R: Real>: Send + Sync {
    /// The shape that it was made for.
    fn shape(&self) -> &Conv2dShape;
    /// Elements of the packed filters.
    fn packed_len(&self) -> usize;
    /// Elements of working memory that any of the methods needs.
    fn scratch_len(&self) -> usize;
    /// Elements that [`Self::forward`] and its like need, where nothing else is called.
    fn forward_scratch_len(&self) -> usize {
        self.scratch_len()
    }
    /// Multiply-adds that [`Self::forward`] makes at most, for comparison with the definition's
    /// ([`Conv2dShape::multiply_adds`]). Counted are those that the results need and those in
    /// vector lanes without a channel; not those that a tile at the end of a row makes in vain, nor
    /// the additions of Winograd's transforms.
    fn forward_made(&self) -> u64 {
        self.shape().multiply_adds()
    }
    /// Lays the filters `w` (HWIO) out in `packed`, for [`Self::forward`] and, with `backward`,
    /// for [`Self::grad_input`] too.
    fn pack(&self, team: &Team, w: &[R], packed: &mut [R], backward: bool);
    /// [`Self::pack`] for all but what [`Self::backward`] may do without: [`Self::pack_rest`] adds that
    /// where [`Self::needs_rest`], which is to be asked first, says so.
    fn pack_most(&self, team: &Team, w: &[R], packed: &mut [R]) {
        self.pack(team, w, packed, true);
    }
    /// Whether [`Self::backward`] needs what is missing in `packed` for this gradient of the output; `both`
    /// gradients are wanted, or the filters'.
    fn needs_rest(&self, dy: &OutputGradient<'_, R>, packed: &[R], both: bool) -> bool {
        let _ = (dy, packed, both);
        false
    }
    /// Adds what [`Self::pack_most`] left out.
    fn pack_rest(&self, team: &Team, w: &[R], packed: &mut [R]) {
        let _ = (team, w, packed);
    }
    /// `y = conv(x, w) + bias`, for one image. An empty `bias` is zero.
    fn forward(&self, x: &[R], packed: &[R], bias: &[R], y: &mut [R], scratch: &mut [R]) {
        let finish = Finish { bias, rectify: false };
        self.forward_rows(x, packed, finish, y, scratch, &mut |_, _| {});
    }
    /// The same with what `finish` says; calls `then(rows, y)` whenever some more rows of `y` are
    /// complete, from the first to the last, while they are in the cache. What it does to them stays.
    /// Returns the multiply-adds that it made: [`Self::forward_made`], less those by zeros that it skipped.
    fn forward_rows(
        &self,
        x: &[R],
        packed: &[R],
        finish: Finish<'_, R>,
        y: &mut [R],
        scratch: &mut [R],
        then: &mut dyn FnMut(Range<usize>, &mut [R]),
    ) -> u64;
    /// [`Self::forward_rows`] and a max-pool behind it, where there is a way to make them in one go;
    /// else it does nothing and returns `None`. What is in `y` afterwards is open.
    fn forward_pooled(
        &self,
        x: &[R],
        packed: &[R],
        finish: Finish<'_, R>,
        y: &mut [R],
        pool: MaxPool<'_, R>,
        scratch: &mut [R],
    ) -> Option<u64> {
        let _ = (x, packed, finish, y, pool, scratch);
        None
    }
    /// Pieces that [`Self::forward_shared`] cuts an image into for so many threads; 1 where the work
    /// is not worth it.
    fn pieces(&self, threads: usize) -> usize {
        let _ = threads;
        1
    }
    /// [`Self::forward_rows`] by all threads of a team, in pieces: some rows of the output, or some of its
    /// channels. The bits are the same. `locals` has the scratch memory of each thread.
    fn forward_shared<L: AsMut<[R]> + Send>(
        &self,
        team: &Team,
        x: &[R],
        packed: &[R],
        finish: Finish<'_, R>,
        y: &mut [R],
        locals: &mut [L],
    ) -> u64 {
        let _ = team;
        self.forward_rows(x, packed, finish, y, locals[0].as_mut(), &mut |_, _| {})
    }
    /// [`Self::grad_weights`] and, unless `dx` is empty, [`Self::grad_input`], by way of what is
    /// not zero in the gradient where that is less work. Which way depends on the numbers alone.
    /// Returns the multiply-adds that it made, counted as in [`Self::forward_made`].
    #[expect(clippy::too_many_arguments, reason = "two kernels in one")]
    fn backward(
        &self,
        x: &[R],
        dy: OutputGradient<'_, R>,
        packed: &[R],
        dw: &mut [R],
        db: &mut [R],
        dx: &mut [R],
        scratch: &mut [R],
    ) -> u64;
    /// [`Self::backward`] where the input is what a rectifier made, whose gradient is found as well: `dx` is
    /// zero where `x` is not above zero.
    #[expect(clippy::too_many_arguments, reason = "two kernels in one")]
    fn backward_rectified(
        &self,
        x: &[R],
        dy: OutputGradient<'_, R>,
        packed: &[R],
        dw: &mut [R],
        db: &mut [R],
        dx: &mut [R],
        scratch: &mut [R],
    ) -> u64 {
        let made = self.backward(x, dy, packed, dw, db, dx, scratch);
        rectify(x, dx);
        made
    }
    /// Pieces that [`Self::backward_shared`] cuts each gradient into for so many threads, at least.
    fn backward_pieces(&self, threads: usize) -> usize {
        let _ = threads;
        1
    }
    /// [`Self::backward`] by all threads of a team, in pieces: some rows or some channels of the
    /// input's gradient, some of the filters. The bits are the same. What is skipped, and what is not
    /// finite, is one thread's. `locals` has the scratch memory of each thread, `scratch` is one more.
    #[expect(clippy::too_many_arguments, reason = "two kernels in one")]
    fn backward_shared<L: AsMut<[R]> + Send>(
        &self,
        team: &Team,
        x: &[R],
        dy: OutputGradient<'_, R>,
        packed: &[R],
        dw: &mut [R],
        db: &mut [R],
        dx: &mut [R],
        scratch: &mut [R],
        locals: &mut [L],
    ) -> u64 {
        let _ = (team, locals);
        self.backward(x, dy, packed, dw, db, dx, scratch)
    }
    /// `dx = ` gradient with respect to the input of one image; `dx` is overwritten.
    fn grad_input(&self, dy: &[R], packed: &[R], dx: &mut [R], scratch: &mut [R]);
    /// Adds one image's gradients of the filters to `dw` (HWIO) and of the bias to `db` (which
    /// may be empty).
    fn grad_weights(&self, x: &[R], dy: &[R], dw: &mut [R], db: &mut [R], scratch: &mut [R]);

    /// The same for a whole batch at once, where that is less work than image by image. Whether it
    /// is depends on the shape alone.
    fn batch(&self) -> Option<&dyn Conv2dBatch<R>> {
        None
    }
}

/// A convolution of all images of a batch at once, with filters that
/// [`Conv2dKernel::pack`] laid out. The bits do not depend on the number of threads.
pub trait Conv2dBatch<R: Real>: Send + Sync {
    /// Elements of working memory for up to so many images, and so many threads, for both ways or the
    /// forward pass alone; the content is free.
    fn batch_scratch_len(&self, images: usize, threads: usize, backward: bool) -> usize;
    /// [`Conv2dKernel::forward`] for the images that are the rows of `x` and `y`. Returns the multiply-adds
    /// that it made, counted as in [`Conv2dKernel::forward_rows`].
    fn forward_batch(
        &self,
        team: &Team,
        x: Rows<'_, R>,
        packed: &[R],
        bias: &[R],
        y: RowsMut<'_, R>,
        scratch: &mut [R],
    ) -> u64;
    /// [`Conv2dKernel::grad_weights`] over all images and, where `dx` is wanted,
    /// [`Conv2dKernel::grad_input`] for each. `dw` and `db` are overwritten; `db` may be empty.
    /// Returns the multiply-adds that it made, counted as in [`Conv2dKernel::forward_made`].
    #[expect(clippy::too_many_arguments, reason = "two kernels in one")]
    fn backward_batch(
        &self,
        team: &Team,
        x: Rows<'_, R>,
        dy: Rows<'_, R>,
        packed: &[R],
        dw: &mut [R],
        db: &mut [R],
        dx: Option<RowsMut<'_, R>>,
        scratch: &mut [R],
    ) -> u64;
}

/// Back through a rectifier: no gradient where `x` is not above zero.
pub(crate) fn rectify<R: Real>(x: &[R], dx: &mut [R]) {
    for (dx, &x) in dx.iter_mut().zip(x) {
        *dx = if x > R::ZERO { *dx } else { R::ZERO };
    }
}
