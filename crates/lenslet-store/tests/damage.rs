//! Checkpoints that were damaged or forged.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lenslet_kernels::Stream;
use lenslet_model::Metric;
use lenslet_store::{ContentError, decode_checkpoint, encode_checkpoint};
use lenslet_train::{Checkpoint, Epoch, MetricValues};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use common::{SETTINGS, checkpoint};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Bytes of the words of a refusal: they count where there is hardly a file.
const WORDS: usize = 1 << 10;
/// Bytes of names and of the table of tensors, which doubles with the eighth of them.
const TABLE: usize = 8 << 10;

/// What others allocate meanwhile would be counted.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads these bytes; and all that was allocated for it. The least of three times: the thread that
/// runs the tests allocates now and then, too.
fn decode(bytes: &[u8]) -> (Result<Checkpoint, ContentError>, usize) {
    let once = |_| {
        let region = Region::new(ALLOCATOR);
        let read = decode_checkpoint(bytes).map(|(checkpoint, _)| checkpoint);
        (read, region.change().bytes_allocated)
    };
    (0..3).map(once).min_by_key(|(_, allocated)| *allocated).unwrap()
}

/// Reads these bytes: they must be refused, with no allocation over twice their length and some `more`.
fn assert_refused(bytes: &[u8], more: usize, what: &str) {
    let (read, allocated) = decode(bytes);
    assert!(read.is_err(), "{what} was taken");
    assert!(allocated <= 2 * bytes.len() + more, "{what}: {allocated} bytes allocated");
}

#[test]
fn every_cut_and_every_damage_is_refused_within_bounds_of_memory() {
    let _alone = alone();
    let bytes = encode_checkpoint(&checkpoint(3), SETTINGS).unwrap();
    for length in 0..bytes.len() {
        assert_refused(&bytes[..length], WORDS, &format!("the first {length} bytes"));
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_refused(&longer, WORDS, "one byte more");
    let places = Stream::new(1, 1, 1);
    let mut damaged = bytes.clone();
    for flip in 0..10_000 {
        let bit = places.below(flip, bytes.len() as u64 * 8) as usize;
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_refused(&damaged, WORDS, &format!("bit {bit} flipped"));
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    let (read, allocated) = decode(&bytes);
    assert!(read.is_ok());
    assert!(allocated <= 2 * bytes.len() + TABLE, "{allocated} bytes allocated");
}

/// What there is most of in a file that someone made up: epochs, with as few and as many metrics as can be.
#[test]
fn a_long_history_is_read_within_bounds_of_memory() {
    let _alone = alone();
    for metrics in [0, 1, Metric::ALL.len()] {
        let mut long = checkpoint(2);
        let values = Metric::ALL.into_iter().take(metrics).map(|metric| (metric, 0.5));
        let values: MetricValues = values.collect();
        let (metrics_too, epoch) = (values.clone(), long.history[0].clone());
        let epoch = Epoch { metrics: metrics_too, val_metrics: values, ..epoch };
        long.history = vec![epoch; 10_000];
        let bytes = encode_checkpoint(&long, SETTINGS).unwrap();
        let (read, allocated) = decode(&bytes);
        assert_eq!(read.unwrap().history[9_999].val_metrics, long.history[0].val_metrics);
        assert!(allocated <= 2 * bytes.len() + TABLE, "{metrics} metrics: {allocated} bytes");
    }
}

/// Sound checksums over what no program has written.
#[test]
fn forged_checkpoints_are_refused_within_bounds_of_memory() {
    let _alone = alone();
    let bytes = encode_checkpoint(&checkpoint(3), SETTINGS).unwrap();
    let sealed = |mut bytes: Vec<u8>| {
        let end = bytes.len() - 16;
        let checksum = xxhash_rust::xxh3::xxh3_128(&bytes[..end]).to_be_bytes();
        bytes[end..].copy_from_slice(&checksum);
        bytes
    };
    assert!(decode_checkpoint(&sealed(bytes.clone())).is_ok());
    let with = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut forged = bytes.clone();
        forged[at..at + to.len()].copy_from_slice(to.as_bytes());
        sealed(forged)
    };
    for (from, to) in [
        (r#"\"moments\":2"#, r#"\"moments\":9"#),
        (r#"\"moments\":2"#, r#"\"moments\":1"#),
        (r#"\"format\":1"#, r#"\"format\":2"#),
        (r#"\"step\":0"#, r#"\"stop\":0"#),
        (r#"\"seconds\":1.234"#, r#"\"seconds\":-1.23"#),
        (r#"\"weights\":false"#, r#"\"weights\":true "#),
        (r#""shape":[500]"#, r#""shape":[501]"#),
        (r#""shape":[2,7]"#, r#""shape":[7,2]"#),
        (r#""dtype":"F64""#, r#""dtype":"I64""#),
        ("moments/1", "moments/7"),
        ("lenslet_checkpoint", "lenslet_cheskpoint"),
    ] {
        assert_refused(&with(from, to), TABLE, to);
    }
    let mut endless = bytes.clone();
    endless[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_refused(&sealed(endless), TABLE, "an endless header");
    // Whatever a byte of the header becomes: an answer, not a panic.
    for at in 0..1200 {
        let mut forged = bytes.clone();
        forged[at] ^= 0x15;
        let _ = decode_checkpoint(&sealed(forged));
    }
}

/// What the fuzzer begins with.
fn corpus() -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/checkpoint");
    let encoded = |epoch| encode_checkpoint(&checkpoint(epoch), SETTINGS).unwrap();
    [1, 4].into_iter().map(move |epoch| (folder.join(format!("epoch-{epoch}")), encoded(epoch)))
}

#[test]
fn the_fuzzer_begins_with_what_is_written_today() {
    let _alone = alone();
    for (path, bytes) in corpus() {
        assert_eq!(fs::read(&path).unwrap(), bytes, "run this crate's ignored test");
    }
}

#[test]
#[ignore = "writes the fuzzer's corpus of checkpoints anew"]
fn write_the_fuzzers_corpus() {
    for (path, bytes) in corpus() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
