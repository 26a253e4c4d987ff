//! The team under loom: every test is run in every order in which its threads can act, with every
//! value that the memory model lets them see, up to a number of preemptions.
//!
//! Loom finds a deadlock (a lost wake-up), a data race (two threads at one [`UnsafeCell`] without
//! an order between them) and a thread that never ends. The spinning before a sleep is a single
//! look here, so that both ways on are taken.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lenslet-kernels --lib interleavings`
//! (`LOOM_MAX_PREEMPTIONS` looks further, `LOOM_LOG=trace` shows the way to a failure).

use super::sync::{Arc, UnsafeCell};
use super::*;

/// Runs `test` in every order with at most so many preemptions: switches from a thread that could
/// go on. Most faults need one or two of them.
fn explore(preemptions: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(preemptions));
    model.check(test);
}

/// Numbers that one thread at a time may write, and loom sees whether it was one.
struct Slots(Vec<UnsafeCell<usize>>);

// SAFETY: loom reports every access that is not ordered with the others.
unsafe impl Sync for Slots {}
// SAFETY: as above.
unsafe impl Send for Slots {}

impl Slots {
    fn new(n: usize) -> Self {
        Self((0..n).map(|_| UnsafeCell::new(0)).collect())
    }

    fn add(&self, i: usize) {
        // SAFETY: see `Slots`.
        self.0[i].with_mut(|x| unsafe { *x += 1 });
    }

    fn all(&self, expected: usize) -> bool {
        // SAFETY: see `Slots`.
        self.0.iter().all(|x| x.with(|x| unsafe { *x }) == expected)
    }
}

/// Every task runs once, alone with its worker's local, and the caller sees what it wrote.
fn job(team: &Team, tasks: usize) {
    let (slots, locals) = (Slots::new(tasks), Slots::new(team.threads()));
    team.run(tasks, &|worker, task| {
        locals.add(worker);
        slots.add(task);
    });
    assert!(slots.all(1));
    // SAFETY: see `Slots`.
    let sum: usize = locals.0.iter().map(|x| x.with(|x| unsafe { *x })).sum();
    assert_eq!(sum, tasks);
}

#[test]
fn a_team_without_work_closes() {
    explore(5, || drop(Team::new(2)));
}

#[test]
fn tasks_run_once_each_and_the_caller_sees_what_they_wrote() {
    explore(4, || job(&Team::new(2), 3));
}

#[test]
fn the_next_job_runs_whether_the_worker_sleeps_or_not() {
    explore(3, || {
        let team = Team::new(2);
        job(&team, 2);
        job(&team, 2);
    });
}

/// The caller could do it alone; that it need not is what the wake-up is for.
#[test]
fn the_worker_wakes_up_for_a_task() {
    explore(3, || {
        let team = Team::new(2);
        let (begun, both) = (Mutex::new(0), Condvar::new());
        // Neither task ends before the other has begun.
        team.run(2, &|_, _| {
            let mut begun = lock(&begun);
            *begun += 1;
            both.notify_one();
            while *begun < 2 {
                begun = both.wait(begun).unwrap();
            }
        });
    });
}

#[test]
fn three_threads_share_two_tasks() {
    explore(1, || job(&Team::new(3), 2));
}

#[test]
fn three_threads_share_three_tasks() {
    explore(1, || job(&Team::new(3), 3));
}

#[test]
fn a_panic_waits_for_the_other_task() {
    explore(3, || {
        let team = Team::new(2);
        let slots = Slots::new(2);
        let result = catch_unwind(AssertUnwindSafe(|| {
            team.run(2, &|_, task| {
                slots.add(task);
                // Without the hook, which would print in every order.
                if task == 0 {
                    resume_unwind(Box::new("task zero"));
                }
            });
        }));
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"task zero"));
        assert!(slots.all(1));
        job(&team, 2);
    });
}

#[test]
fn a_job_inside_a_task_runs_on_that_thread() {
    explore(3, || {
        let team = Team::new(2);
        let slots = Slots::new(4);
        team.run(2, &|_, outer| {
            team.run(2, &|worker, inner| {
                assert_eq!(worker, 0);
                slots.add(2 * outer + inner);
            });
        });
        assert!(slots.all(1));
    });
}

#[test]
fn two_callers_do_not_meet() {
    explore(2, || {
        let team = Arc::new(Team::new(2));
        let other = Arc::clone(&team);
        let other = Builder::new().spawn(move || job(&other, 2)).unwrap();
        job(&team, 2);
        other.join().unwrap();
    });
}
