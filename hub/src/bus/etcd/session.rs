//! This hub's membership: one lease, its entry in the registry, and the fence of its writes.
//!
//! A hub that was paused past its lease finds both keys gone: its entry (so it was counted absent meanwhile) and its fence (so nothing it
//! had in flight can be committed behind everybody's back). It then registers anew, with a new lease.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{PutOptions, Txn, TxnOp};
use tokio::time::{Instant, sleep, timeout};

use super::Core;
use super::condition::Part;
use super::fault::Fault;
use crate::backoff::Backoff;

/// A registration that holds until it is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    /// Counts registrations.
    pub(crate) number: u64,
    pub(crate) lease: i64,
    /// Revision at which the fence key was written.
    pub(crate) fence: u64,
}

/// Registers, keeps the lease alive and the entry current, until the bus stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut backoff = Backoff::default();
    let mut number = 0;
    loop {
        match register(&core, number + 1).await {
            Ok(session) => {
                number = session.number;
                backoff.reset();
                core.condition.works(Part::Lease);
                core.metrics.registrations.add(1);
                tracing::info!(lease = session.lease, number, "registered in etcd");
                core.session.send_replace(Some(session));
                keep(&core, session).await;
                core.session.send_replace(None);
            }
            Err(fault) => core.condition.fails(Part::Lease, &fault),
        }
        if core.wait_or_stop(backoff.next()).await {
            return;
        }
    }
}

async fn register(core: &Core, number: u64) -> Result<Session, Fault> {
    let ttl = ttl(core).as_secs().max(1) as i64;
    let limit = core.request_timeout();
    let lease =
        core.etcd.call("granting the lease", limit, async |mut client| client.lease_grant(ttl, None).await).await?.id();
    let options = || Some(PutOptions::new().with_lease(lease));
    let txn = Txn::new().and_then([
        TxnOp::put(core.keys.node(&core.node), core.node_value(), options()),
        TxnOp::put(core.keys.writer(core.writer), "0", options()),
    ]);
    let answer = core.etcd.call("registering", limit, async |mut client| client.txn(txn).await).await?;
    let fence = core.note_header(answer.header());
    Ok(Session { number, lease, fence })
}

/// Returns when the lease is lost, or given up by the publisher.
async fn keep(core: &Core, session: Session) {
    let ttl = ttl(core);
    let mut written = core.node_value();
    let mut alive = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(50), ttl / 4);
    loop {
        // A third of the life, give or take: hubs that started together do not stay in step.
        let pause = (ttl / 3).mul_f64(0.75 + fastrand::f64() / 2.0);
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = core.renew.notified() => {}
            () = core.lost.notified() => {
                // The publisher found the fence gone and took this session back; or it was an older one.
                if *core.session.borrow() != Some(session) {
                    return;
                }
                continue;
            }
            () = sleep(pause) => {}
        }
        loop {
            match keep_once(core, session, &mut written, ttl).await {
                Ok(()) => {
                    alive = Instant::now();
                    backoff.reset();
                    core.condition.works(Part::Lease);
                    break;
                }
                Err(Fault::LeaseGone) => {
                    tracing::warn!(lease = session.lease, silent = ?alive.elapsed(), "the lease of this hub is lost");
                    core.condition.fails(Part::Lease, "the lease of this hub is lost");
                    return;
                }
                Err(fault) => {
                    core.condition.fails(Part::Lease, &fault);
                    if core.wait_or_stop(backoff.next()).await {
                        return;
                    }
                }
            }
        }
    }
}

async fn keep_once(core: &Core, session: Session, written: &mut String, ttl: Duration) -> Result<(), Fault> {
    let limit = core.request_timeout().min(ttl);
    let lease = session.lease;
    let (_, mut stream) = core
        .etcd
        .call("keeping the lease alive", limit, async |mut client| client.lease_keep_alive(lease).await)
        .await?;
    // The stream is for one beat; dropping it tells etcd so.
    drop(timeout(Duration::ZERO, stream.message()).await);
    let value = core.node_value();
    if value != *written {
        let options = PutOptions::new().with_lease(lease);
        let key = core.keys.node(&core.node);
        let put = value.clone();
        let answer = core
            .etcd
            .call("updating the registry", limit, async |mut client| client.put(key, put, Some(options)).await)
            .await?;
        core.note_header(answer.header());
        *written = value;
    }
    Ok(())
}

/// Gives the lease back, and with it the registry's entry; as far as etcd lets us.
pub(crate) async fn end(core: &Core, session: Session) {
    let limit = core.request_timeout();
    if let Err(fault) =
        core.etcd.call("revoking the lease", limit, async |mut client| client.lease_revoke(session.lease).await).await
    {
        tracing::warn!(error = %fault, "the lease was not revoked, it will expire");
    }
}

fn ttl(core: &Core) -> Duration {
    core.etcd.settings().lease_ttl.as_std()
}
