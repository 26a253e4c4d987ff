//! Independent jobs on all cores.

use std::sync::Mutex;
use std::thread;

/// Runs `work` on every job, on as many threads as the machine has cores. Jobs are handed out one
/// by one in order, so a slow one holds nobody up; a job must depend on no other.
pub(crate) fn for_each<Job: Send>(jobs: Vec<Job>, work: impl Fn(Job) + Sync) {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    if threads <= 1 {
        return jobs.into_iter().for_each(work);
    }
    let queue = Mutex::new(jobs.into_iter());
    // The guard is gone at the end of this expression: work never runs under the lock.
    let next = || queue.lock().map_or(None, |mut jobs| jobs.next());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = next() {
                    work(job);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once() {
        let mut done = vec![0; 1000];
        for_each(done.iter_mut().collect(), |job: &mut i32| *job += 1);
        assert!(done.iter().all(|&times| times == 1));
    }

    #[test]
    fn no_job_is_fine() {
        for_each(Vec::<()>::new(), |()| unreachable!());
    }
}
