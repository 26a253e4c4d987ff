//! The one inner loop of every direct convolution.

use crate::simd::Simd;

/// Where a tile reads: stretches of `len` elements, `step` apart, from each of `offsets` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'a> {
    pub(super) offsets: &'a [usize],
    pub(super) len: usize,
    pub(super) step: usize,
}

impl Runs<'_> {
    /// How far from its first element a tile reads.
    #[inline(always)]
    fn extent(&self) -> usize {
        match (self.offsets.iter().max(), self.len) {
            (None, _) | (_, 0) => 0,
            (Some(last), len) => last + (len - 1) * self.step + 1,
        }
    }
}

/// How high the next tile is when `left` rows are left: `height`, or 4 where that computes fewer
/// rows in vain.
#[inline(always)]
pub(super) fn tile_height(left: usize, height: usize) -> usize {
    if left <= 4 || (left > height && left <= 8) { 4 } else { height }
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
    mut sums: [[S::F32; V]; P],
) -> [[S::F32; V]; P] {
    let extent = runs.extent();
    assert!(x.iter().all(|x| x.len() >= extent), "a tile reads inside the image");
    assert!(w.len() >= runs.offsets.len() * runs.len * V * S::LANES, "weights of every element");
    let x = x.map(<[f32]>::as_ptr);
    let mut w = w.as_ptr();
    for &offset in runs.offsets {
        let mut at = offset;
        for _ in 0..runs.len {
            let mut weights = [s.splat(0.0); V];
            for (v, weights) in weights.iter_mut().enumerate() {
                // SAFETY: `w` has `V` vectors for each of these iterations, as asserted.
                *weights = unsafe { s.load_ptr(w.add(v * S::LANES)) };
            }
            for p in 0..P {
                // SAFETY: `at` is below `extent`.
                let value = s.splat(unsafe { *x[p].add(at) });
                for v in 0..V {
                    sums[p][v] = s.mul_add(value, weights[v], sums[p][v]);
                }
            }
            w = w.wrapping_add(V * S::LANES);
            at += runs.step;
        }
    }
    sums
}
