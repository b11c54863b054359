//! The entrance: what the listener asks of the hub, and how a connection gets its place.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gohub_settings::{Duplicate, Settings};
use tokio_util::sync::CancellationToken;

use super::{Inner, revocations};
use crate::clock;
use crate::directory::Directory;
use crate::metrics::NetStats;
use crate::net::{self, Admitted, Door, Entrance, Permit, Rejection};
use crate::protocol::{ClientId, CloseCode};
use crate::shard::{Adopt, Identity, Kick, Transport};

/// A client's entry in the directory, taken out when its connection is gone.
struct Entry {
    directory: Arc<Directory>,
    client: ClientId,
    remember: Duration,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.directory.disconnect(&self.client, self.remember, Instant::now());
    }
}

impl Inner {
    pub(super) fn now(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }
}

impl Entrance for Inner {
    fn stopping(&self) -> CancellationToken {
        self.tasks.token()
    }

    fn door(&self) -> Arc<Door> {
        self.door.load_full()
    }

    fn handshake_timeout(&self) -> Duration {
        self.now().server.handshake_timeout.as_std()
    }

    fn max_header(&self) -> usize {
        self.now().server.max_header_bytes.as_usize()
    }

    fn retry_after(&self) -> Duration {
        self.now().limits.retry_after.as_std()
    }

    fn send_buffer(&self) -> usize {
        self.now().server.send_buffer.as_usize()
    }

    fn claim(&self, admitted: &Admitted) -> Result<net::Claim, Rejection> {
        if admitted.echo {
            return Ok(Box::new(()));
        }
        let settings = self.now();
        let max = match settings.clients.duplicate {
            Duplicate::Refuse => 1,
            Duplicate::Allow => settings.limits.max_connections_per_client,
            // The older ones are closed as soon as this one is in.
            Duplicate::Replace => 0,
        };
        let taken = self.directory.connect(&admitted.client, max);
        taken.map_err(|_| match settings.clients.duplicate {
            Duplicate::Refuse => Rejection::new(409, "this client is connected already (clients.duplicate is refuse)"),
            Duplicate::Allow | Duplicate::Replace => {
                let reason = "this client has too many connections (limits.max_connections_per_client)";
                Rejection::too_many(reason, settings.limits.retry_after.as_std())
            }
        })?;
        let remember = settings.retention.max_age.as_std();
        Ok(Box::new(Entry { directory: Arc::clone(&self.directory), client: admitted.client.clone(), remember }))
    }

    fn enter(
        &self,
        admitted: Admitted,
        transport: Transport,
        early: Vec<u8>,
        address: SocketAddr,
        permit: Permit,
        claim: net::Claim,
    ) {
        let connection = self.connection_id();
        let Admitted { client, format, resume, rooms, echo, expires, rights, pass, judged, .. } = admitted;
        tracing::debug!(connection, %client, %address, format = format.subprotocol(), "connection opened");
        let replaces = !echo && self.now().clients.duplicate == Duplicate::Replace;
        let identity = Identity {
            client: client.clone(),
            connection,
            address,
            expires: expires.and_then(clock::instant_of),
            rights,
            pass,
            judged,
            ticket_at: 0,
            echo,
            permit: Box::new((permit, claim)),
        };
        self.shards.adopt(Adopt { transport, early, identity, format, resume, rooms });
        if self.auth.is_revoked(Some(&client), pass.as_ref()) {
            self.shards.kick_now(&Kick::Connection(connection), CloseCode::Unauthorized, revocations::REASON);
        }
        if replaces {
            let older = Kick::ClientBefore(client, connection);
            self.shards.kick_now(
                &older,
                CloseCode::Replaced,
                "the client has connected anew (clients.duplicate is replace)",
            );
        }
    }

    fn stats(&self) -> &NetStats {
        self.metrics.net()
    }
}
