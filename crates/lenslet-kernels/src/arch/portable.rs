//! Plain arrays, which the compiler turns into whatever vectors the architecture is sure to have
//! (SSE2 on x86-64, NEON on AArch64).

use crate::simd::Simd;

/// The token of the portable instruction set: every CPU has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Portable;

/// As wide as one 128-bit register, so that the compiler keeps each in one.
const LANES: usize = 4;

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

impl Simd for Portable {
    const LANES: usize = LANES;
    const REGISTERS: usize = 16;
    type F32 = [f32; LANES];
    type U32 = [u32; LANES];
    type Mask = [bool; LANES];

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
    // Tails go through memory: taken apart lane by lane, the vector would no longer be one to the
    // compiler, nor would the sums that it was made of.
    #[inline(always)]
    unsafe fn load_tail_ptr(self, p: *const f32, n: usize) -> Self::F32 {
        let mut lanes = [0.0; LANES];
        // SAFETY: `p` has `min(n, LANES)` numbers, and so has `lanes`.
        unsafe { std::ptr::copy_nonoverlapping(p, lanes.as_mut_ptr(), n.min(LANES)) };
        lanes
    }
    #[inline(always)]
    unsafe fn store_tail_ptr(self, p: *mut f32, n: usize, x: Self::F32) {
        // SAFETY: `p` has room for `min(n, LANES)` numbers, and `x` has as many.
        unsafe { std::ptr::copy_nonoverlapping(x.as_ptr(), p, n.min(LANES)) };
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
        // `f32::mul_add` would call the C library where there is no such instruction.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
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
        zip(a, b, |a, b| a < b)
    }
    #[inline(always)]
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        zip(a, b, |a, b| a <= b)
    }
    #[inline(always)]
    fn eq(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        zip(a, b, |a, b| a == b)
    }
    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32 {
        std::array::from_fn(|i| if mask[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn select_u32(self, mask: Self::Mask, a: Self::U32, b: Self::U32) -> Self::U32 {
        std::array::from_fn(|i| if mask[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn bits(self, mask: Self::Mask) -> u32 {
        mask.iter().rev().fold(0, |bits, &lane| bits << 1 | u32::from(lane))
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
    #[inline(always)]
    fn interleave(self, x: [Self::U32; 4]) -> [Self::U32; 4] {
        // There are four lanes: a transpose.
        std::array::from_fn(|l| x.map(|word| word[l]))
    }
    #[inline(always)]
    fn lt_u32(self, a: Self::U32, b: Self::U32) -> Self::Mask {
        zip(a, b, |a, b| a < b)
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
