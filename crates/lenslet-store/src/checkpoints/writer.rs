//! Checkpoints that are written beside the training.

use std::fmt;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lenslet_engine::State;
use lenslet_train::{Checkpoint, Keeper, Moment, TrainError};

use crate::{Checkpoints, StoreError, read_checkpoint};

/// Between two attempts to write what could not be written.
const PAUSE: Duration = Duration::from_secs(10);

/// Hands checkpoints to a thread of its own that writes them: after every epoch, where a training
/// is broken off, and in between whenever so much time has passed. The training waits for a copy of
/// its numbers alone. Where one comes before the last is written, the newer one takes its place.
///
/// What cannot be written is tried again, every ten seconds and with each new checkpoint, and once
/// more at the end.
pub struct CheckpointWriter {
    every: Duration,
    last: Instant,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
    epoch_start: Option<PathBuf>,
}

struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    waiting: Option<Checkpoint>,
    /// Of one that is written, or that a newer one has replaced.
    spare: Option<State>,
    closed: bool,
}

impl CheckpointWriter {
    /// Writes to these files at least so often, from the newest on where they were asked for it.
    /// `warn` is told each attempt that fails.
    pub fn new(
        checkpoints: Checkpoints,
        every: Duration,
        warn: impl FnMut(&StoreError) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared { desk: Mutex::default(), changed: Condvar::new() });
        let desk = Arc::clone(&shared);
        let epoch_start = checkpoints.epoch_start();
        let thread = thread::spawn(move || desk.write_all(checkpoints, warn));
        Self { every, last: Instant::now(), shared, thread: Some(thread), epoch_start }
    }

    /// Waits until the last checkpoint is written.
    ///
    /// # Errors
    /// Where it cannot be.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.close().unwrap_or(Ok(()))
    }

    fn close(&mut self) -> Option<Result<(), StoreError>> {
        let thread = self.thread.take()?;
        self.shared.desk().closed = true;
        self.shared.changed.notify_one();
        Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

impl Keeper for CheckpointWriter {
    fn due(&mut self, moment: Moment) -> bool {
        moment != Moment::Step || self.last.elapsed() >= self.every
    }

    fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        self.last = Instant::now();
        self.shared.exchange(|desk| desk.waiting.replace(checkpoint));
        self.shared.changed.notify_one();
        Ok(())
    }

    fn spare(&mut self) -> Option<State> {
        self.shared.desk().spare.take()
    }

    fn epoch_start(&mut self) -> Result<Option<Checkpoint>, TrainError> {
        let read = self.epoch_start.as_deref().map(read_checkpoint).transpose();
        Ok(read.map_err(|e| TrainError::Callback(e.into()))?.map(|(checkpoint, _)| checkpoint))
    }
}

/// A training that fails leaves its last checkpoint, too.
impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = self.close();
        }
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what `replace` takes off the desk the spare one.
    fn exchange(&self, replace: impl FnOnce(&mut Desk) -> Option<Checkpoint>) {
        let mut desk = self.desk();
        let replaced = replace(&mut desk);
        let last = replaced.and_then(|checkpoint| desk.spare.replace(checkpoint.state));
        // Freed when nobody waits for the desk.
        drop(desk);
        drop(last);
    }

    fn write_all(
        &self,
        mut checkpoints: Checkpoints,
        mut warn: impl FnMut(&StoreError),
    ) -> Result<(), StoreError> {
        let mut unwritten = None;
        loop {
            let (checkpoint, closed) = self.next(unwritten.take());
            let Some(checkpoint) = checkpoint else { return Ok(()) };
            match checkpoints.write(&checkpoint) {
                Ok(()) => self.exchange(|_| Some(checkpoint)),
                Err(error) if closed => return Err(error),
                Err(error) => {
                    warn(&error);
                    unwritten = Some(checkpoint);
                }
            }
        }
    }

    /// What to write now, and whether it is the last: what is new, else in a while what could not
    /// be written.
    fn next(&self, unwritten: Option<Checkpoint>) -> (Option<Checkpoint>, bool) {
        let idle = |desk: &mut Desk| desk.waiting.is_none() && !desk.closed;
        let desk = self.desk();
        let mut desk = if unwritten.is_some() {
            let waited = self.changed.wait_timeout_while(desk, PAUSE, idle);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            self.changed.wait_while(desk, idle).unwrap_or_else(PoisonError::into_inner)
        };
        (desk.waiting.take().or(unwritten), desk.closed)
    }
}

impl fmt::Debug for CheckpointWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointWriter(every {:?})", self.every)
    }
}
