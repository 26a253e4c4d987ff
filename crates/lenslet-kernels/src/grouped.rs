//! Convolution in groups: the channels and the filters are split into as many, and the filters of
//! a group see its channels alone (Krizhevsky et al. 2012, Xie et al. 2017).
//!
//! A group is a convolution like any other, so it is computed by one: its channels are copied
//! together, and its results to where they belong. With a single group nothing is copied.

use std::ops::Range;

use crate::interface::rectify;
use crate::{
    Conv2dBatch, Conv2dKernel, Conv2dShape, Finish, Kernels, MaxPool, OutputGradient, Real, Team,
};

/// Elements that a stretch of working memory is a multiple of: a cache line of `f32`.
const LINE: usize = 16;

/// A convolution in groups, made of one kernel for all of them.
///
/// Filters are `kernel_h x kernel_w x (in_channels / groups) x out_channels`; those of group `g`
/// are the `g`-th part of the output's channels.
#[derive(Clone, Debug)]
pub struct GroupedConv2d<C> {
    /// The convolution of one group.
    one: C,
    one_shape: Conv2dShape,
    groups: usize,
    /// Maps of all groups together.
    shape: Conv2dShape,
    /// Elements of one group's packed filters.
    packed: usize,
    /// Elements of working memory that one group needs, and that its forward pass does.
    scratch: usize,
    forward_scratch: usize,
}

/// Working memory: a group's maps and filters, and the gradient of the whole output.
struct Room<'a, R> {
    x: &'a mut [R],
    y: &'a mut [R],
    w: &'a mut [R],
    whole: &'a mut [R],
    one: &'a mut [R],
}

impl<C> GroupedConv2d<C> {
    /// A convolution of this shape in so many groups.
    ///
    /// # Panics
    /// Where these do not divide the channels of input and output.
    pub fn new<K: Kernels<Conv2d = C>>(kernels: &K, shape: Conv2dShape, groups: usize) -> Self
    where
        C: Conv2dKernel<K::Real>,
    {
        assert!(
            groups > 0
                && shape.in_channels.is_multiple_of(groups)
                && shape.out_channels.is_multiple_of(groups)
        );
        let one_shape = Conv2dShape {
            in_channels: shape.in_channels / groups,
            out_channels: shape.out_channels / groups,
            ..shape
        };
        let one = kernels.conv2d(one_shape);
        let (packed, scratch) = (one.packed_len(), one.scratch_len());
        let forward_scratch = one.forward_scratch_len();
        Self { one, one_shape, groups, shape, packed, scratch, forward_scratch }
    }

    /// Elements of the filters of all groups.
    pub fn weights_len(&self) -> usize {
        self.one_shape.weights_len() * self.groups
    }

    /// Multiply-adds of the definition, see [`Conv2dShape::multiply_adds`].
    pub fn multiply_adds(&self) -> u64 {
        self.one_shape.multiply_adds() * self.groups as u64
    }

    /// Lengths of the stretches of [`Room`], less the last.
    fn stretches(&self) -> [usize; 4] {
        let one = &self.one_shape;
        [one.input_len(), one.output_len(), one.weights_len(), self.shape.output_len()]
            .map(|len| len.next_multiple_of(LINE))
    }

