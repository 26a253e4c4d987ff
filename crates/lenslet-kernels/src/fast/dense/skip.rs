//! `y = x w + bias` where many numbers of `x` are zero: behind a rectifier and dropout more than
//! half of them are.
//!
//! A sample's sums stay in registers while the rows of `w` pass that belong to its numbers that are
//! not zero. Some rows pass for all samples before the next ones come, so that they stay in a near
//! cache: in the first one where there are many samples. Few hardly ever want the same row, but each has
//! to begin and to end its sums; then more rows pass, from the second cache. A deep layer is cut along its depth: each thread then reads those rows of `w` alone
//! that it updates in training, which another core's cache need not send.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::tile::{ask_early, ask_for, load_row, store_row};
use crate::simd::{Simd, dispatch};
use crate::team::Shareable;
use crate::{Isa, Rows, RowsMut, Team};

/// Samples of one task.
const SAMPLES: usize = 16;
/// Samples of one task where the depth is cut: `w` is read once for so many.
const GROUP: usize = 32;
/// Vectors of columns of one task.
const VECTORS: usize = 8;
/// Rows of `w` that pass at a time.
const ROWS: usize = 32;
/// The same where there are few samples: at most so many.
const MANY_ROWS: usize = 256;
const FEW: usize = 16;
/// The most lanes of an instruction set.
const LANES: usize = 16;
/// Tasks that some samples of a deep layer are cut into.
const TASKS: usize = 8;
/// Least depth of a task.
const DEPTH: usize = 512;
/// Elements of the sums of all tasks, where the depth is cut.
const APART: usize = 1 << 15;

/// Whether skipping pays: without it a tile of several samples reads `w` less often. Depends on
/// the numbers of the first samples alone.
pub(super) fn pays(isa: Isa, x: Rows<'_, f32>) -> bool {
    let samples = x.len().min(4);
    let zeros: usize = (0..samples).map(|i| zeros(isa, x.row(i))).sum();
    zeros * 10 > samples * x.width() * 7
}

fn zeros(isa: Isa, row: &[f32]) -> usize {
    dispatch!(isa, |_s| row.iter().map(|&x| u32::from(x == 0.0)).sum::<u32>()) as usize
}

/// Multiply-adds for these numbers.
pub(super) fn made(isa: Isa, x: Rows<'_, f32>, out: usize) -> u64 {
    let zeros: usize = (0..x.len()).map(|i| zeros(isa, x.row(i))).sum();
    let lanes = dispatch!(isa, |s| lanes(s));
    ((x.len() * x.width() - zeros) * out.next_multiple_of(lanes)) as u64
}

/// `y = x w + bias`; lengths were checked by [`forward`](super::forward()).
pub(super) fn forward(
    isa: Isa,
    team: &Team,
    x: Rows<'_, f32>,
    w: &[f32],
    bias: &[f32],
    y: RowsMut<'_, f32>,
) {
    let (n, out, depth) = (x.len(), y.width(), x.width());
    let columns = VECTORS * dispatch!(isa, |s| lanes(s));
    let sums = Sums { x, w, out, columns };
    let group = n.min(GROUP);
    let cuts = (TASKS / out.div_ceil(columns)).min(depth / DEPTH).min(APART / (group * out).max(1));
    if cuts <= 1 {
        let to = Target { data: Shareable(y.row_ptr(0)), stride: y.stride(), cut: 0 };
        return sums.of(isa, team, 0..n, SAMPLES, depth, bias, &to);
    }
    let depth = depth.div_ceil(cuts).next_multiple_of(ROWS);
    let mut y = y;
    for first in (0..n).step_by(GROUP) {
        let samples = first..n.min(first + GROUP);
        sums.apart(isa, team, samples, depth, bias, &mut y);
    }
}

/// A layer's sums.
#[derive(Clone, Copy)]
struct Sums<'a> {
    x: Rows<'a, f32>,
    w: &'a [f32],
    out: usize,
    /// Of one task.
    columns: usize,
}

