//! From an order of samples to one step after the other.
//!
//! A batch of small pictures is copied together between two steps by the thread that trains: that
//! takes two microseconds, less than to be handed it by another thread. A large one is prepared by
//! a thread of its own, beside the step on the one before. The batches are the same.

use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use lenslet_data::{Batches, Dataset, Labels};

use crate::{Flow, TrainError};

/// The bytes of a batch from which on a thread of its own prepares it.
const LARGE: usize = 1 << 20;
/// Batches that wait for their step, or are in the making.
const AHEAD: usize = 2;

/// Samples that make one step.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// One sample after the other, a byte per number.
    pub(crate) pixels: Vec<u8>,
    /// What they show.
    pub(crate) labels: Labels,
}

/// Calls `step` with one batch of `data` after the other, in the order of `order`, until all were
/// there, one fails or one says stop. Allocates nothing from one step to the next.
///
/// # Panics
/// Where `step` does.
pub(crate) fn feed(
    data: &Dataset,
    order: &[u32],
    batch_size: usize,
    step: impl FnMut(&Batch) -> Result<Flow, TrainError>,
) -> Result<Flow, TrainError> {
    let batches = Batches::new(order, batch_size);
    let prepare = |indices: &[u32], batch: &mut Batch| {
        data.gather(indices, &mut batch.pixels, &mut batch.labels);
    };
    let bytes = data.pixels().len() / data.len().max(1) * batch_size.min(order.len());
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    if bytes >= LARGE && cores() > 1 {
        beside(batches, prepare, step)
    } else {
        between(batches, prepare, step)
    }
}

/// Prepares each batch when its step is to begin.
fn between<'a>(
    batches: impl Iterator<Item = &'a [u32]>,
    prepare: impl Fn(&[u32], &mut Batch),
    mut step: impl FnMut(&Batch) -> Result<Flow, TrainError>,
) -> Result<Flow, TrainError> {
    let mut batch = Batch::default();
    for indices in batches {
        prepare(indices, &mut batch);
        if step(&batch)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
    }
    Ok(Flow::Continue)
}

/// Prepares the next batches beside the step on the current one.
fn beside<'a>(
    batches: impl Iterator<Item = &'a [u32]> + Send,
    prepare: impl Fn(&[u32], &mut Batch) + Send,
    mut step: impl FnMut(&Batch) -> Result<Flow, TrainError>,
) -> Result<Flow, TrainError> {
    thread::scope(|scope| {
        let (ready, next) = sync_channel(AHEAD);
        let (give_back, used) = sync_channel(AHEAD + 1);
        for _ in 0..AHEAD + 1 {
            give_back.send(Batch::default()).expect("there is room, and a receiver");
        }
        let thread = scope.spawn(move || {
            for indices in batches {
                let Ok(mut batch) = used.recv() else { return };
                prepare(indices, &mut batch);
                if ready.send(batch).is_err() {
                    return;
                }
            }
        });
        // Leaving early closes the channels, and that ends the thread.
        while let Ok(batch) = next.recv() {
            if step(&batch)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            // Refused where no batch is to come any more.
            let _ = give_back.send(batch);
        }
        match thread.join() {
            Ok(()) => Ok(Flow::Continue),
            Err(panic) => resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    const ORDER: [u32; 7] = [3, 1, 6, 0, 2, 5, 4];

    /// Three batches: the samples' indices as labels.
    fn batches() -> Batches<'static> {
        Batches::new(&ORDER, 3)
    }

    fn prepare(indices: &[u32], batch: &mut Batch) {
        batch.labels = indices.to_vec().into();
    }

    #[test]
    fn both_ways_give_the_same_batches() {
        let expected = [&ORDER[..3], &ORDER[3..6], &ORDER[6..]];
        for other_thread in [false, true] {
            let mut seen = Vec::new();
            let step = |batch: &Batch| {
                seen.push(batch.labels.sparse().unwrap().to_vec());
                Ok(Flow::Continue)
            };
            let flow = match other_thread {
                false => between(batches(), prepare, step),
                true => beside(batches(), prepare, step),
            };
            assert_eq!((flow.unwrap(), &seen[..]), (Flow::Continue, &expected.map(Vec::from)[..]));
        }
    }

    #[test]
    fn the_next_batch_is_prepared_while_a_step_runs() {
        let (prepared, seen) = sync_channel(8);
        let prepare = move |_: &[u32], _: &mut Batch| prepared.send(()).unwrap();
        let mut first = true;
        let flow = beside(batches(), prepare, |_| {
            // Inside the first step: it would wait for ever if the second batch had to wait for it.
            if std::mem::take(&mut first) {
                (0..2).for_each(|_| seen.recv().unwrap());
            }
            Ok(Flow::Continue)
        });
        assert_eq!(flow.unwrap(), Flow::Continue);
    }

    #[test]
    fn a_step_that_ends_early_ends_the_preparation() {
        let endless = || std::iter::repeat(&ORDER[..]);
        let flow = beside(endless(), prepare, |_| Ok(Flow::Stop));
        assert_eq!(flow.unwrap(), Flow::Stop);
        let error = || TrainError::Setting { setting: "test", value: 0 };
        assert!(beside(endless(), prepare, |_| Err(error())).is_err());
        let panic = catch_unwind(|| beside(endless(), prepare, |_| panic!("in a step")));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"in a step"));
    }

    #[test]
    fn a_panic_in_the_preparation_reaches_the_caller() {
        let mut steps = 0;
        let result = catch_unwind(AssertUnwindSafe(|| {
            let broken = |indices: &[u32], _: &mut Batch| {
                assert!(indices[0] != ORDER[6], "in a batch");
            };
            beside(batches(), broken, |_| {
                steps += 1;
                Ok(Flow::Continue)
            })
        }));
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"in a batch"));
        assert_eq!(steps, 2);
    }
}
