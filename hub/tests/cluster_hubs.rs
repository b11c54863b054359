//! Whole hubs over a real etcd: what clients see when messages cross hubs, and when hubs or etcd fail, hang, or come and go.

#[path = "etcd/cluster.rs"]
mod etcd;

#[path = "cluster_hubs/crowd.rs"]
mod crowd;
#[path = "cluster_hubs/deadline.rs"]
mod deadline;
#[path = "cluster_hubs/process.rs"]
mod process;
#[path = "cluster_hubs/publisher.rs"]
mod publisher;
#[path = "cluster_hubs/site.rs"]
mod site;
#[path = "cluster_hubs/witness.rs"]
mod witness;

#[path = "cluster_hubs/back_end.rs"]
mod back_end;
#[path = "cluster_hubs/buffer.rs"]
mod buffer;
#[path = "cluster_hubs/canary.rs"]
mod canary;
#[path = "cluster_hubs/compaction.rs"]
mod compaction;
#[path = "cluster_hubs/foreign.rs"]
mod foreign;
#[path = "cluster_hubs/killed.rs"]
mod killed;
#[path = "cluster_hubs/order.rs"]
mod order;
#[path = "cluster_hubs/outage.rs"]
mod outage;
#[path = "cluster_hubs/paused.rs"]
mod paused;
#[path = "cluster_hubs/questions.rs"]
mod questions;
#[path = "cluster_hubs/quiet.rs"]
mod quiet;
#[path = "cluster_hubs/revocation.rs"]
mod revocation;
#[path = "cluster_hubs/secrecy.rs"]
mod secrecy;
#[path = "cluster_hubs/shares.rs"]
mod shares;
#[path = "cluster_hubs/switch.rs"]
mod switch;
#[path = "cluster_hubs/ticket.rs"]
mod ticket;
#[path = "cluster_hubs/unicast.rs"]
mod unicast;
