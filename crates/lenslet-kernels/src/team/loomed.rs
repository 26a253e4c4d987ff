//! What the team is built of under loom: threads, locks and atomics that act in every order in
//! which real ones could. The same names as in `sync`.

pub(super) use loom::cell::UnsafeCell;
pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub(super) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
pub(super) use loom::thread::{Builder, JoinHandle};

/// One look: a thread that looks longer does what it would do had it looked later.
pub(super) fn spin_until(condition: impl Fn() -> bool) -> bool {
    condition()
}
