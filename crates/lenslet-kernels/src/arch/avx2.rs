//! AVX2 with fused multiply-add, and the instructions for bits that came with it.

use std::arch::x86_64::*;

use crate::simd::Simd;

/// The proof that this CPU has AVX2, FMA, BMI 1 and 2 and POPCNT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Avx2(());

impl Avx2 {
    /// The token, where the CPU (and the operating system) has what it stands for.
    pub fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        has.then_some(Self(()))
    }

    /// Calls `f` with the instructions enabled for all that is inlined into it.
    #[inline]
    pub(crate) fn enable<T>(self, f: impl FnOnce() -> T) -> T {
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt")]
        fn enabled<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves that the CPU has them.
        unsafe { enabled(f) }
    }
}

/// The mask of the first `min(n, 8)` lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn first(n: usize) -> __m256i {
    const ONES_THEN_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: 8 numbers from an index of at most 8 are inside the 16.
    unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS.as_ptr().add(8 - n.min(8)).cast()) }
}

/// For every mask the lanes that are set in it, in ascending order.
static COMPRESS: [[u32; 8]; 256] = {
    let mut orders = [[0; 8]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut lane, mut len) = (0, 0);
        while lane < 8 {
            if mask >> lane & 1 == 1 {
                orders[mask][len] = lane;
                len += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    orders
};

// In all of these, `self` proves that the CPU has the instruction.
impl Simd for Avx2 {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    type F32 = __m256;
    type U32 = __m256i;
    type Mask = __m256;

    #[inline(always)]
    fn apart<T>(self, f: impl FnOnce() -> T) -> T {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt")]
        fn called<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves that the CPU has them.
        unsafe { called(f) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load_ptr(self, p: *const f32) -> Self::F32 {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, p: *mut f32, x: Self::F32) {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm256_storeu_ps(p, x) }
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
        unsafe { _mm256_maskload_ps(p, first(n)) }
    }
    #[inline(always)]
    unsafe fn store_tail_ptr(self, p: *mut f32, n: usize, x: Self::F32) {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm256_maskstore_ps(p, first(n), x) }
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn mul_sub(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_fmsub_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    fn sqrt(self, x: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_sqrt_ps(x) }
    }

    #[inline(always)]
    fn lt(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(a, b) }
    }
    #[inline(always)]
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_cmp_ps::<_CMP_LE_OQ>(a, b) }
    }
    #[inline(always)]
    fn eq(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b) }
    }
    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_blendv_ps(b, a, mask) }
    }
    #[inline(always)]
    fn select_u32(self, mask: Self::Mask, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_blendv_epi8(b, a, _mm256_castps_si256(mask)) }
    }
    #[inline(always)]
    fn bits(self, mask: Self::Mask) -> u32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_movemask_ps(mask).cast_unsigned() }
    }

    #[inline(always)]
    fn splat_u32(self, x: u32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_set1_epi32(x.cast_signed()) }
    }
    #[inline(always)]
    unsafe fn load_u32_ptr(self, p: *const u32) -> Self::U32 {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_u32_ptr(self, p: *mut u32, x: Self::U32) {
        // SAFETY: the caller's promise, and `self` proves the instruction set.
        unsafe { _mm256_storeu_si256(p.cast(), x) }
    }
    #[inline(always)]
    fn add_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    fn sub_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_sub_epi32(a, b) }
    }
    #[inline(always)]
    fn mul_wide(self, a: Self::U32, b: Self::U32) -> (Self::U32, Self::U32) {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            // The instruction multiplies even lanes: odd ones go separately.
            let even = _mm256_mul_epu32(a, b);
            let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), _mm256_srli_epi64::<32>(b));
            let low = _mm256_blend_epi32::<0xAA>(even, _mm256_slli_epi64::<32>(odd));
            let high = _mm256_blend_epi32::<0xAA>(_mm256_srli_epi64::<32>(even), odd);
            (low, high)
        }
    }
    #[inline(always)]
    fn xor(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_xor_si256(a, b) }
    }
    #[inline(always)]
    fn and(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_and_si256(a, b) }
    }
    #[inline(always)]
    fn or(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_or_si256(a, b) }
    }
    #[inline(always)]
    fn shl<const BITS: i32>(self, x: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_slli_epi32::<BITS>(x) }
    }
    #[inline(always)]
    fn shr<const BITS: i32>(self, x: Self::U32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_srli_epi32::<BITS>(x) }
    }
    #[inline(always)]
    fn interleave(self, x: [Self::U32; 4]) -> [Self::U32; 4] {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            let [a, b, c, d] = x;
            // Of every 128 bits: pairs of lanes, then whole blocks of four.
            let (ab, cd) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
            let (zeroth, first) = (_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
            let (ab, cd) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
            let (second, third) = (_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
            [
                _mm256_permute2x128_si256::<0x20>(zeroth, first),
                _mm256_permute2x128_si256::<0x20>(second, third),
                _mm256_permute2x128_si256::<0x31>(zeroth, first),
                _mm256_permute2x128_si256::<0x31>(second, third),
            ]
        }
    }
    const PERMUTES: bool = true;
    #[inline(always)]
    fn permute(self, x: Self::F32, numbers: Self::U32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_permutevar8x32_ps(x, numbers) }
    }
    #[inline(always)]
    fn transpose(self, x: [Self::F32; 16]) -> [Self::F32; 16] {
        // SAFETY: `self` proves the instruction set; the same bits make vectors of either kind.
        unsafe {
            let zero = _mm256_setzero_ps();
            // Of every 128 bits: pairs of rows, then fours: vector `4i + j` has columns `j` and
            // `j + 4` of rows `4i` to `4i + 3`.
            let mut pairs = [zero; 8];
            for i in 0..4 {
                pairs[2 * i] = _mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
                pairs[2 * i + 1] = _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
            }
            let pairs = std::mem::transmute::<[__m256; 8], [__m256d; 8]>(pairs);
            let mut fours = [zero; 8];
            for i in [0, 4] {
                let [low, high] = [pairs[i], pairs[i + 1]];
                let [low_2, high_2] = [pairs[i + 2], pairs[i + 3]];
                fours[i] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, low_2));
                fours[i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, low_2));
                fours[i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high, high_2));
                fours[i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high, high_2));
            }
            let mut columns = [zero; 16];
            for j in 0..4 {
                columns[j] = _mm256_permute2f128_ps::<0x20>(fours[j], fours[j + 4]);
                columns[j + 4] = _mm256_permute2f128_ps::<0x31>(fours[j], fours[j + 4]);
            }
            columns
        }
    }
    #[inline(always)]
    fn sums(self, x: [Self::F32; 16]) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            let (ab, cd) = (_mm256_hadd_ps(x[0], x[1]), _mm256_hadd_ps(x[2], x[3]));
            let (ef, gh) = (_mm256_hadd_ps(x[4], x[5]), _mm256_hadd_ps(x[6], x[7]));
            let (a, b) = (_mm256_hadd_ps(ab, cd), _mm256_hadd_ps(ef, gh));
            let low = _mm256_permute2f128_ps::<0x20>(a, b);
            _mm256_add_ps(low, _mm256_permute2f128_ps::<0x31>(a, b))
        }
    }
    #[inline(always)]
    fn compress(self, mask: Self::Mask, x: Self::U32, to: &mut [f32]) -> usize {
        let bits = self.bits(mask);
        let order = self.load_u32(&COMPRESS[bits as usize]);
        // SAFETY: `self` proves the instruction set.
        let first = unsafe { _mm256_permutevar8x32_epi32(x, order) };
        self.store(to, self.from_bits(first));
        bits.count_ones() as usize
    }
    #[inline(always)]
    fn lt_u32(self, a: Self::U32, b: Self::U32) -> Self::Mask {
        // SAFETY: `self` proves the instruction set.
        unsafe {
            // There is only a signed comparison: move both by half the range.
            let half = _mm256_set1_epi32(i32::MIN);
            let less = _mm256_cmpgt_epi32(_mm256_xor_si256(b, half), _mm256_xor_si256(a, half));
            _mm256_castsi256_ps(less)
        }
    }
    #[inline(always)]
    fn to_bits(self, x: Self::F32) -> Self::U32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_castps_si256(x) }
    }
    #[inline(always)]
    fn from_bits(self, x: Self::U32) -> Self::F32 {
        // SAFETY: `self` proves the instruction set.
        unsafe { _mm256_castsi256_ps(x) }
    }
}
