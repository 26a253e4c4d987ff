//! The program's arguments, apart by white space: they are understood, or a sentence says why not.
#![no_main]

use std::ffi::OsString;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let words = std::iter::once("lenslet").chain(text.split_whitespace());
    if let Err(message) = lenslet_cli::check(words.map(OsString::from)) {
        assert!(!message.trim().is_empty());
    }
});
