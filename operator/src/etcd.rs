//! The managed etcd cluster: what to do next is decided here, purely; whoever carries it out does one step and looks again.

pub mod plan;
