//! The gradients of a dense layer and its optimiser in one pass over the weights.
//!
//! A large layer's weights and moments do not fit the caches: what a step costs is how often they
//! are read and written. Here one row of the weights after the other stays in registers while the
//! samples pass whose input for this row is not zero: each adds to the row's gradient, and takes
//! its own gradient of that input. Then the rows go into the optimiser's rule while they are in the
//! first cache.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::tile::{load_row, store_row};
use crate::fast::optimizer::{self, Odd};
use crate::simd::{Simd, dispatch};
use crate::team::Shareable;
use crate::{Chunks, InputGradient, Isa, Learned, Moments, Rows, Team, Update};

/// Rows of the weights in one task: a multiple of every instruction set's lanes.
const ROWS: usize = 64;
/// Samples that pass one behind the other: a bit each.
const SAMPLES: usize = 32;
/// Columns of the weights whose gradients wait for the optimiser.
const COLUMNS: usize = 128;
/// The most lanes of an instruction set.
const LANES: usize = 16;

/// `dx = dy w^T`, then the update of `w` by `x^T dy`. With `skip`, zeros of `x` need not be multiplied.
#[expect(clippy::too_many_arguments, reason = "three kernels in one")]
pub(in crate::fast) fn backward_update(
    isa: Isa,
    team: &Team,
    x: Rows<'_, f32>,
    dy: Rows<'_, f32>,
    dx: Option<InputGradient<'_, f32>>,
    skip: bool,
    update: &Update,
    w: &mut [f32],
    moments: Moments<'_, f32>,
) -> Learned {
    let (n, inputs, out) = (x.len(), x.width(), dy.width());
    assert_eq!(n, dy.len());
    assert_eq!(w.len(), inputs * out);
    if w.is_empty() {
        return Learned { finite: true, made: 0 };
    }
    let skip = skip && dx.as_ref().is_none_or(|dx| dx.rectified) && all_finite(dy);
    let to = dx.filter(|_| n > 0).map(|dx| {
        assert_eq!((dx.rows.len(), dx.rows.width()), (n, inputs));
        (Shareable(dx.rows.row_ptr(0)), dx.rows.stride())
    });
    let job = &Job { x, dy, skip, update };
    let (finite, made) = (AtomicBool::new(true), AtomicU64::new(0));
    let tasks = inputs.div_ceil(ROWS);
    let moments = moments.map(|moment| optimizer::cut(moment, ROWS * out, tasks));
    team.share((Chunks::new(w, ROWS * out), moments), |task, (w, moments)| {
        let row = task * ROWS;
        let to = to.as_ref().map(|(to, stride)| (to.get().wrapping_add(row), *stride));
        let rows = row..row + w.len() / out;
        // SAFETY: the columns of `dx` that belong to these rows of `w` are this task's alone.
        let learned = dispatch!(isa, |s| unsafe { job.run(s, rows, to, w, moments) });
        if !learned.finite {
            finite.store(false, Ordering::Relaxed);
        }
        made.fetch_add(learned.made, Ordering::Relaxed);
    });
    Learned { finite: finite.into_inner(), made: made.into_inner() }
}

/// Where zeros are skipped nothing may be infinite, for zero times that is NaN.
fn all_finite(x: Rows<'_, f32>) -> bool {
    (0..x.len()).all(|i| x.row(i).iter().fold(true, |all, x| all & x.is_finite()))
}

/// What all tasks read.
struct Job<'a> {
    x: Rows<'a, f32>,
    dy: Rows<'a, f32>,
    skip: bool,
    update: &'a Update,
}

/// Some samples' inputs for a vector of rows of the weights.
struct Inputs {
    /// By sample and row.
    numbers: [[f32; LANES]; SAMPLES],
    /// For each row, the samples that are not to be skipped.
    samples: [u32; LANES],
}

/// Gradients of inputs: products of rows, each a vector that waits to be added up until there are
/// as many of them as there are lanes.
struct Products {
    vectors: [[f32; LANES]; LANES + SAMPLES],
    /// Where in `sums` each one's sum goes.
    places: [u32; LANES + SAMPLES],
    /// By sample and row.
    sums: [f32; SAMPLES * LANES],
}

