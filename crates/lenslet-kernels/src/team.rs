//! A small team of threads that run the tasks of one job together.
//!
//! Made for many short jobs in a row: starting one costs well under a microsecond while the
//! workers still spin, nothing is allocated, and the end of a job waits only for tasks that a
//! worker has begun, never for a worker that the system has put aside.
//!
//! `interleavings` proves it: loom runs small jobs in every order in which the threads can act.

#[cfg(all(loom, test))]
mod interleavings;
#[cfg_attr(all(loom, test), path = "team/loomed.rs")]
mod sync;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;

use crate::parts::Parts;
use sync::{
    Arc, AtomicBool, AtomicU64, AtomicUsize, Builder, Condvar, JoinHandle, Mutex, MutexGuard,
    Ordering, UnsafeCell, fence, spin_until,
};

type Task<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A team of threads, of which the caller of [`Team::run`] is one.
///
/// Jobs run one after the other. A job that is started while another one runs (from a second
/// thread, or from inside a task) runs on its caller's thread alone: that is never wrong, only
/// slower, because no kernel's result depends on the number of threads.
pub struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    watch: Option<std::sync::Arc<dyn Watch>>,
}

/// Sees every task of a team's jobs, on the thread that runs it: to tell when a thread was at work.
pub trait Watch: Send + Sync {
    /// Runs `task`, once, as `worker`.
    fn task(&self, worker: usize, task: &mut dyn FnMut());
}

impl Team {
    /// A team of `threads` threads with the caller; 0 is one for each CPU that this process may
    /// use. Where the system refuses a thread the team is smaller.
    pub fn new(threads: usize) -> Self {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { available() } else { threads };
        let shared = Arc::new(Shared::new(threads));
        let spawn = |worker: usize| {
            let shared = Arc::clone(&shared);
            let name = format!("lenslet-{worker}");
            Builder::new().name(name).spawn(move || shared.work(worker)).ok()
        };
        let workers = (1..threads).map_while(spawn).collect();
        Self { shared, workers, watch: None }
    }

    /// Threads of the team, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// From here on `watch` sees every task, or nobody does.
    pub fn watch(&mut self, watch: Option<std::sync::Arc<dyn Watch>>) {
        self.watch = watch;
    }

    /// Calls `job(worker, task)` once for every task in `0..tasks`, with `worker` in
    /// `0..self.threads()`: no two tasks run with the same `worker` at the same time. Each worker
    /// begins with a stretch of tasks of its own, the same in every job of as many tasks, so that
    /// what it has in its caches serves it again; who has done with his own helps the others, but
    /// leaves them the last of many tasks for as long as it would look for work anyway.
    ///
    /// # Panics
    /// Where a task does, with its message, after all others have finished.
    pub fn run(&self, tasks: usize, job: &(dyn Fn(usize, usize) + Sync)) {
        match &self.watch {
            None => self.run_all(tasks, job),
            Some(watch) => self.run_all(tasks, &|worker, task| {
                watch.task(worker, &mut || job(worker, task));
            }),
        }
    }

    fn run_all(&self, tasks: usize, job: &Task<'_>) {
        let alone = tasks <= 1 || self.workers.is_empty();
        if alone || self.shared.busy.swap(true, Ordering::Acquire) {
            (0..tasks).for_each(|task| job(0, task));
            return;
        }
        let panic = self.shared.run(tasks, job);
        self.shared.busy.store(false, Ordering::Release);
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }

    /// Calls `job(i, part i, local)` once for every part, with a `local` that nobody else uses
    /// meanwhile: `locals` holds one for each thread, working memory for instance.
    ///
    /// # Panics
    /// Where `locals` is shorter than [`Team::threads`], or a task panics.
    pub fn for_each<P: Parts, L: Send>(
        &self,
        parts: P,
        locals: &mut [L],
        job: impl Fn(usize, P::Part, &mut L) + Sync,
    ) {
        assert!(locals.len() >= self.threads(), "one local for each thread of the team");
        let locals = Shareable(locals.as_mut_ptr());
        self.run(parts.count(), &|worker, task| {
            // SAFETY: `worker` is below `threads()`, hence inside `locals`, which is borrowed for
            // this whole call; no two tasks run with the same `worker` at the same time.
            let local = unsafe { &mut *locals.get().add(worker) };
            // SAFETY: `run` hands out every task below `count()` once; `parts` is ours.
            let part = unsafe { parts.part(task) };
            job(task, part, local);
        });
    }

