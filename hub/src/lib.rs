//! gohub
pub mod admin;
pub mod args;
pub mod bus;
pub mod drain;
pub mod inventory;
pub mod lifecycle;
pub mod metrics;
pub mod protocol;
pub mod reload;
pub mod telemetry;
