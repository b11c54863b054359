//! From a `GoHub` to the objects that follow from it, and back to its status.
//!
//! ```text
//! observe -> validate -> build -> apply -> one etcd step -> nudge -> status
//! ```
//! `validate`, `build` and `status::derive` are pure: the raw spec is read by `validate` alone, and what comes after has typed names,
//! resolved defaults and no way to fail. Only `observe`, `apply`, the step, `nudge` and `publish` speak to the API server.
//!
//! A reconcile is written so that it may end at any point and be begun again: each look finds what was done, and goes on from there.

pub mod apply;
pub mod build;
pub mod context;
pub mod error;
pub mod kinds;
pub mod memory;
pub mod nudge;
pub mod observe;
pub mod observed;
pub mod plan;
pub mod publish;
pub mod references;
mod run;
pub mod status;
mod step;
pub mod validate;

pub use run::{Next, reconcile};