/// Where the sums go: row after row, and one cut of the depth after the other.
struct Target {
    data: Shareable<f32>,
    stride: usize,
    cut: usize,
}

impl Sums<'_> {
    /// Those of some samples, at most a group, in cuts of this depth: every one has sums of its own,
    /// which are then added in order.
    fn apart(
        self,
        isa: Isa,
        team: &Team,
        samples: Range<usize>,
        depth: usize,
        bias: &[f32],
        y: &mut RowsMut<'_, f32>,
    ) {
        let mut apart = [const { MaybeUninit::<f32>::uninit() }; APART];
        let len = samples.len() * self.out;
        let data = apart.as_mut_ptr().cast::<f32>();
        let to = Target { data: Shareable(data), stride: self.out, cut: len };
        self.of(isa, team, samples.clone(), GROUP, depth, &[], &to);
        let cuts = self.x.width().div_ceil(depth);
        assert!(cuts * len <= APART);
        // SAFETY: the tasks wrote all sums of these samples, one cut behind the other.
        let apart = unsafe { std::slice::from_raw_parts(data, cuts * len) };
        for (i, sample) in samples.enumerate() {
            let y = y.row_mut(sample);
            match bias {
                [] => y.fill(0.0),
                bias => y.copy_from_slice(bias),
            }
            for apart in apart.chunks_exact(len) {
                let apart = &apart[i * self.out..][..self.out];
                let y = &mut *y;
                dispatch!(isa, |_s| y.iter_mut().zip(apart).for_each(|(y, sum)| *y += sum));
            }
        }
    }

    /// Those of some samples, of which a task has so many, in cuts of this depth. The target begins
    /// with the first sample.
    #[expect(clippy::too_many_arguments, reason = "how the work is cut, and where it goes")]
    fn of(
        self,
        isa: Isa,
        team: &Team,
        samples: Range<usize>,
        each: usize,
        depth: usize,
        bias: &[f32],
        target: &Target,
    ) {
        let Self { x, w, out, columns } = self;
        let across = out.div_ceil(columns);
        let blocks = across * samples.len().div_ceil(each);
        team.run(blocks * x.width().div_ceil(depth), &|_, task| {
            let (cut, block) = (task / blocks, task % blocks);
            let (sample, column) = (block / across * each, block % across * columns);
            let (count, width) = (each.min(samples.len() - sample), columns.min(out - column));
            let to = target.data.get().wrapping_add(cut * target.cut + sample * target.stride);
            let rows = cut * depth..x.width().min((cut + 1) * depth);
            let sample = samples.start + sample;
            let job = Job { x, w, out, sample, samples: count, rows, to, stride: target.stride };
            // SAFETY: the block of the target is this task's alone, and inside, as are the columns of
            // `w`.
            dispatch!(isa, |s| unsafe {
                job.start(bias, column, width);
                job.columns(s, column, width);
            });
        });
    }
}

#[inline(always)]
fn lanes<S: Simd>(_: S) -> usize {
    S::LANES
}

/// Some samples' rows of `y`.
struct Job<'a> {
    x: Rows<'a, f32>,
    w: &'a [f32],
    out: usize,
    sample: usize,
    samples: usize,
    /// Of `w`.
    rows: Range<usize>,
    /// Where the first sample's row of `y` begins.
    to: *mut f32,
    stride: usize,
}

