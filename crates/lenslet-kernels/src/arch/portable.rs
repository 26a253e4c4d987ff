//! Plain arrays, which the compiler turns into whatever vectors the architecture is sure to have
//! (SSE2 on x86-64, NEON on AArch64).

use std::hint::black_box;

use crate::simd::Simd;

/// The token of the portable instruction set: every CPU has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Portable;

/// As wide as one register of those that the compiler may use, so that it keeps each in one: SSE2
/// and NEON have 128 bits.
const LANES: usize = if cfg!(target_feature = "avx") { 8 } else { 4 };
/// Vector registers, where more is known than that there are some.
const REGISTERS: usize = if cfg!(target_arch = "aarch64") { 32 } else { 16 };
/// Whether the compiler may round a product and a sum at once. Where it may not, `f32::mul_add`
/// calls the C library.
const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// Applies `f` to every lane.
#[inline(always)]
fn map<A: Copy, B>(x: [A; LANES], f: impl Fn(A) -> B) -> [B; LANES] {
    std::array::from_fn(|i| f(x[i]))
}

/// Applies `f` to every pair of lanes.
#[inline(always)]
fn zip<A: Copy, B: Copy, C>(a: [A; LANES], b: [B; LANES], f: impl Fn(A, B) -> C) -> [C; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[inline(always)]
fn all_bits(truth: bool) -> u32 {
    u32::from(truth).wrapping_neg()
}

/// The first `min(n, LANES)` numbers. Without a call: by pieces of a fixed length.
///
/// # Safety
/// That many can be read and written.
#[inline(always)]
unsafe fn copy_tail(from: *const f32, to: *mut f32, n: usize) {
    let mut done = 0;
    for piece in [8, 4, 2, 1] {
        if piece <= LANES && n.min(LANES) - done >= piece {
            // SAFETY: so many are left of those that the caller promises.
            unsafe { from.add(done).copy_to_nonoverlapping(to.add(done), piece) };
            done += piece;
        }
    }
}

impl Simd for Portable {
    const LANES: usize = LANES;
    const REGISTERS: usize = REGISTERS;
    type F32 = [f32; LANES];
    type U32 = [u32; LANES];
    /// All bits of a lane or none.
    type Mask = [u32; LANES];

    #[inline(always)]
    fn apart<T>(self, f: impl FnOnce() -> T) -> T {
        // Not in fact: with phases of their own Winograd's convolutions took 20 to 30 % longer.
        f()
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load_ptr(self, p: *const f32) -> Self::F32 {
        // SAFETY: the caller's promise; an array is as aligned as its elements.
        unsafe { p.cast::<Self::F32>().read() }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, p: *mut f32, x: Self::F32) {
        // SAFETY: as for `load_ptr`.
        unsafe { p.cast::<Self::F32>().write(x) }
    }
    #[inline(always)]
    unsafe fn load_tail_ptr(self, p: *const f32, n: usize) -> Self::F32 {
        if n >= LANES {
            // SAFETY: the caller's promise.
            return unsafe { self.load_ptr(p) };
        }
        // Not by way of memory: a load of what was just written in pieces would wait for it.
        // SAFETY: `p` has `n` numbers.
        std::array::from_fn(|i| if i < n { unsafe { *p.add(i) } } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn store_tail_ptr(self, p: *mut f32, n: usize, x: Self::F32) {
        // By way of memory that the compiler does not see through: it would take the vector apart, and
        // with it the sums that it was made of.
        let x = black_box(&x);
        // SAFETY: `p` has room for `min(n, LANES)` numbers, and `x` has as many.
        unsafe { copy_tail(x.as_ptr(), p, n) };
    }

    #[inline(always)]
    fn add_to_tail(self, to: &mut [f32], x: Self::F32) {
        // Lane by lane it would be in `x`, too, as for `store_tail_ptr`.
        to.iter_mut().zip(black_box(&x)).for_each(|(to, x)| *to += x);
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        std::array::from_fn(|i| if FUSED { a[i].mul_add(b[i], c[i]) } else { a[i] * b[i] + c[i] })
    }
    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn sqrt(self, x: Self::F32) -> Self::F32 {
        map(x, f32::sqrt)
    }

    #[inline(always)]
    fn lt(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        zip(a, b, |a, b| all_bits(a < b))
    }
    #[inline(always)]
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        zip(a, b, |a, b| all_bits(a <= b))
    }
    #[inline(always)]
    fn eq(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        zip(a, b, |a, b| all_bits(a == b))
    }
    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32 {
        self.from_bits(self.select_u32(mask, self.to_bits(a), self.to_bits(b)))
    }
    #[inline(always)]
    fn select_u32(self, mask: Self::Mask, a: Self::U32, b: Self::U32) -> Self::U32 {
        std::array::from_fn(|i| a[i] & mask[i] | b[i] & !mask[i])
    }
    #[inline(always)]
    fn bits(self, mask: Self::Mask) -> u32 {
        mask.iter().rev().fold(0, |bits, lane| bits << 1 | lane & 1)
    }

    #[inline(always)]
    fn splat_u32(self, x: u32) -> Self::U32 {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load_u32_ptr(self, p: *const u32) -> Self::U32 {
        // SAFETY: as for `load_ptr`.
        unsafe { p.cast::<Self::U32>().read() }
    }
    #[inline(always)]
    unsafe fn store_u32_ptr(self, p: *mut u32, x: Self::U32) {
        // SAFETY: as for `load_ptr`.
        unsafe { p.cast::<Self::U32>().write(x) }
    }
    #[inline(always)]
    fn add_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        zip(a, b, u32::wrapping_add)
    }
    #[inline(always)]
    fn sub_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        zip(a, b, u32::wrapping_sub)
    }
    #[inline(always)]
    fn mul_wide(self, a: Self::U32, b: Self::U32) -> (Self::U32, Self::U32) {
        let wide = zip(a, b, |a, b| u64::from(a) * u64::from(b));
        (map(wide, |x| x as u32), map(wide, |x| (x >> 32) as u32))
    }
    #[inline(always)]
    fn xor(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        zip(a, b, |a, b| a ^ b)
    }
    #[inline(always)]
    fn and(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        zip(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn or(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        zip(a, b, |a, b| a | b)
    }
    #[inline(always)]
    fn shl<const BITS: i32>(self, x: Self::U32) -> Self::U32 {
        map(x, |x| x << BITS)
    }
    #[inline(always)]
    fn shr<const BITS: i32>(self, x: Self::U32) -> Self::U32 {
        map(x, |x| x >> BITS)
    }
    const PERMUTES: bool = false;
    #[inline(always)]
    fn permute(self, x: Self::F32, numbers: Self::U32) -> Self::F32 {
        // The remainder keeps the compiler from asking whether there is such a lane.
        map(numbers, |number| x[number as usize % LANES])
    }
    #[inline(always)]
    fn interleave(self, x: [Self::U32; 4]) -> [Self::U32; 4] {
        std::array::from_fn(|vector| {
            std::array::from_fn(|lane| {
                let i = vector * LANES + lane;
                x[i % 4][i / 4]
            })
        })
    }
    #[inline(always)]
    fn lt_u32(self, a: Self::U32, b: Self::U32) -> Self::Mask {
        zip(a, b, |a, b| all_bits(a < b))
    }
    #[inline(always)]
    fn to_bits(self, x: Self::F32) -> Self::U32 {
        map(x, f32::to_bits)
    }
    #[inline(always)]
    fn from_bits(self, x: Self::U32) -> Self::F32 {
        map(x, f32::from_bits)
    }
}
