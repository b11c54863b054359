//! Where things are in etcd. `broadcast` and `unicast/{clientID}` are a public contract, the rest is between hubs.
//!
//! ```text
//! <prefix>/broadcast            a batch, or one message as JSON put by anyone
//! <prefix>/epoch                random, written once: a wiped etcd has another one
//! <prefix>/nodes/{node}         who is in the cluster, JSON, on the hub's lease
//! <prefix>/unicast/{clientID}   as broadcast, for one client, on a short lease
//!   ---- the watch of the bus ends here: what follows is not sent to every hub ----
//! <prefix>/usage/...           what each hub may use of the limits of the whole cluster: see cluster/shares.rs
//! <prefix>/voided/...          what was revoked, each entry on a lease of its own time: see cluster/revocations.rs
//! <prefix>/vouchers/keys        what resume tickets are sealed with: see cluster/vouchers.rs
//! <prefix>/vouchers/used/{id}   the tickets that were used, on a lease that outlives them
//! <prefix>/window               samples of (time, revision, bytes): where a starting hub begins, and what may be compacted
//! <prefix>/writers/{writer}     counter of the newest batch of a hub process, on its lease: the fence of its transactions
//! ```

use crate::protocol::ClientId;

/// The keys under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
}

/// What a key under the watch is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `<prefix>/broadcast`.
    Broadcast,
    /// `<prefix>/unicast/{clientID}`.
    Unicast(ClientId),
    /// `<prefix>/epoch`.
    Epoch,
    /// Another of the hubs' own keys.
    Own,
    /// Nothing of ours.
    Foreign,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn broadcast(&self) -> String {
        format!("{}/broadcast", self.prefix)
    }

    pub(crate) fn unicast(&self, client: &str) -> String {
        format!("{}/unicast/{client}", self.prefix)
    }

    pub(crate) fn epoch(&self) -> String {
        format!("{}/epoch", self.prefix)
    }

    pub(crate) fn nodes(&self) -> String {
        format!("{}/nodes/", self.prefix)
    }

    pub(crate) fn node(&self, node: &str) -> String {
        format!("{}/nodes/{node}", self.prefix)
    }

    pub(crate) fn window(&self) -> String {
        format!("{}/window", self.prefix)
    }

    pub(crate) fn writer(&self, writer: u64) -> String {
        format!("{}/writers/{writer:016x}", self.prefix)
    }

    /// Written to find out whether etcd takes writes; on the hub's lease too.
    pub(crate) fn probe(&self, writer: u64) -> String {
        format!("{}/writers/{writer:016x}.probe", self.prefix)
    }

    pub(crate) fn usage(&self) -> String {
        format!("{}/usage/", self.prefix)
    }

    pub(crate) fn revoked(&self) -> String {
        format!("{}/voided/", self.prefix)
    }

    pub(crate) fn ticket_keys(&self) -> String {
        format!("{}/vouchers/keys", self.prefix)
    }

    pub(crate) fn used_tickets(&self) -> String {
        format!("{}/vouchers/used/", self.prefix)
    }

    /// The range the bus watches: first key, and first key after the last.
    pub(crate) fn watched(&self) -> (String, String) {
        // '0' is the character after '/'.
        (self.broadcast(), format!("{}/unicast0", self.prefix))
    }

    pub(crate) fn place(&self, key: &[u8]) -> Place {
        let name = std::str::from_utf8(key).ok().and_then(|key| key.strip_prefix(&self.prefix)?.strip_prefix('/'));
        match name {
            Some("broadcast") => Place::Broadcast,
            Some("epoch") => Place::Epoch,
            Some(name) if name.starts_with("nodes/") => Place::Own,
            Some(name) => match name.strip_prefix("unicast/").map(ClientId::parse) {
                Some(Ok(client)) => Place::Unicast(client),
                _ => Place::Foreign,
            },
            None => Place::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_place() {
        let keys = Keys::new("/gohub/");
        assert_eq!(keys.place(b"/gohub/broadcast"), Place::Broadcast);
        assert_eq!(keys.place(b"/gohub/epoch"), Place::Epoch);
        assert_eq!(keys.place(keys.node("a").as_bytes()), Place::Own);
        assert_eq!(keys.place(keys.unicast("bob").as_bytes()), Place::Unicast(ClientId::parse("bob").unwrap()));
        for foreign in
            ["/gohub/broadcast/x", "/gohub/unicast/", "/gohub/unicast/a/b", "/gohub/unicast/..", "/gohubs", "/gohub"]
        {
            assert_eq!(keys.place(foreign.as_bytes()), Place::Foreign, "{foreign}");
        }
        assert_eq!(keys.place(b"/gohub/unicast/\xff"), Place::Foreign);
    }

    #[test]
    fn the_watch_covers_messages_and_epoch_and_nothing_that_is_written_with_every_batch() {
        let keys = Keys::new("/gohub");
        let (from, to) = keys.watched();
        let watched = |key: String| (&from..&to).contains(&&key);
        assert!(watched(keys.broadcast()) && watched(keys.unicast("~")) && watched(keys.epoch()));
        assert!(!watched(keys.writer(7)) && !watched(keys.window()) && !watched(keys.revoked()));
        assert!(!watched(keys.ticket_keys()) && !watched(keys.used_tickets()));
        assert!(!watched(keys.usage()));
    }
}
