//! The operator of gohub: what a `GoHub` is, and which objects follow from one.
//!
//! ```text
//! GoHub -> observe -> validate -> build -> apply -> status
//! ```
//! `validate`, `build`, `status::derive` and `etcd::plan` are pure: a value in, a value out, and no client in sight.
#![forbid(unsafe_code)]

pub mod access;
pub mod api;
pub mod etcd;
pub mod generate;
pub mod reconcile;
