//! AVX-512.

use std::arch::x86_64::*;

use super::Avx2;
use crate::simd::Simd;

/// The proof that this CPU has AVX-512 F, VL, BW and DQ, and what [`Avx2`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Avx512(());

impl Avx512 {
    /// The token, where the CPU (and the operating system) has what it stands for.
    pub fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && Avx2::new().is_some();
        has.then_some(Self(()))
    }

    /// Calls `f` with the instructions enabled for all that is inlined into it.
    #[inline]
    pub(crate) fn enable<T>(self, f: impl FnOnce() -> T) -> T {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,bmi1,bmi2,popcnt")]
        fn enabled<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves that the CPU has them.
        unsafe { enabled(f) }
    }
}

/// The mask of the first `min(n, 16)` lanes.
#[inline(always)]
fn first(n: usize) -> __mmask16 {
    ((1u32 << n.min(16)) - 1) as __mmask16
}

// In all of these, `self` proves that the CPU has the instruction.
impl Simd for Avx512 {
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    type F32 = __m512;
    type U32 = __m512i;
    type Mask = __mmask16;

    #[inline(always)]
    fn apart<T>(self, f: impl FnOnce() -> T) -> T {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,bmi1,bmi2,popcnt")]
        fn called<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves that the CPU has them.
        unsafe { called(f) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load_ptr(self, p: *const f32) -> Self::F32 {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, p: *mut f32, x: Self::F32) {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm512_storeu_ps(p, x) }
    }
    #[inline(always)]
    fn prefetch(self, p: *const f32) {
        // SAFETY: the instruction is a hint: no address is wrong.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
    #[inline(always)]
    fn prefetch_early(self, p: *const f32) {
        // SAFETY: the instruction is a hint: no address is wrong.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
    #[inline(always)]
    fn prefetch_to_write(self, p: *const f32) {
        // SAFETY: the instruction is a hint: no address is wrong.
        unsafe {
            core::arch::asm!("prefetchw [{}]", in(reg) p, options(nostack, preserves_flags));
        }
    }
    #[inline(always)]
    unsafe fn load_tail_ptr(self, p: *const f32, n: usize) -> Self::F32 {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm512_maskz_loadu_ps(first(n), p) }
    }
    #[inline(always)]
    unsafe fn store_tail_ptr(self, p: *mut f32, n: usize, x: Self::F32) {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm512_mask_storeu_ps(p, first(n), x) }
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn mul_sub(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_fmsub_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn sqrt(self, x: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_sqrt_ps(x) }
    }

    #[inline(always)]
    fn flush(self, x: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            let exponent = _mm512_set1_epi32(0x7F80_0000);
            _mm512_maskz_mov_ps(_mm512_test_epi32_mask(_mm512_castps_si512(x), exponent), x)
        }
    }

    #[inline(always)]
    fn lt(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
    }
    #[inline(always)]
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b) }
    }
    #[inline(always)]
    fn eq(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b) }
    }
    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_mask_blend_ps(mask, b, a) }
    }
    #[inline(always)]
    fn select_u32(self, mask: Self::Mask, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_mask_blend_epi32(mask, b, a) }
    }
    #[inline(always)]
    fn bits(self, mask: Self::Mask) -> u32 {
        mask.into()
    }

    #[inline(always)]
    fn splat_u32(self, x: u32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_set1_epi32(x.cast_signed()) }
    }
    #[inline(always)]
    unsafe fn load_u32_ptr(self, p: *const u32) -> Self::U32 {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_u32_ptr(self, p: *mut u32, x: Self::U32) {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm512_storeu_si512(p.cast(), x) }
    }
    #[inline(always)]
    fn add_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_add_epi32(a, b) }
    }
    #[inline(always)]
    fn sub_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_sub_epi32(a, b) }
    }
    #[inline(always)]
    fn mul_wide(self, a: Self::U32, b: Self::U32) -> (Self::U32, Self::U32) {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            // The instruction multiplies even lanes: odd ones go separately.
            let even = _mm512_mul_epu32(a, b);
            let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(a), _mm512_srli_epi64::<32>(b));
            let low = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64::<32>(odd));
            let high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64::<32>(even), odd);
            (low, high)
        }
    }
    #[inline(always)]
    fn xor(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_xor_si512(a, b) }
    }
    #[inline(always)]
    fn and(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_and_si512(a, b) }
    }
    #[inline(always)]
    fn or(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_or_si512(a, b) }
    }
    #[inline(always)]
    fn shl<const BITS: i32>(self, x: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_sllv_epi32(x, _mm512_set1_epi32(BITS)) }
    }
    #[inline(always)]
    fn shr<const BITS: i32>(self, x: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_srlv_epi32(x, _mm512_set1_epi32(BITS)) }
    }
    #[inline(always)]
    fn interleave(self, x: [Self::U32; 4]) -> [Self::U32; 4] {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            let [a, b, c, d] = x;
            // Of every 128 bits: pairs of lanes, then whole blocks of four.
            let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
            let (zeroth, first) = (_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
            let (ab, cd) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
            let (second, third) = (_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
            // Then a 4 x 4 transpose of those blocks, by halves.
            let low = _mm512_shuffle_i32x4::<0x44>(zeroth, first);
            let high = _mm512_shuffle_i32x4::<0xEE>(zeroth, first);
            let low_2 = _mm512_shuffle_i32x4::<0x44>(second, third);
            let high_2 = _mm512_shuffle_i32x4::<0xEE>(second, third);
            [
                _mm512_shuffle_i32x4::<0x88>(low, low_2),
                _mm512_shuffle_i32x4::<0xDD>(low, low_2),
                _mm512_shuffle_i32x4::<0x88>(high, high_2),
                _mm512_shuffle_i32x4::<0xDD>(high, high_2),
            ]
        }
    }
    const PERMUTES: bool = true;
    #[inline(always)]
    fn permute(self, x: Self::F32, numbers: Self::U32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_permutexvar_ps(numbers, x) }
    }
    #[inline(always)]
    fn transpose(self, x: [Self::F32; 16]) -> [Self::F32; 16] {
        // SAFETY: `self` proves the instruction set; the same bits make vectors of either kind.
        unsafe {
            let zero = _mm512_setzero_ps();
            // Of every 128 bits: pairs of rows, then fours: vector `4i + j` has column `j` of each
            // block of four columns, of rows `4i` to `4i + 3`.
            let mut pairs = [zero; 16];
            for i in 0..8 {
                pairs[2 * i] = _mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
            }
            let pairs = std::mem::transmute::<[__m512; 16], [__m512d; 16]>(pairs);
            let mut fours = [zero; 16];
            for i in (0..16).step_by(4) {
                let [low, high] = [pairs[i], pairs[i + 1]];
                let [low_2, high_2] = [pairs[i + 2], pairs[i + 3]];
                fours[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, low_2));
                fours[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, low_2));
                fours[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high, high_2));
                fours[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high, high_2));
            }
            // Then a 4 x 4 transpose of the blocks of four lanes.
            let mut columns = [zero; 16];
            for j in 0..4 {
                let even = _mm512_shuffle_f32x4::<0x88>(fours[j], fours[j + 4]);
                let odd = _mm512_shuffle_f32x4::<0xDD>(fours[j], fours[j + 4]);
                let even_2 = _mm512_shuffle_f32x4::<0x88>(fours[j + 8], fours[j + 12]);
                let odd_2 = _mm512_shuffle_f32x4::<0xDD>(fours[j + 8], fours[j + 12]);
                columns[j] = _mm512_shuffle_f32x4::<0x88>(even, even_2);
                columns[j + 4] = _mm512_shuffle_f32x4::<0x88>(odd, odd_2);
                columns[j + 8] = _mm512_shuffle_f32x4::<0xDD>(even, even_2);
                columns[j + 12] = _mm512_shuffle_f32x4::<0xDD>(odd, odd_2);
            }
            columns
        }
    }
    #[inline(always)]
    fn sums(self, x: [Self::F32; 16]) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            // A transpose that adds what it has brought together, and so has half as much to
            // bring together in each round.
            let mut fours = [_mm512_setzero_ps(); 4];
            for (i, four) in fours.iter_mut().enumerate() {
                let [a, b, c, d] = [x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3]];
                let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
                let (low, high) = (_mm512_unpacklo_pd(ab, cd), _mm512_unpackhi_pd(ab, cd));
                *four = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
            }
            let [a, b, c, d] = fours;
            let (even, odd) =
                (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xDD>(a, b));
            let (even_2, odd_2) =
                (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xDD>(c, d));
            let (ab, cd) = (_mm512_add_ps(even, odd), _mm512_add_ps(even_2, odd_2));
            let even = _mm512_shuffle_f32x4::<0x88>(ab, cd);
            _mm512_add_ps(even, _mm512_shuffle_f32x4::<0xDD>(ab, cd))
        }
    }
    #[inline(always)]
    fn compress(self, mask: Self::Mask, x: Self::U32, to: &mut [f32]) -> usize {
        // Not straight to memory, which on Zen 4 is microcode (as published tables have it).
        // SAFETY: `self` proves the instruction set.
        let first = unsafe { _mm512_maskz_compress_epi32(mask, x) };
        self.store(to, self.from_bits(first));
        mask.count_ones() as usize
    }
    #[inline(always)]
    fn lt_u32(self, a: Self::U32, b: Self::U32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_cmplt_epu32_mask(a, b) }
    }
    #[inline(always)]
    fn to_bits(self, x: Self::F32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_castps_si512(x) }
    }
    #[inline(always)]
    fn from_bits(self, x: Self::U32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm512_castsi512_ps(x) }
    }
}
