//! What every test has: a namespace of its own in the cluster it is given, gone at the end, and its logs kept when it failed.
//!
//! ```ignore
//! bed::test("two-hubs-talk", async |bed| {
//!     bed.apply(YAML).await;
//!     bed.until_condition("chat", "Ready").await;
//! })
//! .await;
//! ```
//! A step that cannot be done fails the test at once, with what was wanted and what was seen: nothing here returns an error.

mod admin;
mod apply;
mod client;
mod crowd_pod;
mod dump;
mod etcd;
mod forward;
mod gate;
mod gohub;
mod history;
mod killer_pod;
mod namespace;
mod node;
mod objects;
mod operator;
mod outside_etcd;
mod own_operator;
mod own_pod;
mod pods;
mod ready;
mod wait;

pub use self::admin::Figures;
pub use self::client::HubClient;
pub use self::crowd_pod::CrowdPod;
pub use self::etcd::has_quorum;
pub use self::gate::Gate;
pub use self::history::History;
pub use self::namespace::{Bed, test, tests};
pub use self::own_operator::OwnOperator;
pub use self::pods::is_ready;
pub use self::wait::{DEADLINE, eventually, throughout, within};
