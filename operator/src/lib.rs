//! The operator of gohub: what a `GoHub` is, which objects follow from one, and who brings them about.
//!
//! ```text
//! lease -> controller: watches say when to look -> reconcile: observe -> validate -> build -> apply -> etcd step -> status
//! ```
//! `validate`, `build`, `status::derive` and `etcd::plan` are pure: a value in, a value out, and no client in sight.
#![forbid(unsafe_code)]

pub mod access;
pub mod admin;
pub mod api;
pub mod controller;
pub mod etcd;
pub mod events;
pub mod fence;
pub mod generate;
pub mod health;
pub mod lease;
pub mod metrics;
pub mod operator;
pub mod reconcile;
pub mod rights;
pub mod telemetry;
