//! The managed etcd cluster with real etcd processes for pods: looked at, grown, shrunk, healed, rolled and cared for, over mutual TLS.
//!
//! Only Kubernetes is played: `managed_etcd/api_server.rs` keeps the objects, `managed_etcd/kubelet.rs` runs the pods' own arguments.

#[path = "managed_etcd/api_server.rs"]
mod api_server;
#[path = "managed_etcd/care.rs"]
mod care;
#[path = "managed_etcd/certificates.rs"]
mod certificates;
#[path = "managed_etcd/interrupted.rs"]
mod interrupted;
#[path = "managed_etcd/kubelet.rs"]
mod kubelet;
#[path = "managed_etcd/loss.rs"]
mod loss;
#[path = "managed_etcd/sizes.rs"]
mod sizes;
#[path = "managed_etcd/world.rs"]
mod world;
