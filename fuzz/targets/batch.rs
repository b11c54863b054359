//! `make fuzz TARGET=batch`: see `gohub::fuzz::batch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gohub::fuzz::batch(bytes));
