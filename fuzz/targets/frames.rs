//! `make fuzz TARGET=frames`: see `gohub::fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gohub::fuzz::frames(bytes));
