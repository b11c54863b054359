//! gohub
