//! Memory for what kernels work on.
//!
//! Parameters and their moments are gone through from end to end once a step, far more of them than
//! a core's table of pages has places for (4096 of 4 KiB): with each page comes a walk through
//! the operating system's tables, and the prefetcher begins anew. So large buffers lie in pages of
//! 2 MiB, where the system has them.

use aligned_vec::{AVec, RuntimeAlign};

/// Numbers whose first starts a line of the cache and, in a large buffer, a huge page.
pub type Buffer<T> = AVec<T, RuntimeAlign>;

const CACHE_LINE: usize = 64;
/// Bytes of a huge page, on all systems that have them here.
const HUGE_PAGE: usize = 2 << 20;

/// A buffer of `len` default elements.
pub fn buffer<T: Copy + Default>(len: usize) -> Buffer<T> {
    let whole = len * size_of::<T>() / HUGE_PAGE * HUGE_PAGE;
    let mut buffer = Buffer::with_capacity(if whole > 0 { HUGE_PAGE } else { CACHE_LINE }, len);
    if whole > 0 {
        // Before a page is touched: from then on it is what it is.
        prefer_huge_pages(&mut buffer, whole);
    }
    buffer.resize(len, T::default());
    buffer
}

/// Asks for huge pages for the first bytes. What is behind them stays in small ones, lest a page be
/// taken for its beginning. Where they are refused the memory is as good, and slower.
#[cfg(target_os = "linux")]
fn prefer_huge_pages<T>(buffer: &mut Buffer<T>, bytes: usize) {
    use rustix::mm::{Advice, madvise};
    assert!(bytes <= buffer.capacity() * size_of::<T>());
    // SAFETY: the bytes are the buffer's; the advice changes none of them.
    let _ = unsafe { madvise(buffer.as_mut_ptr().cast(), bytes, Advice::LinuxHugepage) };
}

#[cfg(not(target_os = "linux"))]
fn prefer_huge_pages<T>(_: &mut Buffer<T>, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_full_of_zeros_and_starts_a_line_or_a_page() {
        for (len, align) in [(0, 64), (1, 64), (1000, 64), (1 << 19, 2 << 20), (1_100_003, 2 << 20)]
        {
            let buffer = buffer::<f32>(len);
            assert!(buffer.len() == len && buffer.iter().all(|&x| x == 0.0), "{len} zeros");
            assert!(buffer.as_ptr().addr().is_multiple_of(align), "{len} elements");
        }
    }
}
