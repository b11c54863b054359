//! The short lease of unicast keys: what was sent to a client does not stay in etcd for ever.
//!
//! A key is needed only until its event is in every watch; the history serves the recovery window. So the keys of a while share one
//! lease that nobody keeps alive. It is replaced early, and after a number of keys, so that no expiry deletes very many at once.

use std::time::{Duration, Instant};

use super::Core;
use super::fault::Fault;

const TTL: Duration = Duration::from_secs(60);
const MAX_KEYS: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct UnicastLease {
    current: Option<Lease>,
}

#[derive(Debug)]
struct Lease {
    id: i64,
    granted: Instant,
    keys: usize,
}

impl UnicastLease {
    /// A lease for `keys` more keys.
    pub(crate) async fn get(&mut self, core: &Core, keys: usize) -> Result<i64, Fault> {
        if let Some(lease) = &mut self.current
            && lease.granted.elapsed() < TTL / 2
            && lease.keys + keys <= MAX_KEYS
        {
            lease.keys += keys;
            return Ok(lease.id);
        }
        let ttl = TTL.as_secs() as i64;
        let limit = core.request_timeout();
        let answer =
            core.etcd.call("granting a lease", limit, async |mut client| client.lease_grant(ttl, None).await).await?;
        self.current = Some(Lease { id: answer.id(), granted: Instant::now(), keys });
        Ok(answer.id())
    }

    /// etcd does not know it any more.
    pub(crate) fn forget(&mut self) {
        self.current = None;
    }
}
