//! The operator of gohub: what a `GoHub` is, and which objects follow from one.
//!
//! ```text
//! GoHub -> observe -> validate -> build -> apply -> status
//! ```
//! Everything here is pure: a value in, a value out. Nothing in this crate speaks to an API server.
#![forbid(unsafe_code)]

pub mod api;
pub mod etcd;
pub mod generate;
pub mod reconcile;