    /// Calls `job(i, part i)` once for every part.
    ///
    /// # Panics
    /// Where a task does.
    pub fn share<P: Parts>(&self, parts: P, job: impl Fn(usize, P::Part) + Sync) {
        self.run(parts.count(), &|_, task| {
            // SAFETY: `run` hands out every task below `count()` once; `parts` is ours.
            job(task, unsafe { parts.part(task) });
        });
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // A worker that has not seen it waits from here on, and is woken.
        drop(lock(&self.shared.sleep));
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches every panic of a task.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("threads", &self.threads()).finish()
    }
}

/// A pointer that may cross threads; whoever uses it says why.
pub(crate) struct Shareable<T>(pub(crate) *mut T);

// SAFETY: a pointer alone does nothing; every use has its own reason.
unsafe impl<T: Send> Send for Shareable<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shareable<T> {}

impl<T> Shareable<T> {
    /// The pointer. A method, so that closures capture the wrapper and not the field.
    #[inline]
    pub(crate) fn get(&self) -> *mut T {
        self.0
    }
}

/// The job at hand. Read only by threads that have claimed a task of it.
#[derive(Clone, Copy)]
struct Job(*const Task<'static>);

/// What the threads of a team share.
///
/// The stretches are the heart: a thread that shortens one by a task does that task. The job cannot
/// end before that thread has lowered `unfinished`, which it does when it finds no more tasks, so from
/// the one to the other `job` is set and stays. A thread that has claimed nothing touches nothing of
/// the job.
///
/// A line goes from core to core in 160 ns where they share no cache, so each stretch has a line of its
/// own, and what is finished is counted once by each thread.
///
/// Falling asleep is a handshake: one thread says that it sleeps and then looks for a reason not
/// to, the other makes the reason and then looks for sleepers. Each has a sequentially consistent
/// fence between its two steps, so at least one of them sees the other's.
struct Shared {
    /// Whether a job runs.
    busy: AtomicBool,
    /// Jobs that have begun.
    jobs: AtomicUsize,
    /// Tasks that have not finished.
    unfinished: AtomicUsize,
    job: UnsafeCell<Job>,
    /// For each thread the tasks that nobody has claimed, of those that it begins with.
    stretches: Vec<Line>,
    /// The first panic of this job.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// No more jobs will come.
    closed: AtomicBool,
    /// Guards falling asleep, for both conditions.
    sleep: Mutex<()>,
    /// Workers that sleep, or are about to.
    sleepers: AtomicUsize,
    wake: Condvar,
    /// The caller sleeps, or is about to.
    caller_sleeps: AtomicBool,
    finished: Condvar,
}

/// A stretch in a line of the cache of its own.
#[repr(align(64))]
struct Line(AtomicU64);

/// Who claims tasks of a stretch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claimant {
    /// Its own thread.
    Own,
    /// Another one, which spares the last of many tasks.
    Helper,
    /// Another one that has waited for long enough: that thread may have lost its core.
    Heir,
}

/// Tasks that nobody has claimed, packed into one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    next: u32,
    end: u32,
    /// Whether the last task is left to its own thread for a while: that has begun with many, which
    /// are short then, and has what this one needs in its caches.
    spared: bool,
}

impl Stretch {
    const SPARED: u64 = 1 << 63;
    /// Tasks of a stretch that count as many.
    const MANY: u32 = 8;
    /// Tasks of a job at most.
    const MOST: usize = (u32::MAX >> 1) as usize;

    /// That of a thread, of so many.
    fn of(worker: usize, threads: usize, tasks: usize) -> Self {
        let start = |worker: usize| (worker * tasks / threads) as u32;
        Self { next: start(worker), end: start(worker + 1), spared: false }
    }

