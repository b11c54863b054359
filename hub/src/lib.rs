//! gohub
pub mod lifecycle;
pub mod metrics;
