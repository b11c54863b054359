//! `make fuzz TARGET=protocol`: see `gohub::fuzz::protocol`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gohub::fuzz::protocol(bytes));
