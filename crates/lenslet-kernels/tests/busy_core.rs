//! A team on a machine whose other core is taken: its worker gets little time and is put aside in
//! the middle of a task, which the caller then has to wait for.
//!
//! What is asserted is that nothing collapses (waiting by spinning, or one lost slice of time for
//! each job, would cost tenfold), not a speed: a median of ratios, both sides of each taken in turns.

#![cfg(target_os = "linux")]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lenslet_kernels::Team;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Two of the cores that this process may use; `None` where there is but one.
fn two_cores() -> Option<[usize; 2]> {
    let allowed = sched_getaffinity(None).unwrap();
    let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
    Some([cores.next()?, cores.next()?])
}

/// Keeps the calling thread, and those that it starts, on these cores.
fn stay_on(cores: &[usize]) {
    let mut set = CpuSet::new();
    cores.iter().for_each(|&core| set.set(core));
    sched_setaffinity(None, &set).unwrap();
}

/// Some `micros` microseconds of work.
fn task(micros: u32) {
    let mut x = 1.0f32;
    for _ in 0..micros * 500 {
        x = black_box(x * 1.000_001);
    }
}

/// Seconds of a number of jobs, each of some tasks.
fn time(team: &Team, jobs: usize, (tasks, micros): (usize, u32)) -> f64 {
    let start = Instant::now();
    for _ in 0..jobs {
        team.run(tasks, &|_, _| task(micros));
    }
    start.elapsed().as_secs_f64()
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

/// How fast two threads are, as a multiple of one, while somebody else spins on one of two cores;
/// `None` where there is but one core.
fn two_threads_by_one(rounds: usize, job: (usize, u32)) -> Option<f64> {
    let cores = two_cores()?;
    stay_on(&cores);
    let (one, two) = (Team::new(1), Team::new(2));
    let done = AtomicBool::new(false);
    // Some 10 ms: more than a slice of time, so that each round sees the worker put aside.
    let once = time(&one, 20, job) / 20.0;
    let jobs = (Duration::from_millis(10).as_secs_f64() / once).ceil() as usize;
    let ratios = std::thread::scope(|scope| {
        scope.spawn(|| {
            stay_on(&cores[1..]);
            while !done.load(Ordering::Relaxed) {
                task(10);
            }
        });
        let rounds = 0..rounds;
        let ratios = rounds.map(|_| time(&one, jobs, job) / time(&two, jobs, job)).collect();
        done.store(true, Ordering::Relaxed);
        ratios
    });
    Some(median(ratios))
}

/// Tasks of a job, and microseconds of a task: a layer on a small batch, a step on large images.
const JOBS: [(usize, u32); 3] = [(4, 5), (10, 20), (64, 100)];

fn check(rounds: usize, least: f64) {
    for job @ (tasks, micros) in JOBS {
        // A collapse is there every time; that the rest of the machine takes more than one core is
        // not.
        let mut ratios = (0..3).map_while(|_| two_threads_by_one(rounds, job)).inspect(|ratio| {
            println!("{tasks} tasks of {micros} us: two threads are {ratio:.2} times as fast");
        });
        let enough = ratios.any(|ratio| ratio >= least);
        assert!(enough || two_cores().is_none(), "{tasks} tasks of {micros} us");
    }
}

#[test]
fn busy_core_does_not_make_the_team_collapse() {
    check(30, 0.5);
}

/// On a machine that does nothing else:
/// `cargo test --release -p lenslet-kernels --test busy_core -- --ignored --nocapture`
#[test]
#[ignore = "a figure, for a machine that does nothing else"]
fn busy_core_leaves_two_threads_nine_tenths_of_one() {
    check(200, 0.9);
}