impl Job<'_> {
    /// Some rows of the weights. `to` is the first one's gradient of the inputs, and the distance
    /// of the samples there.
    ///
    /// # Safety
    /// As many numbers of each sample as there are rows can be written there, and nobody else uses
    /// them.
    #[inline(always)]
    unsafe fn run<S: Simd>(
        &self,
        s: S,
        rows: Range<usize>,
        to: Option<(*mut f32, usize)>,
        w: &mut [f32],
        mut moments: Moments<'_, f32>,
    ) -> Learned {
        let (n, out) = (self.x.len(), self.dy.width());
        let mut gradients = [0.0; COLUMNS * LANES];
        let mut inputs = Inputs { numbers: [[0.0; LANES]; SAMPLES], samples: [0; LANES] };
        let mut products = Products {
            vectors: [[0.0; LANES]; LANES + SAMPLES],
            places: [0; LANES + SAMPLES],
            sums: [0.0; SAMPLES * LANES],
        };
        let (mut odd, mut passed) = (Odd::new(s), 0);
        for row in rows.clone().step_by(S::LANES) {
            let group = row..rows.end.min(row + S::LANES);
            for start in (0..out).step_by(COLUMNS) {
                let width = COLUMNS.min(out - start);
                let gradients = &mut gradients[..group.len() * width];
                // Of the group's row `r`.
                let at = |r: usize| {
                    let at = (row + r - rows.start) * out + start;
                    at..at + width
                };
                for sample in (0..n.max(1)).step_by(SAMPLES) {
                    let samples = sample..n.min(sample + SAMPLES);
                    self.read(s, &group, &samples, &mut inputs);
                    if start == 0 {
                        let rows = &inputs.samples[..group.len()];
                        passed += rows.iter().map(|samples| samples.count_ones()).sum::<u32>();
                    }
                    let stride = self.dy.stride();
                    let dy = self.dy.data().wrapping_add(sample * stride + start);
                    let mut waiting = 0;
                    for (r, gradient) in gradients.chunks_exact_mut(width).enumerate() {
                        let fresh = sample == 0;
                        let row = Row {
                            samples: inputs.samples[r],
                            inputs: &inputs.numbers,
                            r,
                            dy,
                            stride,
                            fresh,
                        };
                        let w = &w[at(r)];
                        // SAFETY: `read` set the bits of samples that there are, and each has
                        // `width` columns from `start` on.
                        waiting = unsafe {
                            match to {
                                Some(_) => {
                                    row.run::<S, true>(s, w, gradient, &mut products, waiting)
                                }
                                None => row.run::<S, false>(s, w, gradient, &mut products, waiting),
                            }
                        };
                    }
                    if let Some((to, stride)) = to {
                        products.add_up(s, 0, waiting);
                        let to = to.wrapping_add(sample * stride + row - rows.start);
                        // SAFETY: the caller's promise.
                        unsafe {
                            products.write(s, samples.len(), group.len(), to, stride, start > 0);
                        }
                    }
                }
                // All rows at once where nothing lies between them.
                let (len, count) =
                    if width == out { (gradients.len(), 1) } else { (width, group.len()) };
                for (r, gradient) in gradients.chunks_exact(len).enumerate().take(count) {
                    let at = at(r).start..at(r).start + len;
                    let moments = moments
                        .each_mut()
                        .map(|moment| moment.get_mut(at.clone()).unwrap_or_default());
                    optimizer::piece(s, self.update, &mut w[at], gradient, moments, &mut odd);
                }
            }
        }
        let passes = if to.is_some() { 2 } else { 1 };
        let made = u64::from(passed) * (passes * out.next_multiple_of(S::LANES)) as u64;
        Learned { finite: odd.none(s), made }
    }

    /// Up to a vector of inputs of some samples.
    #[inline(always)]
    fn read<S: Simd>(
        &self,
        s: S,
        rows: &Range<usize>,
        samples: &Range<usize>,
        inputs: &mut Inputs,
    ) {
        let none = s.splat_u32(0);
        let mut wanted = none;
        for (i, numbers) in inputs.numbers[..samples.len()].iter_mut().enumerate() {
            let x = &self.x.row(samples.start + i)[rows.clone()];
            let x = if x.len() == S::LANES { s.load(x) } else { s.load_tail(x) };
            s.store(numbers, x);
            let bit = s.splat_u32(1 << i);
            let zero = s.eq(x, s.splat(0.0));
            wanted = s.or(wanted, if self.skip { s.select_u32(zero, none, bit) } else { bit });
        }
        s.store_u32(&mut inputs.samples, wanted);
    }
}

/// One row of the weights and the samples that pass it.
#[derive(Clone, Copy)]
struct Row<'a> {
    samples: u32,
    inputs: &'a [[f32; LANES]; SAMPLES],
    r: usize,
    /// The first sample's gradients of the outputs, and from one sample to the next.
    dy: *const f32,
    stride: usize,
    /// Whether the row's gradient begins here.
    fresh: bool,
}

