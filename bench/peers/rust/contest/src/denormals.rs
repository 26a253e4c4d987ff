//! Numbers too small for full precision, which Adam's moments become, cost a CPU dearly.

/// Makes this thread and Rayon's take such numbers for 0. To be called first.
///
/// A rival's advantage only: Lenslet sees to it by itself.
pub fn flush_denormals() {
    flush();
    let pool = rayon::ThreadPoolBuilder::new().start_handler(|_| flush());
    pool.build_global().expect("nothing started Rayon before");
}

#[cfg(target_arch = "x86_64")]
#[allow(deprecated, reason = "the replacement is inline assembly")]
fn flush() {
    use std::arch::x86_64::{_mm_getcsr, _mm_setcsr};
    const FLUSH_TO_ZERO: u32 = 1 << 15;
    const DENORMALS_ARE_ZERO: u32 = 1 << 6;
    // SAFETY: every x86-64 CPU has SSE; the two bits change how denormals round, nothing else.
    unsafe { _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO) }
}

#[cfg(not(target_arch = "x86_64"))]
fn flush() {}