    fn pack(self) -> u64 {
        let spared = if self.spared { Self::SPARED } else { 0 };
        spared | u64::from(self.end) << 32 | u64::from(self.next)
    }

    fn unpack(packed: u64) -> Self {
        let end = ((packed & !Self::SPARED) >> 32) as u32;
        Self { next: packed as u32, end, spared: packed & Self::SPARED != 0 }
    }

    /// A task for a claimant, and what is left: its own thread begins at the front, others at the
    /// back.
    fn cut(self, claimant: Claimant) -> Option<(usize, Self)> {
        let Self { next, end, spared } = self;
        if end - next <= u32::from(spared && claimant == Claimant::Helper) {
            return None;
        }
        Some(match claimant {
            Claimant::Own => {
                let spared = spared || end - next >= Self::MANY;
                (next as usize, Self { next: next + 1, end, spared })
            }
            Claimant::Helper | Claimant::Heir => (end as usize - 1, Self { end: end - 1, ..self }),
        })
    }
}

impl Shared {
    fn new(threads: usize) -> Self {
        let nothing: &Task<'static> = &|_, _| {};
        Self {
            busy: AtomicBool::new(false),
            jobs: AtomicUsize::new(0),
            unfinished: AtomicUsize::new(0),
            job: UnsafeCell::new(Job(nothing)),
            stretches: (0..threads).map(|_| Line(AtomicU64::new(0))).collect(),
            panic: Mutex::new(None),
            closed: AtomicBool::new(false),
            sleep: Mutex::new(()),
            sleepers: AtomicUsize::new(0),
            wake: Condvar::new(),
            caller_sleeps: AtomicBool::new(false),
            finished: Condvar::new(),
        }
    }
}

// SAFETY: `job` is written by the one caller that set `busy`, while no task is unclaimed or
// unfinished, and read by those who have claimed one. The task that it points to is `Sync`.
unsafe impl Send for Shared {}
// SAFETY: as above; all else is atomics and mutexes.
unsafe impl Sync for Shared {}

impl Shared {
    /// The caller's side of a job. Only for the thread that set `busy`.
    fn run(&self, tasks: usize, task: &Task<'_>) -> Option<Box<dyn Any + Send>> {
        assert!(tasks <= Stretch::MOST, "{tasks} tasks in one job");
        // SAFETY: only the lifetime changes; nobody calls the task after the last one has
        // finished, and this function waits for that.
        let task = unsafe { std::mem::transmute::<&Task<'_>, &Task<'static>>(task) };
        // SAFETY: no task is unclaimed or unfinished, so no other thread looks.
        self.job.with_mut(|job| unsafe { *job = Job(task) });
        self.unfinished.store(tasks, Ordering::Relaxed);
        self.begin(tasks);
        self.jobs.fetch_add(1, Ordering::Release);
        fence(Ordering::SeqCst);
        let sleepers = self.sleepers.load(Ordering::Relaxed);
        if sleepers > 0 {
            drop(lock(&self.sleep));
            (1..tasks.min(sleepers + 1)).for_each(|_| self.wake.notify_one());
        }
        self.work_on(0, Claimant::Helper);
        self.join();
        lock(&self.panic).take()
    }

    /// Nobody has claimed any of so many tasks.
    fn begin(&self, tasks: usize) {
        let threads = self.stretches.len();
        for (worker, line) in self.stretches.iter().enumerate() {
            // Release: publishes the job.
            line.0.store(Stretch::of(worker, threads, tasks).pack(), Ordering::Release);
        }
    }

