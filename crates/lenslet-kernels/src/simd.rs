//! Vectors of `f32`: the one trait that every fast kernel is written against.
//!
//! A kernel is one generic function over `S: Simd`, marked `#[inline(always)]`, as are all the
//! functions that it calls in a loop. [`dispatch!`] inlines it into one function for each
//! instruction set, with the instructions enabled. The idea, and that of the token which proves
//! the CPU's features, is from the `memchr` crate.

use std::fmt::Debug;

/// Numbers of a line of the cache.
pub(crate) const LINE: usize = 16;

/// Vectors of [`LANES`](Self::LANES) numbers. A value is the proof that the CPU has them.
///
/// All memory accesses are unaligned. Masks come from comparisons.
#[allow(dead_code, reason = "a complete set, of which the kernels use what they need")]
pub(crate) trait Simd: Copy + Debug + Send + Sync + 'static {
    /// Numbers in a vector.
    const LANES: usize;
    /// Vector registers of the instruction set: the tiles of the kernels fill them.
    const REGISTERS: usize;
    /// A vector of `f32`.
    type F32: Copy + Debug;
    /// A vector of `u32`.
    type U32: Copy + Debug;
    /// One truth value for each lane.
    type Mask: Copy + Debug;

    /// Calls `f` as a function of its own, which has all registers to itself: for a phase of a kernel
    /// whose other phases the compiler would mix with it. `f` is to be inlined, as a kernel is.
    fn apart<T>(self, f: impl FnOnce() -> T) -> T;

    /// Every lane is `x`.
    fn splat(self, x: f32) -> Self::F32;

    /// `LANES` numbers from `p`.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn load_ptr(self, p: *const f32) -> Self::F32;

    /// `LANES` numbers to `p`.
    ///
    /// # Safety
    /// They can be written.
    unsafe fn store_ptr(self, p: *mut f32, x: Self::F32);

    /// `min(n, LANES)` numbers from `p`, then zeros.
    ///
    /// # Safety
    /// That many can be read.
    unsafe fn load_tail_ptr(self, p: *const f32, n: usize) -> Self::F32;

    /// The first `min(n, LANES)` numbers to `p`.
    ///
    /// # Safety
    /// That many can be written.
    unsafe fn store_tail_ptr(self, p: *mut f32, n: usize, x: Self::F32);

    /// Asks for the line of the cache that holds `p`, which need not be readable. Does nothing
    /// where the instruction set has no such request.
    #[inline(always)]
    fn prefetch(self, _p: *const f32) {}
    /// The same, into the second cache: for what is wanted so much later that the first has no room
    /// for it.
    #[inline(always)]
    fn prefetch_early(self, _p: *const f32) {}
    /// The same for a line that is to be written: no other core keeps a copy.
    #[inline(always)]
    fn prefetch_to_write(self, _p: *const f32) {}

    /// The first `LANES` numbers of `from`.
    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F32 {
        assert!(from.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.load_ptr(from.as_ptr()) }
    }

    /// Writes the first `LANES` numbers of `to`.
    #[inline(always)]
    fn store(self, to: &mut [f32], x: Self::F32) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.store_ptr(to.as_mut_ptr(), x) }
    }

    /// The numbers of `from`, which may be fewer than `LANES`, then zeros.
    #[inline(always)]
    fn load_tail(self, from: &[f32]) -> Self::F32 {
        // SAFETY: no more than `from.len()` are read.
        unsafe { self.load_tail_ptr(from.as_ptr(), from.len()) }
    }

    /// Fills `to`, which may be shorter than `LANES`.
    #[inline(always)]
    fn store_tail(self, to: &mut [f32], x: Self::F32) {
        // SAFETY: no more than `to.len()` are written.
        unsafe { self.store_tail_ptr(to.as_mut_ptr(), to.len(), x) }
    }

    /// Adds the lanes of `x` to the numbers of `to`, of which there may be fewer.
    #[inline(always)]
    fn add_to_tail(self, to: &mut [f32], x: Self::F32) {
        self.store_tail(to, self.add(self.load_tail(to), x));
    }

    /// `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once where the instruction set can, else twice.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `a * b - c`, likewise.
    #[inline(always)]
    fn mul_sub(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        self.mul_add(a, b, self.sub(self.splat(0.0), c))
    }
    /// `a > b ? a : b`: `b` where either is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a < b ? a : b`: `b` where either is NaN.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The square root, correctly rounded.
    fn sqrt(self, x: Self::F32) -> Self::F32;

    /// Zero, of any sign, where `x` is a denormal number: arithmetic on these is slow. And of any sign
    /// where it is zero.
    #[inline(always)]
    fn flush(self, x: Self::F32) -> Self::F32 {
        let size = self.from_bits(self.and(self.to_bits(x), self.splat_u32(0x7FFF_FFFF)));
        self.select(self.lt(size, self.splat(f32::MIN_POSITIVE)), self.splat(0.0), x)
    }

    /// `a < b`; false for NaN.
    fn lt(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `a <= b`; false for NaN.
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `a == b`; false for NaN.
    fn eq(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `mask ? a : b`.
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `mask ? a : b`.
    fn select_u32(self, mask: Self::Mask, a: Self::U32, b: Self::U32) -> Self::U32;
    /// Bit `l` is lane `l`; the bits behind the last lane are 0.
    fn bits(self, mask: Self::Mask) -> u32;

    /// Every lane is `x`.
    fn splat_u32(self, x: u32) -> Self::U32;
    /// Lane `l` is `l`.
    #[inline(always)]
    fn lane_numbers(self) -> Self::U32 {
        self.load_u32(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    }
    /// `LANES` numbers from `p`.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn load_u32_ptr(self, p: *const u32) -> Self::U32;
    /// `LANES` numbers to `p`.
    ///
    /// # Safety
    /// They can be written.
    unsafe fn store_u32_ptr(self, p: *mut u32, x: Self::U32);

    /// The first `LANES` numbers of `from`.
    #[inline(always)]
    fn load_u32(self, from: &[u32]) -> Self::U32 {
        assert!(from.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.load_u32_ptr(from.as_ptr()) }
    }

    /// Writes the first `LANES` numbers of `to`.
    #[inline(always)]
    fn store_u32(self, to: &mut [u32], x: Self::U32) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.store_u32_ptr(to.as_mut_ptr(), x) }
    }

    /// `a + b`, modulo 2^32.
    fn add_u32(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// `a - b`, modulo 2^32.
    fn sub_u32(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// The lower and the upper half of `a * b`.
    fn mul_wide(self, a: Self::U32, b: Self::U32) -> (Self::U32, Self::U32);
    /// Bitwise exclusive or.
    fn xor(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// Bitwise and.
    fn and(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// Bitwise or.
    fn or(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// `x << BITS`; `BITS` is below 32. `i32` because the instructions want that.
    fn shl<const BITS: i32>(self, x: Self::U32) -> Self::U32;
    /// `x >> BITS`, filled with zeros; `BITS` is below 32.
    fn shr<const BITS: i32>(self, x: Self::U32) -> Self::U32;
    /// Lane by lane: the first lanes of all four, then the second ones, and so on.
    fn interleave(self, x: [Self::U32; 4]) -> [Self::U32; 4];
    /// `a < b`, unsigned.
    fn lt_u32(self, a: Self::U32, b: Self::U32) -> Self::Mask;

    /// The bits of a float.
    fn to_bits(self, x: Self::F32) -> Self::U32;
    /// The float of these bits.
    #[allow(clippy::wrong_self_convention, reason = "`self` is the instruction set")]
    fn from_bits(self, x: Self::U32) -> Self::F32;
    /// The nearest integer (ties to even) in two's complement. Only for `|x| < 2^22`.
    #[inline(always)]
    fn round_to_int(self, x: Self::F32) -> Self::U32 {
        // Adding 1.5 * 2^23 leaves no room for a fraction: the integer stands in the low bits.
        let magic = self.splat(12_582_912.0);
        self.sub_u32(self.to_bits(self.add(x, magic)), self.to_bits(magic))
    }
    /// The same numbers as floats, read as two's complement. Only for `|x| < 2^22`.
    #[inline(always)]
    fn int_to_float(self, x: Self::U32) -> Self::F32 {
        let magic = self.splat(12_582_912.0);
        self.sub(self.from_bits(self.add_u32(x, self.to_bits(magic))), magic)
    }

    /// Whether [`permute`](Self::permute) is an instruction, and not one number after the other.
    const PERMUTES: bool;
    /// Lane `l` is lane `numbers[l]` of `x`; the numbers are below [`LANES`](Self::LANES).
    fn permute(self, x: Self::F32, numbers: Self::U32) -> Self::F32;

    /// Rows become columns: lane `l` of vector `i` is lane `i` of vector `l`, of the first
    /// [`LANES`](Self::LANES) vectors; the others are zero.
    #[inline(always)]
    fn transpose(self, x: [Self::F32; 16]) -> [Self::F32; 16] {
        let mut rows = [[0.0; 16]; 16];
        for (row, x) in rows.iter_mut().zip(&x[..Self::LANES]) {
            self.store(row, *x);
        }
        let mut columns = [self.splat(0.0); 16];
        for (l, column) in columns[..Self::LANES].iter_mut().enumerate() {
            let mut lanes = [0.0; 16];
            lanes.iter_mut().zip(&rows[..Self::LANES]).for_each(|(lane, row)| *lane = row[l]);
            *column = self.load(&lanes);
        }
        columns
    }

    /// Lane `l` is the sum of vector `l`, of the first [`LANES`](Self::LANES) vectors.
    #[inline(always)]
    fn sums(self, x: [Self::F32; 16]) -> Self::F32 {
        let mut lanes = [0.0; 16];
        for (lane, x) in lanes.iter_mut().zip(&x[..Self::LANES]) {
            *lane = self.sum(*x);
        }
        self.load(&lanes)
    }

    /// Writes the lanes of `x` that are set in `mask` to `to`, one behind the other, as the bits of floats,
    /// and returns how many these are. There has to be room for all lanes: those behind may hold anything.
    #[inline(always)]
    fn compress(self, mask: Self::Mask, x: Self::U32, to: &mut [f32]) -> usize {
        let mut lanes = [0; 16];
        self.store_u32(&mut lanes, x);
        let (bits, to, mut len) = (self.bits(mask), &mut to[..Self::LANES], 0);
        for (l, &lane) in lanes[..Self::LANES].iter().enumerate() {
            // Without a branch: what is written for nothing the next lane overwrites.
            to[len] = f32::from_bits(lane);
            len += (bits >> l & 1) as usize;
        }
        len
    }

    /// Whether no lane is infinite or NaN.
    #[inline(always)]
    fn all_finite(self, x: Self::F32) -> bool {
        // What is not finite is no longer itself without itself.
        let zero = self.sub(x, x);
        self.bits(self.eq(zero, zero)) == u32::MAX >> (32 - Self::LANES)
    }

    /// The sum of all lanes: halves are added until one number is left.
    #[inline(always)]
    fn sum(self, x: Self::F32) -> f32 {
        self.halve(x, |a, b| a + b)
    }

    /// The largest lane, by `a > b ? a : b`.
    #[inline(always)]
    fn largest(self, x: Self::F32) -> f32 {
        self.halve(x, |a, b| if a > b { a } else { b })
    }

    /// Combines the upper half of the lanes with the lower, and so on until one is left.
    #[inline(always)]
    fn halve(self, x: Self::F32, combine: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = [0.0; 16];
        self.store(&mut lanes, x);
        let mut half = Self::LANES / 2;
        while half > 0 {
            for i in 0..half {
                lanes[i] = combine(lanes[i], lanes[i + half]);
            }
            half /= 2;
        }
        lanes[0]
    }
}

/// Runs `body` with `s` bound to the [`Simd`] of an [`Isa`](crate::Isa), in a function in which
/// its instructions are enabled: `dispatch!(isa, |s| kernel(s, x, y))`.
///
/// What `body` calls must be `#[inline(always)]` to be compiled with them. `body` moves what it
/// mentions.
macro_rules! dispatch {
    ($isa:expr, |$s:ident| $body:expr) => {
        match $isa {
            $crate::Isa::Portable($s) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::Isa::Avx2($s) => $s.enable(
                #[inline(always)]
                move || $body,
            ),
            #[cfg(target_arch = "x86_64")]
            $crate::Isa::Avx512($s) => $s.enable(
                #[inline(always)]
                move || $body,
            ),
        }
    };
}

pub(crate) use dispatch;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    const A: [f32; 16] =
        [1.0, -2.5, 0.0, 3.75, -0.5, 9.0, 2.5, -7.0, 8.5, 1.5, -1.5, 100.0, 0.25, 6.0, -64.0, 5.0];
    const B: [f32; 16] =
        [2.0, -2.5, -1.0, 4.0, 0.5, 3.0, f32::NAN, 7.0, 8.0, 3.0, 1.5, 50.0, 4.0, 6.0, 64.0, -5.0];

    fn lanes<S: Simd>(s: S, x: S::F32) -> Vec<f32> {
        let mut to = vec![0.0; S::LANES];
        s.store(&mut to, x);
        to
    }

    fn lanes_u32<S: Simd>(s: S, x: S::U32) -> Vec<u32> {
        let mut to = vec![0; S::LANES];
        s.store_u32(&mut to, x);
        to
    }

    /// `same` for NaN too.
    fn check(got: &[f32], expected: impl Fn(usize) -> f32) {
        for (i, got) in got.iter().enumerate() {
            let expected = expected(i);
            assert!(*got == expected || got.is_nan() && expected.is_nan(), "{i}: {got} {expected}");
        }
    }

    #[inline(always)]
    fn arithmetic<S: Simd>(s: S) {
        let (a, b) = (s.load(&A), s.load(&B));
        check(&lanes(s, s.add(a, b)), |i| A[i] + B[i]);
        check(&lanes(s, s.sub(a, b)), |i| A[i] - B[i]);
        check(&lanes(s, s.mul(a, b)), |i| A[i] * B[i]);
        check(&lanes(s, s.div(a, b)), |i| A[i] / B[i]);
        check(&lanes(s, s.mul_add(a, b, a)), |i| A[i] * B[i] + A[i]);
        check(&lanes(s, s.max(a, b)), |i| if A[i] > B[i] { A[i] } else { B[i] });
        check(&lanes(s, s.min(a, b)), |i| if A[i] < B[i] { A[i] } else { B[i] });
        check(&lanes(s, s.sqrt(a)), |i| A[i].sqrt());
        let (one, two) = (s.splat(1.0), s.splat(2.0));
        let pick = |c: bool| if c { 1.0 } else { 2.0 };
        check(&lanes(s, s.select(s.lt(a, b), one, two)), |i| pick(A[i] < B[i]));
        check(&lanes(s, s.select(s.le(a, b), one, two)), |i| pick(A[i] <= B[i]));
        check(&lanes(s, s.select(s.eq(a, b), one, two)), |i| pick(A[i] == B[i]));
        let less = (0..S::LANES).filter(|&i| A[i] < B[i]).map(|i| 1 << i).sum::<u32>();
        assert_eq!((s.bits(s.lt(a, b)), s.bits(s.lt(a, a))), (less, 0));
        let with = |odd: f32| std::array::from_fn::<_, 16, _>(|i| if i == 2 { odd } else { A[i] });
        let all_finite = |odd: f32| s.all_finite(s.load(&with(odd)));
        assert!(all_finite(f32::MIN) && all_finite(1e-45));
        assert!(![f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().any(all_finite));
        assert_eq!(s.sum(a), A[..S::LANES].iter().sum::<f32>());
        assert_eq!(s.largest(a), A[..S::LANES].iter().copied().fold(f32::MIN, f32::max));
    }

    #[inline(always)]
    fn flushing<S: Simd>(s: S) {
        let least = f32::MIN_POSITIVE;
        for x in [least.next_down(), 1e-45, 0.0, least, 1.0, f32::MAX, f32::INFINITY, f32::NAN] {
            let expected = if x.is_subnormal() { 0.0 } else { x };
            check(&lanes(s, s.flush(s.splat(x))), |_| expected);
            check(&lanes(s, s.flush(s.splat(-x))), |_| -expected);
        }
    }

    #[inline(always)]
    fn tails<S: Simd>(s: S) {
        for n in 0..=S::LANES {
            let x = s.load_tail(&A[..n]);
            check(&lanes(s, x), |i| if i < n { A[i] } else { 0.0 });
            let mut to = [7.0; 17];
            s.store_tail(&mut to[..n], s.load(&A));
            check(&to, |i| if i < n { A[i] } else { 7.0 });
        }
        let longer = s.load_tail(&A);
        check(&lanes(s, longer), |i| A[i]);
    }

    #[inline(always)]
    fn integers<S: Simd>(s: S) {
        let x: [u32; 16] = std::array::from_fn(|i| 0x9E37_79B9u32.wrapping_mul(i as u32 + 1));
        let y: [u32; 16] = std::array::from_fn(|i| 0xCD9E_8D57u32.wrapping_mul(i as u32 + 3));
        let (a, b) = (s.load_u32(&x), s.load_u32(&y));
        let check = |got: S::U32, expected: fn(u32, u32) -> u32| {
            let got = lanes_u32(s, got);
            (0..S::LANES).for_each(|i| assert_eq!(got[i], expected(x[i], y[i]), "lane {i}"));
        };
        check(s.add_u32(a, b), u32::wrapping_add);
        check(s.sub_u32(a, b), u32::wrapping_sub);
        check(s.mul_wide(a, b).0, u32::wrapping_mul);
        check(s.mul_wide(a, b).1, |x, y| ((u64::from(x) * u64::from(y)) >> 32) as u32);
        check(s.xor(a, b), |x, y| x ^ y);
        check(s.and(a, b), |x, y| x & y);
        check(s.or(a, b), |x, y| x | y);
        check(s.shl::<23>(a), |x, _| x << 23);
        check(s.shr::<9>(a), |x, _| x >> 9);
        check(s.select_u32(s.lt_u32(a, b), a, b), u32::min);
        check(s.splat_u32(5), |_, _| 5);
        let c = [0, 100, 200, 300]
            .map(|from| s.load_u32(&std::array::from_fn::<u32, 16, _>(|i| from + i as u32)));
        let lanes = s.interleave(c).into_iter().flat_map(|x| lanes_u32(s, x));
        for (i, got) in (0..).zip(lanes) {
            assert_eq!(got, i % 4 * 100 + i / 4, "lane {i} of four vectors");
        }
        check(s.to_bits(s.from_bits(a)), |x, _| x);
    }

    #[inline(always)]
    fn matrices<S: Simd>(s: S) {
        let number = |row: usize, column: usize| (row * row) as f32 - 3.0 * column as f32;
        let mut rows = [s.splat(7.0); 16];
        for (r, row) in rows[..S::LANES].iter_mut().enumerate() {
            *row = s.load(&std::array::from_fn::<f32, 16, _>(|c| number(r, c)));
        }
        let transposed = s.transpose(rows);
        for (c, column) in transposed[..S::LANES].iter().enumerate() {
            check(&lanes(s, *column), |r| number(r, c));
        }
        check(&lanes(s, s.sums(rows)), |r| (0..S::LANES).map(|c| number(r, c)).sum());
    }

    #[inline(always)]
    fn permutation<S: Simd>(s: S) {
        for step in 0..S::LANES {
            let numbers: [u32; 16] = std::array::from_fn(|i| ((i * step + 3) % S::LANES) as u32);
            let permuted = s.permute(s.load(&A), s.load_u32(&numbers));
            check(&lanes(s, permuted), |i| A[numbers[i] as usize]);
        }
    }

    #[inline(always)]
    fn compression<S: Simd>(s: S) {
        let x: [u32; 16] = std::array::from_fn(|i| i as u32 + 100);
        for bits in 0..1u32 << S::LANES {
            let flags: [f32; 16] = std::array::from_fn(|i| (bits >> i & 1) as f32);
            let mask = s.lt(s.splat(0.0), s.load(&flags));
            let mut to = [7.0; 17];
            let len = s.compress(mask, s.load_u32(&x), &mut to);
            let expected = (0..S::LANES).filter(|i| bits >> i & 1 == 1).map(|i| x[i]);
            assert_eq!(len, bits.count_ones() as usize);
            assert!(to[..len].iter().map(|to| to.to_bits()).eq(expected), "{bits:b}");
            assert_eq!(to[16], 7.0);
        }
    }

    #[inline(always)]
    fn rounding<S: Simd>(s: S) {
        let rounded = s.round_to_int(s.load(&A));
        for (i, got) in lanes_u32(s, rounded).into_iter().enumerate() {
            assert_eq!(got as i32, A[i].round_ties_even() as i32);
        }
        check(&lanes(s, s.int_to_float(rounded)), |i| A[i].round_ties_even());
    }

    #[test]
    fn every_instruction_set_computes_what_scalars_do() {
        for isa in Isa::available() {
            dispatch!(isa, |s| {
                arithmetic(s);
                flushing(s);
                tails(s);
                integers(s);
                matrices(s);
                permutation(s);
                compression(s);
                rounding(s);
            });
        }
    }
}
