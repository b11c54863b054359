//! Which of several operators acts: the one whose name a Lease bears.
//!
//! ```text
//! leader:   renews every 3 s; has it failed for 10 s since the last success *began*, it has stopped by then
//! others:   take over when they have seen the lease unchanged for 15 s
//! ```
//! No clock of one host is compared with another's: a lease counts as left when its record has not changed for that long **by the own
//! monotonic clock**, and the times in it are for people. The five seconds between the two are for what is under way. Every write names
//! the resource version it is based on, so of two that try one is refused.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease as Record, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use tokio::time::Instant;

use crate::fence::Fence;
use crate::reconcile::apply::FIELD_MANAGER;
use crate::reconcile::error::{Class, class_of};

/// How long others leave a silent leader its place.
pub const DURATION: Duration = Duration::from_secs(15);
/// How long after its last renewal a leader has stopped writing.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Time between two renewals, and two looks of the others.
pub const PERIOD: Duration = Duration::from_secs(3);
/// Time a request has. Two fail and a third succeeds within the deadline.
const PATIENCE: Duration = Duration::from_secs(3);

/// The leader is not the leader any more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Somebody else's name is in the lease.
    #[error("{0:?} holds the lease now")]
    Taken(String),
    /// The API server did not take a renewal in time.
    #[error("the lease could not be renewed for {} s", DEADLINE.as_secs())]
    Overdue,
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// One operator's view of the lease.
#[derive(Debug)]
pub struct Lease {
    api: Api<Record>,
    name: String,
    identity: String,
    /// The record as it was seen last, and since when.
    seen: Option<(Record, Instant)>,
}

enum Try {
    /// It is ours, from before the request on.
    Held(Instant),
    /// Somebody else's.
    Others(String),
    /// It is not known.
    Unknown(String),
}

impl Lease {
    /// A lease of a namespace. `identity` must be another one for every process, also for one that is started again.
    #[must_use]
    pub fn new(client: kube::Client, namespace: &str, name: String, identity: String) -> Self {
        Self { api: Api::namespaced(client, namespace), name, identity, seen: None }
    }

    /// Waits until this process is the leader, and opens the fence.
    pub async fn acquire(&mut self, fence: &Fence) {
        let mut told = String::new();
        loop {
            match self.attempt().await {
                Try::Held(begun) => {
                    fence.open_until(begun + DEADLINE);
                    tracing::info!(identity = self.identity, "leading");
                    return;
                }
                Try::Others(holder) if holder != told => {
                    tracing::info!(holder, "another operator leads");
                    told = holder;
                }
                Try::Others(_) => {}
                Try::Unknown(error) => tracing::warn!(error, "the lease is not known"),
            }
            tokio::time::sleep(PERIOD.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
        }
    }

    /// Renews for as long as it succeeds. When this returns, the fence is closed.
    pub async fn keep(&mut self, fence: &Fence) -> Lost {
        let mut until = Instant::now() + DEADLINE;
        loop {
            tokio::time::sleep_until((Instant::now() + PERIOD).min(until)).await;
            let answer = tokio::time::timeout_at(until, self.attempt()).await;
            match answer {
                Ok(Try::Held(begun)) => {
                    until = begun + DEADLINE;
                    fence.open_until(until);
                }
                Ok(Try::Others(holder)) => {
                    fence.close();
                    return Lost::Taken(holder);
                }
                Ok(Try::Unknown(error)) => tracing::warn!(error, "the lease could not be renewed"),
                Err(_) => {}
            }
            if Instant::now() >= until {
                fence.close();
                return Lost::Overdue;
            }
        }
    }

    /// Gives the lease back, so that the next one need not wait. Nothing may be written any more when this is called.
    pub async fn release(mut self) {
        let Some((mut record, _)) = self.seen.take() else { return };
        let spec = record.spec.get_or_insert_default();
        if spec.holder_identity.as_ref() != Some(&self.identity) {
            return;
        }
        spec.holder_identity = None;
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        let params = params();
        match tokio::time::timeout(PATIENCE, self.api.replace(&self.name, &params, &record)).await {
            Ok(Ok(_)) => tracing::info!("the lease is given back"),
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be given back"),
            Err(_) => tracing::warn!("the lease could not be given back in time"),
        }
    }

    /// One look, and one write if the lease is free or ours.
    async fn attempt(&mut self) -> Try {
        match tokio::time::timeout(PATIENCE, self.look()).await {
            Ok(found) => found,
            Err(_) => Try::Unknown("the API server did not answer in time".to_owned()),
        }
    }

    async fn look(&mut self) -> Try {
        // From before anything is sent: whatever the API server made of it was made later.
        let begun = Instant::now();
        let found = match self.api.get_opt(&self.name).await {
            Ok(found) => found,
            Err(error) => return Try::Unknown(error.to_string()),
        };
        let written = match found {
            None => self.api.create(&params(), &self.record(None)).await,
            Some(found) => {
                self.notice(&found, begun);
                let holder = found.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
                if holder != self.identity && !holder.is_empty() && !self.is_left() {
                    return Try::Others(holder);
                }
                self.api.replace(&self.name, &params(), &self.record(Some(&found))).await
            }
        };
        match written {
            Ok(record) => {
                self.seen = Some((record, begun));
                Try::Held(begun)
            }
            // Somebody was faster: the next look tells who.
            Err(error) if class_of(&error) == Class::Conflict => {
                Try::Unknown("somebody else wrote the lease".to_owned())
            }
            Err(error) => Try::Unknown(error.to_string()),
        }
    }

    /// Remembers since when the record is as it is.
    fn notice(&mut self, found: &Record, now: Instant) {
        let same = self.seen.as_ref().is_some_and(|(seen, _)| {
            seen.metadata.resource_version == found.metadata.resource_version && seen.metadata.uid == found.metadata.uid
        });
        if !same {
            self.seen = Some((found.clone(), now));
        }
    }

    /// Whether the holder has been silent for as long as it says itself.
    fn is_left(&self) -> bool {
        let Some((record, since)) = &self.seen else { return false };
        let seconds = record.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let stated = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        since.elapsed() >= stated.unwrap_or(DURATION).max(DURATION)
    }

    fn record(&self, before: Option<&Record>) -> Record {
        let old = before.and_then(|record| record.spec.clone()).unwrap_or_default();
        let now = Some(MicroTime(Timestamp::now()));
        let mine = old.holder_identity.as_ref() == Some(&self.identity);
        let turns = old.lease_transitions.unwrap_or_default();
        let metadata = before.map_or_else(
            || ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            |record| record.metadata.clone(),
        );
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: if mine { old.acquire_time.clone() } else { now.clone() },
            renew_time: now,
            lease_transitions: Some(if mine || before.is_none() { turns } else { turns.saturating_add(1) }),
            ..LeaseSpec::default()
        };
        Record { metadata, spec: Some(spec) }
    }
}
