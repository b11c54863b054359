//! The etcd bus against a real etcd: order, batches, foreign values, and everything that may happen to etcd or to the way there.

#[path = "etcd/cluster.rs"]
mod etcd;

#[path = "bus/buffer.rs"]
mod buffer;
#[path = "bus/faults.rs"]
mod faults;
#[path = "bus/hub.rs"]
mod hub;
#[path = "bus/messages.rs"]
mod messages;
#[path = "bus/recovery.rs"]
mod recovery;
#[path = "bus/security.rs"]
mod security;
