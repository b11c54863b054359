//! gohub
pub mod drain;
pub mod bus;
pub mod lifecycle;
pub mod metrics;
pub mod protocol;
pub mod reload;
pub mod telemetry;
