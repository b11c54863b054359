//! The managed etcd cluster: looked at, decided about, and changed by one step at a time.
//!
//! ```text
//! survey (pods, volumes, members) -> Observation -> next (pure) -> Step -> execute -> looks again
//! ```

pub mod connect;
pub mod execute;
pub mod pki;
pub mod plan;
pub mod space;
pub mod survey;

use plan::{Observation, Step, Waiting};

/// The next step: towards the members that were asked for, and when there is none, towards space in their databases.
#[must_use]
pub fn next(seen: &Observation) -> Step {
    match plan::plan(seen) {
        step @ (Step::Done | Step::Wait(Waiting::Alarm(_))) => space::care(seen).unwrap_or(step),
        step => step,
    }
}
