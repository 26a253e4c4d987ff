//! The gradients of a dense layer and its optimiser in one pass over the weights.
//!
//! A large layer's weights and moments do not fit the caches: what a step costs is how often they
//! are read and written. Here one row of the weights after the other stays in registers while the
//! samples pass whose input for this row is not zero: each adds to the row's gradient, and takes
//! its own gradient of that input. Adam is applied to a row while its gradient is in registers, too:
//! the divider works on one row while the multiply-adds of the next go on. Other rules see a vector
//! of rows at a time, in the first cache.
//!
//! * [`row`]: one row, and the samples that pass it;
//! * [`products`]: the gradients of inputs.

mod products;
mod row;

use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::tile::{ask_for, store_row};
use crate::fast::optimizer::{self, Adam, Odd};
use crate::simd::{Simd, dispatch};
use crate::team::Shareable;
use crate::{Chunks, InputGradient, Isa, Learned, Moments, Rows, Rule, Team, Update};
use products::{Products, Sums};
use row::{Columns, Row};

/// Rows of the weights in one task: a multiple of every instruction set's lanes. Fewer would have the
/// threads meet more often, where they count what they made.
const ROWS: usize = 128;
/// Multiply-adds that one thread does sooner than another has heard of them.
const SMALL: usize = 1 << 15;
/// Samples that pass one behind the other: a bit each.
const SAMPLES: usize = 32;
/// Columns of the weights whose gradients wait for the optimiser.
const COLUMNS: usize = 128;
/// Rows that are asked for before they are read: as far ahead as memory takes to answer.
const AHEAD: usize = 32;
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
    let each = if n * w.len() <= SMALL { inputs } else { ROWS };
    let tasks = inputs.div_ceil(each);
    let moments = moments.map(|moment| optimizer::cut(moment, each * out, tasks));
    team.share((Chunks::new(w, each * out), moments), |task, (w, moments)| {
        let row = task * each;
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

/// Some rows of the weights, and working memory.
struct Task<'a, S: Simd> {
    job: &'a Job<'a>,
    rows: Range<usize>,
    w: &'a mut [f32],
    moments: Moments<'a, f32>,
    /// The gradient of the first row's inputs, and from one sample to the next.
    to: Option<(*mut f32, usize)>,
    /// The rule that is applied to a row as soon as its gradient is complete: Adam, alone.
    rule: Option<Adam<S>>,
    /// Of a vector of rows: written for [`Task::update`] alone.
    gradients: MaybeUninit<[f32; COLUMNS * LANES]>,
    /// For each of a vector of rows, the samples that are not to be skipped.
    wanted: [u32; LANES],
    products: Products,
    /// Samples that passed a row.
    passed: u64,
    odd: Odd<S>,
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
        moments: Moments<'_, f32>,
    ) -> Learned {
        let rule = match self.update.rule {
            Rule::Adam(step) if self.update.is_plain() && !step.amsgrad => Some(Adam::new(s, step)),
            _ => None,
        };
        let mut task = Task {
            job: self,
            rows: rows.clone(),
            w,
            moments,
            to,
            rule,
            gradients: MaybeUninit::uninit(),
            wanted: [0; LANES],
            products: Products::new(),
            passed: 0,
            odd: Odd::new(s),
        };
        let out = self.dy.width();
        for row in rows.clone().step_by(S::LANES) {
            for start in (0..out).step_by(COLUMNS) {
                let columns = start..out.min(start + COLUMNS);
                // SAFETY: the caller's promise.
                unsafe { task.block(s, row..rows.end.min(row + S::LANES), columns) };
            }
        }
        let passes = if to.is_some() { 2 } else { 1 };
        let made = task.passed * (passes * out.next_multiple_of(S::LANES)) as u64;
        Learned { finite: task.odd.none(s), made }
    }
}

