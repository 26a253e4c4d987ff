//! Checkpoints: as they are, and with a checksum that fits. What is read can be written.
#![no_main]

use lenslet_store::{decode_checkpoint, encode_checkpoint};
use libfuzzer_sys::fuzz_target;

/// Bytes of the checksum at the end.
const CHECKSUM: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Some(end) = bytes.len().checked_sub(CHECKSUM) {
        let mut sealed = bytes.to_vec();
        let sum = xxhash_rust::xxh3::xxh3_128(&bytes[..end]);
        sealed[end..].copy_from_slice(&sum.to_be_bytes());
        check(&sealed);
    }
});

fn check(bytes: &[u8]) {
    if let Ok((checkpoint, settings)) = decode_checkpoint(bytes) {
        encode_checkpoint(&checkpoint, &settings).unwrap();
    }
}
