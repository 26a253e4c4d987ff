//! The one inner loop of every direct convolution.

use crate::simd::Simd;

/// Where a tile reads: stretches of `len` elements, `step` apart, from each of `offsets` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'a> {
    offsets: &'a [usize],
    len: usize,
    step: usize,
    /// How far from its first element a tile reads.
    extent: usize,
}

impl<'a> Runs<'a> {
    #[inline(always)]
    pub(super) fn new(offsets: &'a [usize], len: usize, step: usize) -> Self {
        let extent = match (offsets.iter().max(), len) {
            (None, _) | (_, 0) => 0,
            (Some(last), len) => last + (len - 1) * step + 1,
        };
        Self { offsets, len, step, extent }
    }
}

/// How high the next tile is when `left` rows are left: `height`, or 4 where that computes fewer
/// rows in vain.
#[inline(always)]
pub(super) fn tile_height(left: usize, height: usize) -> usize {
    if left <= 4 || (left > height && left <= 8) { 4 } else { height }
}

/// Where the tiles begin that so many rows are cut into, and how high each is ([`tile_height`]); the last
/// may be higher than what is left.
#[inline(always)]
pub(super) fn steps(rows: usize, height: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut next = 0;
    std::iter::from_fn(
        #[inline(always)]
        move || {
            let at = next;
            (at < rows).then(|| {
                let height = tile_height(rows - at, height);
                next += height;
                (at, height)
            })
        },
    )
}

/// `sums[p][v] += sum over k of x[p][k] * w[k][v]`, in order of `k`, where `k` counts the elements
/// of all `runs` and `w` is `k x V` vectors.
///
/// In the forward pass `p` is a pixel, `k` a tap and channel, and `w` are filters; in the gradient
/// of the weights `p` is a tap and channel, `k` a pixel, and `w` is the gradient of the output.
/// The `P x V` sums, `V` weights and one broadcast number stay in registers. Each `x[p]` has its
/// own base, so a tile may go on in the next row of the image.
#[inline(always)]
pub(super) fn tile<S: Simd, const P: usize, const V: usize>(
    s: S,
    x: [&[f32]; P],
    runs: Runs<'_>,
    w: &[f32],
    sums: [[S::F32; V]; P],
) -> [[S::F32; V]; P] {
    assert!(x.iter().all(|x| x.len() >= runs.extent), "a tile reads inside the image");
    // SAFETY: just checked.
    unsafe { multiply::<S, P, V, 1>(s, x.map(<[f32]>::as_ptr), runs, w, sums) }
}

/// The same where `x[p]` begins `p * apart` elements behind the first: fewer addresses to find.
#[inline(always)]
pub(super) fn even_tile<S: Simd, const P: usize, const V: usize>(
    s: S,
    x: &[f32],
    apart: usize,
    runs: Runs<'_>,
    w: &[f32],
    sums: [[S::F32; V]; P],
) -> [[S::F32; V]; P] {
    // SAFETY: `bases` has checked that.
    unsafe { multiply::<S, P, V, 1>(s, bases(x, apart, runs.extent), runs, w, sums) }
}

/// [`tile`] of those `k` alone, below `depth`, that are listed, as integers' bits.
#[inline(always)]
pub(super) fn listed_tile<S: Simd, const P: usize, const V: usize>(
    s: S,
    x: [&[f32]; P],
    (listed, depth): (&[f32], usize),
    w: &[f32],
    sums: [[S::F32; V]; P],
) -> [[S::F32; V]; P] {
    assert!(x.iter().all(|x| x.len() >= depth), "a tile reads inside the image");
    // SAFETY: just checked.
    unsafe { multiply_listed(s, x.map(<[f32]>::as_ptr), (listed, depth), w, sums) }
}

/// [`even_tile`] of those `k` alone.
#[inline(always)]
pub(super) fn even_listed_tile<S: Simd, const P: usize, const V: usize>(
    s: S,
    x: &[f32],
    apart: usize,
    (listed, depth): (&[f32], usize),
    w: &[f32],
    sums: [[S::F32; V]; P],
) -> [[S::F32; V]; P] {
    // SAFETY: `bases` has checked that.
    unsafe { multiply_listed(s, bases(x, apart, depth), (listed, depth), w, sums) }
}

/// Where the rows of a tile begin that are `apart` from each other and of which `extent` elements are read.
#[inline(always)]
fn bases<const P: usize>(x: &[f32], apart: usize, extent: usize) -> [*const f32; P] {
    assert!(x.len() >= (P - 1) * apart + extent, "a tile reads inside the image");
    let mut bases = [x.as_ptr(); P];
    for (p, base) in bases.iter_mut().enumerate() {
        *base = base.wrapping_add(p * apart);
    }
    bases
}

/// # Safety
/// From each of `x` on, `depth` elements can be read.
#[inline(always)]
unsafe fn multiply_listed<S: Simd, const P: usize, const V: usize>(
    s: S,
    x: [*const f32; P],
    (listed, depth): (&[f32], usize),
    w: &[f32],
    mut sums: [[S::F32; V]; P],
) -> [[S::F32; V]; P] {
    assert!(w.len() >= depth * V * S::LANES, "weights of every element");
    for k in listed {
        let k = k.to_bits() as usize;
        assert!(k < depth);
        // SAFETY: just checked.
        unsafe { multiply_one(s, x, k, w.as_ptr().add(k * V * S::LANES), &mut sums) };
    }
    sums
}

/// # Safety
/// From each of `x` on, as many elements can be read as `runs` extends.
#[inline(always)]
unsafe fn multiply<S: Simd, const P: usize, const V: usize, const UNROLL: usize>(
    s: S,
    x: [*const f32; P],
    runs: Runs<'_>,
    w: &[f32],
    mut sums: [[S::F32; V]; P],
) -> [[S::F32; V]; P] {
    assert!(w.len() >= runs.offsets.len() * runs.len * V * S::LANES, "weights of every element");
    let mut w = w.as_ptr();
    for &offset in runs.offsets {
        let mut at = offset;
        for _ in 0..runs.len / UNROLL {
            for _ in 0..UNROLL {
                // SAFETY: `at` is below `extent`, and `w` has `V` vectors for each of these
                // iterations, as asserted.
                unsafe { multiply_one(s, x, at, w, &mut sums) };
                (w, at) = (w.wrapping_add(V * S::LANES), at + runs.step);
            }
        }
        for _ in 0..runs.len % UNROLL {
            // SAFETY: as above.
            unsafe { multiply_one(s, x, at, w, &mut sums) };
            (w, at) = (w.wrapping_add(V * S::LANES), at + runs.step);
        }
    }
    sums
}

/// `sums[p][v] += x[p][at] * w[v]`.
///
/// # Safety
/// Each `x` has an element at `at`, and `w` `V` vectors.
#[inline(always)]
unsafe fn multiply_one<S: Simd, const P: usize, const V: usize>(
    s: S,
    x: [*const f32; P],
    at: usize,
    w: *const f32,
    sums: &mut [[S::F32; V]; P],
) {
    let mut weights = [s.splat(0.0); V];
    for (v, weights) in weights.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *weights = unsafe { s.load_ptr(w.add(v * S::LANES)) };
    }
    for p in 0..P {
        // SAFETY: the caller's promise.
        let value = s.splat(unsafe { *x[p].add(at) });
        for v in 0..V {
            sums[p][v] = s.mul_add(value, weights[v], sums[p][v]);
        }
    }
}
