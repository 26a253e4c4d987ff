//! The one inner loop of all dense kernels: a tile of a matrix product, held in registers.

use crate::simd::{LINE, Simd};

/// Vectors of columns in a full tile.
pub(super) const VECTORS: usize = 2;

/// Rows of the largest tile: two accumulators each, and room for the operands.
pub(super) const fn max_rows<S: Simd>() -> usize {
    if S::REGISTERS >= 32 { 12 } else { 6 }
}

/// Columns of a tile.
pub(super) const fn columns<S: Simd>() -> usize {
    VECTORS * S::LANES
}

/// The left factor of a product: element (row `r`, depth `k`) is at `r * row + k * step`.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) data: *const f32,
    pub(super) row: usize,
    pub(super) step: usize,
}

impl Left {
    /// The same matrix from row `r` and depth `k` on.
    #[inline(always)]
    pub(super) fn from(self, r: usize, k: usize) -> Self {
        Self { data: self.data.wrapping_add(r * self.row + k * self.step), ..self }
    }
}

/// The right factor: element (depth `k`, column `c`) is at `k * stride + c`.
#[derive(Clone, Copy)]
pub(super) struct Right {
    pub(super) data: *const f32,
    pub(super) stride: usize,
}

impl Right {
    /// The same matrix from depth `k` and column `c` on.
    #[inline(always)]
    pub(super) fn from(self, k: usize, c: usize) -> Self {
        Self { data: self.data.wrapping_add(k * self.stride + c), ..self }
    }
}

/// A tile: `R` rows of `V` vectors.
pub(super) type Tile<S, const R: usize, const V: usize> = [[<S as Simd>::F32; V]; R];

/// `left * right`, summed over `depth` in ascending order, for `R` rows and the first `width`
/// columns; the other columns of the tile are zero.
///
/// # Safety
/// `R` rows and `depth` elements of `left` and `depth` rows and `width` columns of `right` can
/// be read.
#[inline(always)]
pub(super) unsafe fn product<S: Simd, const R: usize, const V: usize>(
    s: S,
    left: Left,
    right: Right,
    depth: usize,
    width: usize,
) -> Tile<S, R, V> {
    let mut sums = [[s.splat(0.0); V]; R];
    // Two loops: a full vector needs no mask, which on some CPUs is slow.
    if width >= V * S::LANES {
        for k in 0..depth {
            // SAFETY: the caller's promise.
            unsafe {
                let b = load_row(s, right.from(k, 0).data, V * S::LANES);
                step(s, left.from(0, k), b, &mut sums);
            }
        }
    } else {
        for k in 0..depth {
            // SAFETY: the caller's promise.
            unsafe {
                let b = load_row_tail(s, right.from(k, 0).data, width);
                step(s, left.from(0, k), b, &mut sums);
            }
        }
    }
    sums
}

/// Adds the products of one column of `left` and `b`, one row of the right factor.
///
/// # Safety
/// `R` rows of `left` can be read.
#[inline(always)]
unsafe fn step<S: Simd, const R: usize, const V: usize>(
    s: S,
    left: Left,
    b: [S::F32; V],
    sums: &mut Tile<S, R, V>,
) {
    for (r, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        let a = s.splat(unsafe { *left.data.add(r * left.row) });
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum = s.mul_add(a, b, *sum);
        }
    }
}

/// Reads the first `width` numbers of a row of a tile; the others are zero.
///
/// # Safety
/// They can be read.
#[inline(always)]
pub(super) unsafe fn load_row<S: Simd, const V: usize>(
    s: S,
    from: *const f32,
    width: usize,
) -> [S::F32; V] {
    if width < V * S::LANES {
        // SAFETY: the caller's promise.
        return unsafe { load_row_tail(s, from, width) };
    }
    let mut row = [s.splat(0.0); V];
    for (v, x) in row.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *x = unsafe { s.load_ptr(from.add(v * S::LANES)) };
    }
    row
}

/// [`load_row`] with masks.
///
/// # Safety
/// As for `load_row`.
#[inline(always)]
unsafe fn load_row_tail<S: Simd, const V: usize>(
    s: S,
    from: *const f32,
    width: usize,
) -> [S::F32; V] {
    let mut row = [s.splat(0.0); V];
    for (v, x) in row.iter_mut().enumerate() {
        let start = v * S::LANES;
        // SAFETY: the caller's promise; past `width` nothing is read.
        *x = unsafe { s.load_tail_ptr(from.wrapping_add(start), width.saturating_sub(start)) };
    }
    row
}

/// Writes the first `width` numbers of a row of a tile.
///
/// # Safety
/// They can be written.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "an iterator takes vectors that are arrays apart")]
pub(super) unsafe fn store_row<S: Simd, const V: usize>(
    s: S,
    to: *mut f32,
    width: usize,
    row: [S::F32; V],
) {
    for v in 0..V {
        let start = v * S::LANES;
        let to = to.wrapping_add(start);
        // SAFETY: the caller's promise; past `width` nothing is written.
        unsafe {
            if width >= start + S::LANES {
                s.store_ptr(to, row[v]);
            } else {
                s.store_tail_ptr(to, width.saturating_sub(start), row[v]);
            }
        }
    }
}

/// Asks for the lines of the cache that hold `len` numbers from `from` on, which need not be readable.
#[inline(always)]
pub(super) fn ask_for<S: Simd>(s: S, from: *const f32, len: usize) {
    for at in (0..len).step_by(LINE) {
        s.prefetch(from.wrapping_add(at));
    }
}

/// The same, into the second cache.
#[inline(always)]
pub(super) fn ask_early<S: Simd>(s: S, from: *const f32, len: usize) {
    for at in (0..len).step_by(LINE) {
        s.prefetch_early(from.wrapping_add(at));
    }
}

/// What is done with every tile of a product. A trait and not a closure, for the constant.
pub(super) trait Tiles<S: Simd> {
    /// Computes and writes the tile of `R` rows from `row` on.
    fn tile<const R: usize>(&mut self, s: S, row: usize);
}

/// Cuts `rows` into groups of about the same size, at most [`max_rows`], and does each.
#[inline(always)]
pub(super) fn each_group<S: Simd>(s: S, rows: usize, tiles: &mut impl Tiles<S>) {
    let groups = rows.div_ceil(max_rows::<S>());
    let mut row = 0;
    for group in 0..groups {
        let size = (rows - row).div_ceil(groups - group);
        match size {
            1 => tiles.tile::<1>(s, row),
            2 => tiles.tile::<2>(s, row),
            3 => tiles.tile::<3>(s, row),
            4 => tiles.tile::<4>(s, row),
            5 => tiles.tile::<5>(s, row),
            6 => tiles.tile::<6>(s, row),
            7 if S::REGISTERS >= 32 => tiles.tile::<7>(s, row),
            8 if S::REGISTERS >= 32 => tiles.tile::<8>(s, row),
            9 if S::REGISTERS >= 32 => tiles.tile::<9>(s, row),
            10 if S::REGISTERS >= 32 => tiles.tile::<10>(s, row),
            11 if S::REGISTERS >= 32 => tiles.tile::<11>(s, row),
            12 if S::REGISTERS >= 32 => tiles.tile::<12>(s, row),
            _ => unreachable!("a group of {size} rows"),
        }
        row += size;
    }
}
