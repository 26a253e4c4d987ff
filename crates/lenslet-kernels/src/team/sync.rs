//! What the team is built of: the standard library's threads, locks and atomics.
//!
//! `loomed` has the same names for loom's.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::yield_now;
pub(super) use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long a thread looks for work before it goes to sleep: longer than the gaps between the
/// kernels of a training step, shorter than anything that a person or a battery would notice.
pub(super) const SPIN: Duration = Duration::from_micros(40);

/// Looks at `condition` for about [`SPIN`]; whether it came true.
///
/// Now and then it offers its core to whoever else wants it. Where other programs take cores, that
/// is often the very thread that it waits for: a worker that was woken on the caller's core would
/// spin in the caller's place.
pub(super) fn spin_until(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..64 {
            if condition() {
                return true;
            }
            std::hint::spin_loop();
        }
        yield_now();
        if start.elapsed() > SPIN {
            return false;
        }
    }
}

/// The standard library's, with loom's way in.
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer to read from.
    #[inline(always)]
    pub(super) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer to write to.
    #[inline(always)]
    pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