impl Row<'_> {
    /// Adds the samples' products to the row's gradient and, with `BACK`, lists their own products
    /// behind those that are waiting. Returns how many are waiting now: fewer than lanes.
    ///
    /// # Safety
    /// The samples have as many columns as `w`.
    #[inline(always)]
    unsafe fn run<S: Simd, const BACK: bool>(
        self,
        s: S,
        w: &[f32],
        gradient: &mut [f32],
        products: &mut Products,
        waiting: usize,
    ) -> usize {
        let (mut column, mut listed) = (0, waiting);
        while column < w.len() {
            let row = Self { dy: self.dy.wrapping_add(column), ..self };
            let (w, gradient) = (&w[column..], &mut gradient[column..]);
            let first = column == 0;
            // As many vectors as leave registers for the weights, as many sums, and a few more.
            let vectors = match w.len() / S::LANES {
                8.. if S::REGISTERS >= 32 => 8,
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            // SAFETY: the caller's promise.
            listed = unsafe {
                match vectors {
                    8 => row.vectors::<S, 8, BACK>(s, w, gradient, products, waiting, first),
                    4 => row.vectors::<S, 4, BACK>(s, w, gradient, products, waiting, first),
                    2 => row.vectors::<S, 2, BACK>(s, w, gradient, products, waiting, first),
                    _ => row.vectors::<S, 1, BACK>(s, w, gradient, products, waiting, first),
                }
            };
            column += vectors * S::LANES;
        }
        while listed >= S::LANES {
            listed -= S::LANES;
            products.add_up(s, listed, S::LANES);
        }
        listed
    }

    /// The first `V` vectors, or fewer columns than one vector. The products are the `first` of
    /// their rows, or add to those of earlier columns.
    ///
    /// # Safety
    /// As for [`Self::run`].
    #[inline(always)]
    unsafe fn vectors<S: Simd, const V: usize, const BACK: bool>(
        self,
        s: S,
        w: &[f32],
        gradient: &mut [f32],
        products: &mut Products,
        waiting: usize,
        first: bool,
    ) -> usize {
        let width = w.len().min(V * S::LANES);
        let weights: [_; V] = load(s, w);
        let mut sums: [_; V] = if self.fresh { [s.splat(0.0); V] } else { load(s, gradient) };
        let mut left = self.samples;
        let mut at = waiting;
        while left != 0 {
            let i = left.trailing_zeros() as usize;
            left &= left - 1;
            let x = s.splat(self.inputs[i][self.r]);
            // SAFETY: the caller's promise: the sample has `width` columns from here on.
            let dy: [_; V] = unsafe { load_row(s, self.dy.add(i * self.stride), width) };
            // Two sums, as one would wait for itself.
            let mut dots = [s.splat(0.0); 2];
            for v in 0..V {
                sums[v] = s.mul_add(x, dy[v], sums[v]);
                dots[v % 2] = s.mul_add(weights[v], dy[v], dots[v % 2]);
            }
            if BACK {
                let mut product = s.add(dots[0], dots[1]);
                let to = &mut products.vectors[at];
                if !first {
                    product = s.add(product, s.load(to));
                }
                s.store(to, product);
                products.places[at] = (i * LANES + self.r) as u32;
                at += 1;
            }
        }
        // SAFETY: the gradient has as many columns as the weights.
        unsafe { store_row(s, gradient.as_mut_ptr(), width.min(gradient.len()), sums) };
        at
    }
}

/// The first `V` vectors of `x`, or as far as it goes.
#[inline(always)]
fn load<S: Simd, const V: usize>(s: S, x: &[f32]) -> [S::F32; V] {
    // SAFETY: no more than `x` has.
    unsafe { load_row(s, x.as_ptr(), x.len().min(V * S::LANES)) }
}

impl Products {
    /// The sums of `n` vectors from `start` on.
    #[inline(always)]
    fn add_up<S: Simd>(&mut self, s: S, start: usize, n: usize) {
        let mut vectors = [s.splat(0.0); LANES];
        for (vector, from) in vectors[..S::LANES].iter_mut().zip(&self.vectors[start..]) {
            *vector = s.load(from);
        }
        let mut sums = [0.0; LANES];
        s.store(&mut sums, s.sums(vectors));
        for (&place, sum) in self.places[start..][..n].iter().zip(sums) {
            self.sums[place as usize] = sum;
        }
    }

    /// Writes the sums of some samples and rows to `to`, where samples are `stride` apart, or adds
    /// them to what is there, and begins anew.
    ///
    /// # Safety
    /// They can be written, and nobody else uses them.
    #[inline(always)]
    unsafe fn write<S: Simd>(
        &mut self,
        s: S,
        samples: usize,
        rows: usize,
        to: *mut f32,
        stride: usize,
        add: bool,
    ) {
        for (i, sums) in self.sums.chunks_exact_mut(LANES).take(samples).enumerate() {
            let to = to.wrapping_add(i * stride);
            let mut sum = s.load(sums);
            // SAFETY: the caller's promise.
            unsafe {
                if add {
                    sum = s.add(sum, s.load_tail_ptr(to, rows));
                }
                store_row(s, to, rows, [sum]);
            }
            sums.fill(0.0);
        }
    }
}
