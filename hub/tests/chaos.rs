//! Seeded faults under a crowd that keeps books: order, no duplicate, no loss that nobody was told of, and everybody back in time.
//!
//! `make chaos SEED=n` is the run of ten minutes with 1,000 clients; `make test` runs the same for half a minute with 50, so that the
//! harness itself is tried. The seed alone decides what happens ([`plan`], pure); [`scene`] does it, to real hub processes, real etcd members
//! and the proxies between; [`verdict`], pure again, judges the books that the clients of `gohub-crowd` kept themselves.
//!
//! It is a test of the hub and not a program of its own, because the hub's process, etcd with its members and the proxy are the fixtures of
//! the other cluster tests, cargo builds the hub's binary for it, and a checker that is broken breaks `make test`.

#[path = "chaos/plan.rs"]
mod plan;
#[path = "chaos/run.rs"]
mod run;
#[path = "chaos/scene.rs"]
mod scene;
#[path = "chaos/verdict.rs"]
mod verdict;

#[path = "cluster_hubs/deadline.rs"]
mod deadline;
#[path = "etcd/cluster.rs"]
mod etcd;
#[path = "cluster_hubs/process.rs"]
#[expect(dead_code, reason = "what other tests do to a hub")]
mod process;
#[path = "cluster_hubs/site.rs"]
#[expect(dead_code, reason = "what other tests ask a hub")]
mod site;
