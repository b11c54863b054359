//! From a `GoHub` to the objects that follow from it, and back to its status.
//!
//! ```text
//! (GoHub, Observed) -> validate -> Plan -> build -> Desired
//! (GoHub, Observed, Verdict) -> status::derive -> GoHubStatus
//! ```
//! All of it is pure. The raw spec is read by `validate` alone: what comes after has typed names, resolved defaults and no way to fail.

pub mod build;
pub mod observed;
pub mod plan;
pub mod status;
pub mod validate;