impl<S: Simd> Task<'_, S> {
    /// A vector of rows, or fewer, and some columns.
    ///
    /// # Safety
    /// As for [`Job::run`].
    #[inline(always)]
    unsafe fn block(&mut self, s: S, rows: Range<usize>, columns: Range<usize>) {
        let n = self.job.x.len();
        for sample in (0..n.max(1)).step_by(SAMPLES) {
            let samples = sample..n.min(sample + SAMPLES);
            self.read(s, &rows, &samples);
            if columns.start == 0 {
                let passed = self.wanted[..rows.len()].iter().map(|bits| bits.count_ones());
                self.passed += u64::from(passed.sum::<u32>());
            }
            // SAFETY: the caller's promise.
            unsafe { self.pass(s, &rows, &columns, samples) };
        }
        if self.rule.is_none() {
            // SAFETY: without a rule, each row has written its gradient.
            unsafe { self.update(s, &rows, &columns) };
        }
    }

    /// Up to a vector of inputs of some samples.
    #[inline(always)]
    fn read(&mut self, s: S, rows: &Range<usize>, samples: &Range<usize>) {
        let none = s.splat_u32(0);
        let mut wanted = none;
        for (i, sample) in samples.clone().enumerate() {
            let x = self.job.x.row(sample);
            // For the next rows: it is far from one sample to the next.
            ask_for(s, x.as_ptr().wrapping_add(rows.end), S::LANES);
            let x = &x[rows.clone()];
            let x = if x.len() == S::LANES { s.load(x) } else { s.load_tail(x) };
            let bit = s.splat_u32(1 << i);
            let zero = s.eq(x, s.splat(0.0));
            wanted = s.or(wanted, if self.job.skip { s.select_u32(zero, none, bit) } else { bit });
        }
        s.store_u32(&mut self.wanted, wanted);
    }

    /// Lets the samples that were read pass the rows.
    ///
    /// # Safety
    /// As for [`Job::run`].
    #[inline(always)]
    unsafe fn pass(
        &mut self,
        s: S,
        rows: &Range<usize>,
        columns: &Range<usize>,
        samples: Range<usize>,
    ) {
        let (n, dy) = (self.job.x.len(), self.job.dy);
        let (first, width) = (rows.start - self.rows.start, columns.len());
        let (to, to_stride) = self.to.unwrap_or((ptr::null_mut(), 0));
        let to = to.wrapping_add(samples.start * to_stride + first);
        let sums = Sums { to, add: columns.start > 0 };
        if self.to.is_some() && !sums.add {
            // What is skipped stays zero.
            for i in 0..samples.len() {
                // SAFETY: the caller's promise.
                unsafe { store_row(s, to.add(i * to_stride), rows.len(), [s.splat(0.0)]) };
            }
        }
        let row = Row {
            samples: 0,
            r: 0,
            x: self.job.x.data().wrapping_add(samples.start * self.job.x.stride() + rows.start),
            x_stride: self.job.x.stride(),
            dy: dy.data().wrapping_add(samples.start * dy.stride() + columns.start),
            stride: dy.stride(),
            to_stride,
            fresh: samples.start == 0,
            rule: self.rule.filter(|_| samples.end == n),
            ahead: AHEAD * dy.width(),
        };
        // One row after the other.
        let all =
            first * dy.width() + columns.start..(first + rows.len() - 1) * dy.width() + columns.end;
        assert!(rows.len() * width <= COLUMNS * LANES);
        let w = self.w[all.clone()].as_mut_ptr();
        let gradients = self.gradients.as_mut_ptr().cast::<f32>();
        let [m, v, ..] = &mut self.moments;
        let moments = [m, v].map(|moment| match row.rule {
            Some(_) => moment[all.clone()].as_mut_ptr(),
            None => ptr::null_mut(),
        });
        let mut waiting = 0;
        for (r, &samples) in self.wanted[..rows.len()].iter().enumerate() {
            let at = r * dy.width();
            let own = Columns {
                w: w.wrapping_add(at),
                gradient: gradients.wrapping_add(r * width),
                moments: moments.map(|moment| moment.wrapping_add(at)),
                width,
            };
            let row = Row { samples, r, ..row };
            let (products, odd) = (&mut self.products, &mut self.odd);
            // SAFETY: `read` set the bits of samples that there are, and each has these columns; the
            // row's were checked above.
            waiting = unsafe {
                match self.to {
                    Some(_) => row.run::<true>(s, own, products, waiting, sums, odd),
                    None => row.run::<false>(s, own, products, waiting, sums, odd),
                }
            };
        }
        // SAFETY: the caller's promise.
        unsafe { self.products.add_up(s, 0, waiting, sums) };
    }

    /// Updates the rows by their gradients.
    ///
    /// # Safety
    /// These were written.
    #[inline(always)]
    unsafe fn update(&mut self, s: S, rows: &Range<usize>, columns: &Range<usize>) {
        let (out, width) = (self.job.dy.width(), columns.len());
        let from = self.gradients.as_ptr().cast::<f32>();
        // SAFETY: the caller's promise.
        let gradients = unsafe { std::slice::from_raw_parts(from, rows.len() * width) };
        // All rows at once where nothing lies between them.
        let whole = width == out;
        let (len, count) = if whole { (rows.len() * width, 1) } else { (width, rows.len()) };
        let first = rows.start - self.rows.start;
        for (r, gradient) in gradients.chunks_exact(len).enumerate().take(count) {
            let at = (first + r) * out + columns.start;
            let moments = (self.moments.each_mut())
                .map(|moment| moment.get_mut(at..at + len).unwrap_or_default());
            let w = &mut self.w[at..at + len];
            optimizer::piece(s, self.job.update, w, gradient, moments, &mut self.odd);
        }
    }
}
