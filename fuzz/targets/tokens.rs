//! `make fuzz TARGET=tokens`: see `gohub::fuzz::tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gohub::fuzz::tokens(bytes));
