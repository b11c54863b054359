//! The other side of the protocol: what a Rust client sends and reads.
