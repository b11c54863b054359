//! The end-to-end bed.
//!
//! [`gohub_crowd`] is a crowd of clients that runs as a pod and keeps books: what was acked, what each client got, what it was told it does
//! not get. Its verdict is the proof behind "nothing is lost in silence" when hubs are scaled, replaced or killed. [`bed`] is what the
//! tests under `tests/` share: a namespace per test, waiting with deadlines, and ways into pods.
#![forbid(unsafe_code)]

pub mod bed;
pub mod killer;