    /// Waits for the tasks that other threads have begun, and does those that they do not begin.
    fn join(&self) {
        // Acquire: the sight of what the tasks wrote.
        let done = || self.unfinished.load(Ordering::Acquire) == 0;
        if spin_until(done) {
            return;
        }
        self.work_on(0, Claimant::Heir);
        if spin_until(done) {
            return;
        }
        self.caller_sleeps.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let mut guard = lock(&self.sleep);
        while !done() {
            guard = self.finished.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.caller_sleeps.store(false, Ordering::Relaxed);
    }

    /// Runs tasks of its own stretch and then, as that claimant, of the others', as long as there are
    /// any.
    fn work_on(&self, worker: usize, claimant: Claimant) {
        let mut done = 0;
        while let Some(index) = self.claim(worker, claimant) {
            // SAFETY: this thread has claimed a task and not counted it as finished (see `Shared`).
            let job = self.job.with(|job| unsafe { *job });
            // SAFETY: the caller waits for this task, so what the job borrows is alive.
            let task = unsafe { &*job.0 };
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| task(worker, index))) {
                lock(&self.panic).get_or_insert(payload);
            }
            done += 1;
        }
        // Release: what the tasks wrote. From here on the job is out of bounds.
        if done > 0 && self.unfinished.fetch_sub(done, Ordering::Release) == done {
            fence(Ordering::SeqCst);
            if self.caller_sleeps.load(Ordering::Relaxed) {
                drop(lock(&self.sleep));
                self.finished.notify_one();
            }
        }
    }

    /// A task of its own stretch or, where there is none, of another's.
    fn claim(&self, worker: usize, claimant: Claimant) -> Option<usize> {
        let threads = self.stretches.len();
        (0..threads).find_map(|i| {
            let claimant = if i == 0 { Claimant::Own } else { claimant };
            let line = &self.stretches[(worker + i) % threads].0;
            let rest = |packed| Some(Stretch::unpack(packed).cut(claimant)?.1.pack());
            // Acquire: with a task comes the sight of `job` (the other claims in between are part
            // of the caller's release sequence).
            let before = line.fetch_update(Ordering::Acquire, Ordering::Relaxed, rest).ok()?;
            Some(Stretch::unpack(before).cut(claimant)?.0)
        })
    }

    /// A worker's life.
    fn work(&self, worker: usize) {
        let closed = || self.closed.load(Ordering::Relaxed);
        let wanted = |seen: usize| self.jobs.load(Ordering::Acquire) != seen || closed();
        while !closed() {
            // Before it looks for tasks: those of a later job wait for the next look.
            let seen = self.jobs.load(Ordering::Acquire);
            self.work_on(worker, Claimant::Helper);
            if spin_until(|| wanted(seen)) {
                continue;
            }
            let mut guard = lock(&self.sleep);
            self.sleepers.fetch_add(1, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            while !wanted(seen) {
                guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            self.sleepers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Locks; no code panics while it holds one of these locks, so poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::sync::SPIN;
    use super::*;
    use crate::{Chunks, ChunksRef, Each};

    const SIZES: [usize; 4] = [1, 2, 3, 8];

    #[test]
    fn every_task_runs_once() {
        for threads in SIZES {
            let team = Team::new(threads);
            assert_eq!(team.threads(), threads);
            for tasks in (0..20).chain([1000]).cycle().take(400) {
                let counts: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                team.run(tasks, &|worker, task| {
                    assert!(worker < threads);
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn a_thread_begins_with_its_own_tasks_and_helps_with_the_rest() {
        let claims = |worker: usize, claimant: Claimant| {
            let shared = Shared::new(3);
            shared.begin(13);
            std::iter::from_fn(move || shared.claim(worker, claimant)).collect::<Vec<_>>()
        };
        // Nobody has begun with the other stretches: all of these are help.
        let all = [0, 1, 2, 3, 7, 6, 5, 4, 12, 11, 10, 9, 8];
        assert_eq!(claims(0, Claimant::Helper), all);
        assert_eq!(claims(0, Claimant::Heir), all);
        assert_eq!(claims(1, Claimant::Helper)[..4], [4, 5, 6, 7]);
        assert_eq!(claims(2, Claimant::Helper)[..7], [8, 9, 10, 11, 12, 3, 2]);
    }

    #[test]
    fn the_last_of_many_tasks_is_left_to_its_own_thread_for_a_while() {
        for (tasks, spared) in [(14, false), (16, true)] {
            let shared = Shared::new(2);
            shared.begin(tasks);
            assert_eq!(shared.claim(1, Claimant::Helper), Some(tasks / 2));
            let others = (0..tasks / 2).chain((tasks / 2 + 2..tasks).rev());
            others.for_each(|task| assert_eq!(shared.claim(0, Claimant::Helper), Some(task)));
            let last = tasks / 2 + 1;
            assert_eq!(shared.claim(0, Claimant::Helper), (!spared).then_some(last));
            assert_eq!(shared.claim(0, Claimant::Heir), spared.then_some(last));
            assert_eq!(shared.claim(1, Claimant::Helper), None);
        }
    }

    #[test]
    fn a_stretch_is_one_number() {
        for (next, end) in [(0, 0), (0, 1), (7, u32::MAX >> 1), (u32::MAX >> 1, u32::MAX >> 1)] {
            for spared in [false, true] {
                let stretch = Stretch { next, end, spared };
                assert_eq!(Stretch::unpack(stretch.pack()), stretch);
            }
        }
    }

    /// Counts the tasks of each worker.
    struct Counter([AtomicUsize; 3]);

    impl Watch for Counter {
        fn task(&self, worker: usize, task: &mut dyn FnMut()) {
            task();
            self.0[worker].fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_task_is_seen_while_somebody_watches() {
        for threads in [1, 3] {
            let mut team = Team::new(threads);
            let (counter, done) =
                (std::sync::Arc::new(Counter(<_>::default())), AtomicUsize::new(0));
            for (watched, tasks) in [(true, 10), (false, 4), (true, 1)] {
                team.watch(watched.then(|| counter.clone() as _));
                team.run(tasks, &|_, _| _ = done.fetch_add(1, Ordering::Relaxed));
            }
            let seen = counter.0.iter().map(|n| n.load(Ordering::Relaxed)).sum::<usize>();
            assert_eq!((seen, done.into_inner()), (11, 15));
        }
    }

    #[test]
    fn jobs_after_a_sleep_run_too() {
        let team = Team::new(3);
        for _ in 0..20 {
            thread::sleep(SPIN * 5);
            let sum = AtomicUsize::new(0);
            team.run(7, &|_, task| {
                thread::sleep(SPIN * (task as u32 % 3));
                sum.fetch_add(task, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 21);
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_when_all_else_is_done() {
        for threads in [2, 3, 8] {
            let team = Team::new(threads);
            let done = AtomicUsize::new(0);
            let result = catch_unwind(AssertUnwindSafe(|| {
                team.run(50, &|_, task| {
                    assert!(task != 17, "task seventeen");
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }));
            let message = result.unwrap_err();
            assert_eq!(message.downcast_ref::<&str>(), Some(&"task seventeen"));
            assert_eq!(done.load(Ordering::Relaxed), 49);
            team.run(5, &|_, _| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 54);
        }
    }

    #[test]
    fn a_job_inside_a_task_runs_on_that_thread() {
        let team = Team::new(3);
        let count = AtomicUsize::new(0);
        team.run(4, &|_, _| {
            let here = thread::current().id();
            team.run(5, &|worker, _| {
                assert_eq!((worker, thread::current().id()), (0, here));
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(count.into_inner(), 20);
    }

    #[test]
    fn jobs_from_several_threads_do_not_meet() {
        let team = Team::new(2);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let sum = AtomicUsize::new(0);
                        team.run(10, &|_, task| {
                            sum.fetch_add(task, Ordering::Relaxed);
                        });
                        assert_eq!(sum.into_inner(), 45);
                    }
                });
            }
        });
    }

    #[test]
    fn parts_are_handed_out_with_a_local() {
        for threads in SIZES {
            let team = Team::new(threads);
            let x: Vec<usize> = (0..103).collect();
            let (mut y, mut sums) = (vec![0; 103], vec![0; 11]);
            let mut locals = vec![0; threads];
            let parts = (Chunks::new(&mut y, 10), ChunksRef::new(&x, 10), Each::new(&mut sums));
            team.for_each(parts, &mut locals, |i, (y, x, sum), local| {
                assert_eq!(x[0], i * 10);
                y.copy_from_slice(x);
                *sum = x.iter().sum();
                *local += *sum;
            });
            assert_eq!(x, y);
            assert_eq!(sums.iter().sum::<usize>(), 103 * 51);
            assert_eq!(locals.iter().sum::<usize>(), 103 * 51);
        }
    }
}
