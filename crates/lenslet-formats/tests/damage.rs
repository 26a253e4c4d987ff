//! Keras's files that were cut short or damaged.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lenslet_formats::keras::{import_keras, keras_weights};
use lenslet_kernels::Stream;
use lenslet_model::layers::{BatchNormalization, Conv2D, Dense, Flatten, MaxPool2D};
use lenslet_model::{Network, Sequential};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Bytes of the words of a refusal, of names and of descriptions of layers.
const WORDS: usize = 1 << 12;
/// Bytes that a text takes when it is read as JSON, for each of its own.
const JSON: usize = 12;

/// What others allocate meanwhile would be counted.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/keras");
    fs::read(folder.join(name)).unwrap()
}

/// The network of `chain.weights.h5`.
fn chain() -> Network {
    let model = Sequential::new((8, 8, 3)).add(Conv2D::new(4, 3)).add(BatchNormalization::new());
    let model = model.add(MaxPool2D::new(2)).add(Flatten::new()).add(Dense::new(3));
    model.build().unwrap()
}

/// Every shorter beginning, and some thousand changed bits.
fn damaged(bytes: &[u8], mut check: impl FnMut(&[u8])) {
    for length in 0..bytes.len() {
        check(&bytes[..length]);
    }
    let places = Stream::new(5, 5, 5);
    let mut damaged = bytes.to_vec();
    for flip in 0..5000 {
        let bit = places.below(flip, bytes.len() as u64 * 8) as usize;
        damaged[bit / 8] ^= 1 << (bit % 8);
        check(&damaged);
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Bytes that `read` allocates; the fewest of three times, where the harness allocates meanwhile.
fn allocated(most: usize, mut read: impl FnMut()) -> usize {
    let mut once = || {
        let region = Region::new(ALLOCATOR);
        read();
        region.change().bytes_allocated
    };
    let fewest = once();
    if fewest <= most { fewest } else { fewest.min(once()).min(once()) }
}

/// The weights are the file: all allocations together are bounded by its length.
#[test]
fn damaged_weights_are_refused_or_read_within_bounds_of_memory() {
    let _alone = alone();
    let network = chain();
    for name in ["chain.weights.h5", "hdf5/plain.latest.h5", "hdf5/many.earliest.h5"] {
        damaged(&golden(name), |bytes| {
            let most = 2 * bytes.len() + WORDS;
            let allocated = allocated(most, || drop(keras_weights(bytes, &network)));
            assert!(allocated <= most, "{allocated} of {most} for {}", bytes.len());
        });
    }
}

/// The descriptions of layers are texts: they take more when they are read.
#[test]
fn damaged_models_are_refused_or_read_within_bounds_of_memory() {
    let _alone = alone();
    let mut taken = 0;
    damaged(&golden("chain.keras"), |bytes| {
        let most = (2 + JSON) * bytes.len() + WORDS;
        let allocated = allocated(most, || drop(import_keras(bytes)));
        assert!(allocated <= most, "{allocated} of {most} for {}", bytes.len());
        taken += usize::from(import_keras(bytes).is_ok());
    });
    // Times, and what is between the archive's parts.
    assert!(taken < 500, "{taken}");
}
