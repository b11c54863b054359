//! gohub
pub mod lifecycle;
pub mod metrics;
pub mod protocol;
pub mod telemetry;