impl Job<'_> {
    fn at(&self, i: usize, column: usize) -> *mut f32 {
        self.to.wrapping_add(i * self.stride + column)
    }

    /// Fills the columns with the bias.
    ///
    /// # Safety
    /// They are inside, and nobody else uses them.
    #[inline(always)]
    unsafe fn start(&self, bias: &[f32], column: usize, width: usize) {
        for i in 0..self.samples {
            // SAFETY: the caller's promise.
            let to = unsafe { std::slice::from_raw_parts_mut(self.at(i, column), width) };
            match bias.get(column..column + width) {
                Some(bias) => to.copy_from_slice(bias),
                None => to.fill(0.0),
            }
        }
    }

    /// Adds the products for `width` columns, at most [`VECTORS`] vectors.
    ///
    /// # Safety
    /// They are inside, and nobody else uses them.
    #[inline(always)]
    unsafe fn columns<S: Simd>(&self, s: S, mut column: usize, width: usize) {
        let end = column + width;
        while column < end {
            let width = end - column;
            // SAFETY: the caller's promise; each adds no more columns than there are.
            column += unsafe {
                match width.div_ceil(S::LANES) {
                    VECTORS.. => self.vectors::<S, VECTORS>(s, column, width),
                    4.. => self.vectors::<S, 4>(s, column, width),
                    2.. => self.vectors::<S, 2>(s, column, width),
                    _ => self.vectors::<S, 1>(s, column, width),
                }
            };
        }
    }

    /// Adds the products for `V` vectors of columns, or `width` columns if these are fewer.
    /// Returns how many these were.
    ///
    /// # Safety
    /// As for [`Self::columns`].
    #[inline(always)]
    unsafe fn vectors<S: Simd, const V: usize>(&self, s: S, column: usize, width: usize) -> usize {
        let width = width.min(V * S::LANES);
        let depth = self.rows.end;
        let few = self.samples <= FEW;
        let rows = if few { MANY_ROWS } else { ROWS };
        let ahead = rows.div_ceil(self.samples);
        let mut wanted = [0.0; MANY_ROWS + LANES];
        for start in self.rows.clone().step_by(rows) {
            let end = depth.min(start + rows);
            for i in 0..self.samples {
                // The next rows, a few with each sample: which of these a sample reads is too
                // irregular for the hardware to foresee.
                for row in end + i * ahead..depth.min(end + (i + 1) * ahead) {
                    let row = self.w.as_ptr().wrapping_add(row * self.out + column);
                    if few { ask_early(s, row, width) } else { ask_for(s, row, width) }
                }
                let x = self.x.row(self.sample + i);
                // The sample's own next numbers: it is far from one sample to the next.
                ask_for(s, x.as_ptr().wrapping_add(end), rows);
                let x = &x[start..end];
                let wanted = nonzero(s, x, &mut wanted);
                if wanted.is_empty() {
                    continue;
                }
                let to = self.at(i, column);
                let w = self.w.as_ptr().wrapping_add(start * self.out + column);
                // SAFETY: the caller's promise; only numbers of `x` are listed, of which `w` has as
                // many rows.
                unsafe {
                    let mut sums: [_; V] = load_row(s, to, width);
                    for k in wanted {
                        let k = k.to_bits() as usize;
                        let x = s.splat(*x.get_unchecked(k));
                        let w: [_; V] = load_row(s, w.add(k * self.out), width);
                        for (sum, w) in sums.iter_mut().zip(w) {
                            *sum = s.mul_add(x, w, *sum);
                        }
                    }
                    store_row(s, to, width, sums);
                }
            }
        }
        width
    }
}

/// Where `x` is not zero, as integers' bits: at most [`MANY_ROWS`] numbers.
#[inline(always)]
fn nonzero<'a, S: Simd>(s: S, x: &[f32], wanted: &'a mut [f32; MANY_ROWS + LANES]) -> &'a [f32] {
    let mut len = 0;
    for (v, x) in x.chunks(S::LANES).enumerate() {
        // The lanes behind a tail are zero.
        let x = if x.len() == S::LANES { s.load(x) } else { s.load_tail(x) };
        let size = s.and(s.to_bits(x), s.splat_u32(0x7FFF_FFFF));
        let alive = s.lt_u32(s.splat_u32(0), size);
        let at = s.add_u32(s.splat_u32((v * S::LANES) as u32), s.lane_numbers());
        len += s.compress(alive, at, &mut wanted[len..]);
    }
    &wanted[..len]
}
