//! Image files of every kind that a folder may hold.
#![no_main]

use lenslet_data::decode_image;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for shape in [[8, 8, 3], [5, 9, 1]] {
        if let Ok(pixels) = decode_image(bytes, shape) {
            assert_eq!(pixels.len(), shape.iter().product());
        }
    }
});
