//! `make fuzz TARGET=settings`: see `gohub::fuzz::settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gohub::fuzz::settings(bytes));