    fn room<'a, R>(&self, scratch: &'a mut [R]) -> Room<'a, R> {
        let [x, y, w, whole] = self.stretches();
        let (x, rest) = scratch.split_at_mut(x);
        let (y, rest) = rest.split_at_mut(y);
        let (w, rest) = rest.split_at_mut(w);
        let (whole, one) = rest.split_at_mut(whole);
        let (one_shape, all) = (&self.one_shape, self.shape.output_len());
        Room {
            x: &mut x[..one_shape.input_len()],
            y: &mut y[..one_shape.output_len()],
            w: &mut w[..one_shape.weights_len()],
            whole: &mut whole[..all],
            one,
        }
    }

    /// A group's channels of the input.
    fn ins(&self, group: usize) -> Range<usize> {
        part(self.one_shape.in_channels, group)
    }

    /// A group's channels of the output.
    fn outs(&self, group: usize) -> Range<usize> {
        part(self.one_shape.out_channels, group)
    }

    /// [`Conv2dKernel::grad_input`], group by group.
    fn each_grad_input<R: Real>(&self, dy: &[R], packed: &[R], dx: &mut [R], room: &mut Room<'_, R>)
    where
        C: Conv2dKernel<R>,
    {
        assert_eq!((dx.len(), dy.len()), (self.shape.input_len(), self.shape.output_len()));
        for group in 0..self.groups {
            gather(dy, self.shape.out_channels, self.outs(group), room.y);
            self.one.grad_input(room.y, self.packed_of(group, packed), room.x, room.one);
            scatter(room.x, self.shape.in_channels, self.ins(group), dx);
        }
    }

    /// [`Conv2dKernel::grad_weights`], group by group.
    fn each_grad_weights<R: Real>(
        &self,
        x: &[R],
        dy: &[R],
        dw: &mut [R],
        db: &mut [R],
        room: &mut Room<'_, R>,
    ) where
        C: Conv2dKernel<R>,
    {
        assert_eq!((x.len(), dy.len()), (self.shape.input_len(), self.shape.output_len()));
        let out = self.shape.out_channels;
        for group in 0..self.groups {
            let outs = self.outs(group);
            gather(x, self.shape.in_channels, self.ins(group), room.x);
            gather(dy, out, outs.clone(), room.y);
            gather(dw, out, outs.clone(), room.w);
            let db = if db.is_empty() { &mut [][..] } else { &mut db[outs.clone()] };
            self.one.grad_weights(room.x, room.y, room.w, db, room.one);
            scatter(room.w, out, outs, dw);
        }
    }

    fn packed_of<'a, R>(&self, group: usize, packed: &'a [R]) -> &'a [R] {
        &packed[part(self.packed, group)]
    }
}

fn part(len: usize, index: usize) -> Range<usize> {
    index * len..(index + 1) * len
}

/// Some columns of every row, one behind the other.
fn gather<R: Copy>(from: &[R], width: usize, columns: Range<usize>, to: &mut [R]) {
    for (to, from) in to.chunks_exact_mut(columns.len()).zip(from.chunks_exact(width)) {
        to.copy_from_slice(&from[columns.clone()]);
    }
}

/// The way back of [`gather`].
fn scatter<R: Copy>(from: &[R], width: usize, columns: Range<usize>, to: &mut [R]) {
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(columns.len())) {
        to[columns.clone()].copy_from_slice(from);
    }
}

impl<R: Real, C: Conv2dKernel<R>> Conv2dKernel<R> for GroupedConv2d<C> {
    /// The maps' shape; the filters have [`GroupedConv2d::weights_len`] elements.
    fn shape(&self) -> &Conv2dShape {
        &self.shape
    }

    fn packed_len(&self) -> usize {
        match self.groups {
            1 => self.packed,
            // And the filters of one group, while they are packed.
            groups => groups * self.packed + self.one_shape.weights_len(),
        }
    }

    fn scratch_len(&self) -> usize {
        match self.groups {
            1 => self.scratch,
            _ => self.stretches().iter().sum::<usize>() + self.scratch,
        }
    }

    fn forward_scratch_len(&self) -> usize {
        match self.groups {
            1 => self.forward_scratch,
            _ => self.scratch_len(),
        }
    }

    fn forward_made(&self) -> u64 {
        self.one.forward_made() * self.groups as u64
    }

    fn pack(&self, team: &Team, w: &[R], packed: &mut [R], backward: bool) {
        if self.groups == 1 {
            return self.one.pack(team, w, packed, backward);
        }
        assert_eq!(w.len(), self.weights_len());
        let (packed, own) = packed.split_at_mut(self.groups * self.packed);
        for (group, packed) in packed.chunks_exact_mut(self.packed).enumerate() {
            gather(w, self.shape.out_channels, self.outs(group), own);
            self.one.pack(team, own, packed, backward);
        }
    }

    fn pack_most(&self, team: &Team, w: &[R], packed: &mut [R]) {
        match self.groups {
            1 => self.one.pack_most(team, w, packed),
            _ => self.pack(team, w, packed, true),
        }
    }

    fn needs_rest(&self, dy: &OutputGradient<'_, R>, packed: &[R], both: bool) -> bool {
        self.groups == 1 && self.one.needs_rest(dy, packed, both)
    }

    fn pack_rest(&self, team: &Team, w: &[R], packed: &mut [R]) {
        self.one.pack_rest(team, w, packed);
    }

