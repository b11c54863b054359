//! The settings of gohub: one typed value, its defaults, its limits and its documentation.
//!
//! ```text
//! YAML text ─┐
//!            ├─ merge ─ check against the schema ─ deserialise ─ validate across fields ─> Settings
//! GOHUB_... ─┘
//! ```
//!
//! A leaf crate without I/O: the hub parses with it, the operator embeds it in `GoHub.spec.config` and writes the ConfigMap from it,
//! and `diff` decides what is hot. Whoever holds a [`Settings`] made by [`Settings::from_yaml`] never has to check it again.
#![forbid(unsafe_code)]

mod admin;
mod auth;
mod auth_hook;
mod auth_ticket;
mod bounds;
mod byte_size;
mod check;
mod clients;
mod cluster;
mod debug;
mod diff;
mod drain;
mod duration;
mod environment;
mod error;
mod grant;
mod hash;
mod health;
mod heartbeat;
mod idempotency;
mod limits;
mod lockout;
mod log;
mod name_pattern;
mod network;
mod origins;
mod parse;
mod print;
mod proxies;
mod reference;
mod reload;
mod retention;
mod room_hook;
mod room_pattern;
mod rooms;
mod routes;
mod schema;
mod secret;
mod server;
mod settings;
mod slow_client;
mod validate;
mod why;

pub use admin::{Admin, ApiScope, ScopedKey};
pub use auth::{Auth, Jwks, Jwt, Token};
pub use auth_hook::AuthHook;
pub use auth_ticket::AuthTicket;
pub use byte_size::{ByteSize, ByteSizeError};
pub use clients::{Clients, Duplicate};
pub use cluster::{Cluster, Etcd, EtcdTls, EtcdWindow};
pub use debug::Debug;
pub use diff::{Diff, diff};
pub use drain::Drain;
pub use duration::{Duration, DurationError};
pub use error::SettingsError;
pub use grant::{Grant, Operation, RoomGrant};
pub use health::Health;
pub use heartbeat::Heartbeat;
pub use idempotency::Idempotency;
pub use limits::{ClusterLimits, Limits};
pub use lockout::Lockout;
pub use log::{Log, LogFormat};
pub use name_pattern::{NamePattern, NamePatternError};
pub use network::{Network, NetworkError};
pub use origins::Origins;
pub use proxies::Proxies;
pub use reload::Reload;
pub use retention::Retention;
pub use room_hook::{OnHookFailure, RoomHook};
pub use room_pattern::{RoomPattern, RoomPatternError};
pub use rooms::{OnPartition, RoomBuffer, RoomOverride, RoomPolicy, Rooms};
pub use routes::{Route, RouteTo};
pub use secret::Secret;
pub use server::{Server, ServerTls};
pub use settings::Settings;
pub use slow_client::{SlowClient, SlowPolicy};
pub use why::Why;
