//! From one step to the next a training allocates nothing, however its batches are prepared.
//!
//! The counter sees the whole process, so this file is one test.

use std::alloc::System;

use lenslet_data::Dataset;
use lenslet_model::layers::{AveragePool2D, Dense, Flatten};
use lenslet_model::{Activation, Adam, Sequential, SparseCategoricalCrossentropy};
use lenslet_train::{Compile, Fit, Flow, Observer, Progress};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Counts calls to the allocator, of any thread, from one step to another.
struct Counter<'a> {
    from: usize,
    to: usize,
    region: Option<Region<'a, System>>,
    calls: usize,
}

impl Observer for Counter<'_> {
    fn step(&mut self, progress: &Progress) -> Flow {
        if progress.step == self.to {
            let change = self.region.as_ref().expect("it began").change();
            self.calls = change.allocations + change.reallocations + change.deallocations;
        }
        if progress.step == self.from {
            self.region = Some(Region::new(ALLOCATOR));
        }
        Flow::Continue
    }
}

#[test]
fn a_step_of_a_fit_allocates_nothing() {
    let classes = vec!["cat".to_owned(), "dog".to_owned()];
    // Batches of 48 bytes, and of more than a mebibyte: these are prepared by another thread.
    for (side, batch_size) in [(4, 1), (256, 6)] {
        let count = 60 * batch_size;
        let labels: Vec<_> = (0..count as u32).map(|i| i % 2).collect();
        let pixels = vec![7; count * side * side * 3];
        let data = Dataset::new("plain", classes.clone(), [side, side, 3], pixels, labels).unwrap();
        let mut model = Sequential::new((side, side, 3))
            .add(AveragePool2D::new(4))
            .add(Flatten::new())
            .add(Dense::new(2).activation(Activation::Softmax))
            .compile(Adam::default(), SparseCategoricalCrossentropy::default(), &[])
            .unwrap();
        let mut training = || {
            // In the first steps every buffer finds its size.
            let mut counter = Counter { from: 5, to: 60, region: None, calls: 0 };
            model.fit_observed(&data, Fit::new().batch_size(batch_size), &mut counter).unwrap();
            counter.calls
        };
        // The fewest of three trainings: a thread that comes late, on a busy machine, be it a worker
        // or the harness's own that waits for this test, allocates for itself.
        let calls = (0..3).map(|_| training()).min().unwrap();
        // Whenever it comes to that, the first wait at each end of the two channels allocates.
        let most = if side == 4 { 0 } else { 8 };
        assert!(calls <= most, "{calls} calls in 55 steps of {batch_size}");
    }
}
