//! What is revoked on this hub or on another: into the table, and out with whoever lives by it.

use std::sync::Arc;

use super::shards::Shards;
use crate::auth::{Auth, Revocation, Subject};
use crate::clock;
use crate::cluster::Revoker;
use crate::protocol::CloseCode;
use crate::shard::Kick;

/// What a connection that is closed for it is told.
pub(super) const REASON: &str = "the token was revoked";

pub(super) struct Bouncer {
    pub(super) auth: Arc<Auth>,
    pub(super) shards: Arc<Shards>,
}

impl Revoker for Bouncer {
    fn revoked(&self, revocation: Revocation) {
        let now = clock::unix_millis();
        if revocation.until <= now {
            return;
        }
        match self.auth.revoked().add(revocation.clone(), now) {
            // First the table, then the connections: whoever comes between is found by the one or by the other.
            Ok(_) => self.shards.kick_now(&Kick::Revoked(revocation), CloseCode::Unauthorized, REASON),
            Err(error) => tracing::error!(%error, "a revocation does not count here"),
        }
    }

    fn restored(&self, subject: &Subject) {
        self.auth.revoked().remove(subject);
    }
}