    fn forward_rows(
        &self,
        x: &[R],
        packed: &[R],
        finish: Finish<'_, R>,
        y: &mut [R],
        scratch: &mut [R],
        then: &mut dyn FnMut(Range<usize>, &mut [R]),
    ) -> u64 {
        if self.groups == 1 {
            return self.one.forward_rows(x, packed, finish, y, scratch, then);
        }
        assert_eq!((x.len(), y.len()), (self.shape.input_len(), self.shape.output_len()));
        let (room, mut made) = (self.room(scratch), 0);
        for group in 0..self.groups {
            let outs = self.outs(group);
            gather(x, self.shape.in_channels, self.ins(group), room.x);
            let bias = if finish.bias.is_empty() { &[] } else { &finish.bias[outs.clone()] };
            let (packed, finish) = (self.packed_of(group, packed), Finish { bias, ..finish });
            let then = &mut |_, _: &mut [R]| {};
            made += self.one.forward_rows(room.x, packed, finish, room.y, room.one, then);
            scatter(room.y, self.shape.out_channels, outs, y);
        }
        then(0..self.shape.height.output, y);
        made
    }

    fn forward_pooled(
        &self,
        x: &[R],
        packed: &[R],
        finish: Finish<'_, R>,
        y: &mut [R],
        pool: MaxPool<'_, R>,
        scratch: &mut [R],
    ) -> Option<u64> {
        let one = (self.groups == 1).then_some(&self.one)?;
        one.forward_pooled(x, packed, finish, y, pool, scratch)
    }

    fn pieces(&self, threads: usize) -> usize {
        // What is copied for a group lies in one thread's working memory.
        if self.groups == 1 { self.one.pieces(threads) } else { 1 }
    }

    fn forward_shared<L: AsMut<[R]> + Send>(
        &self,
        team: &Team,
        x: &[R],
        packed: &[R],
        finish: Finish<'_, R>,
        y: &mut [R],
        locals: &mut [L],
    ) -> u64 {
        match self.groups {
            1 => self.one.forward_shared(team, x, packed, finish, y, locals),
            _ => self.forward_rows(x, packed, finish, y, locals[0].as_mut(), &mut |_, _| {}),
        }
    }

    fn backward(
        &self,
        x: &[R],
        dy: OutputGradient<'_, R>,
        packed: &[R],
        dw: &mut [R],
        db: &mut [R],
        dx: &mut [R],
        scratch: &mut [R],
    ) -> u64 {
        if self.groups == 1 {
            return self.one.backward(x, dy, packed, dw, db, dx, scratch);
        }
        match dy {
            OutputGradient::Dense(dy) => {
                self.grad_weights(x, dy, dw, db, scratch);
                if !dx.is_empty() {
                    self.grad_input(dy, packed, dx, scratch);
                }
            }
            OutputGradient::Pooled(pooled) => {
                let mut room = self.room(scratch);
                let whole = std::mem::take(&mut room.whole);
                pooled.spread(whole);
                self.each_grad_weights(x, whole, dw, db, &mut room);
                if !dx.is_empty() {
                    self.each_grad_input(whole, packed, dx, &mut room);
                }
            }
        }
        self.multiply_adds() * (1 + u64::from(!dx.is_empty()))
    }

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
        if self.groups == 1 {
            return self.one.backward_rectified(x, dy, packed, dw, db, dx, scratch);
        }
        let made = self.backward(x, dy, packed, dw, db, dx, scratch);
        rectify(x, dx);
        made
    }

    fn backward_pieces(&self, threads: usize) -> usize {
        if self.groups == 1 { self.one.backward_pieces(threads) } else { 1 }
    }

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
        match self.groups {
            1 => self.one.backward_shared(team, x, dy, packed, dw, db, dx, scratch, locals),
            _ => self.backward(x, dy, packed, dw, db, dx, scratch),
        }
    }

    fn grad_input(&self, dy: &[R], packed: &[R], dx: &mut [R], scratch: &mut [R]) {
        if self.groups == 1 {
            return self.one.grad_input(dy, packed, dx, scratch);
        }
        self.each_grad_input(dy, packed, dx, &mut self.room(scratch));
    }

    fn grad_weights(&self, x: &[R], dy: &[R], dw: &mut [R], db: &mut [R], scratch: &mut [R]) {
        if self.groups == 1 {
            return self.one.grad_weights(x, dy, dw, db, scratch);
        }
        self.each_grad_weights(x, dy, dw, db, &mut self.room(scratch));
    }

    fn batch(&self) -> Option<&dyn Conv2dBatch<R>> {
        // What is copied for a group is copied image by image.
        if self.groups == 1 { self.one.batch() } else { None }
    }
}
