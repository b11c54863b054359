//! The rules across sections. Each section's own rules stand with the section.

use std::net::SocketAddr;

use crate::{ByteSize, Settings, SettingsError, bounds::refuse, routes};

/// Largest message in cluster mode: etcd takes 1.5 MiB a request, and the message is not all of it.
const MAX_MESSAGE_IN_CLUSTER: ByteSize = ByteSize::from_mib(1);

impl Settings {
    /// Checks what the types cannot: durations and sizes against their limits, and fields against each other.
    /// [`Settings::from_yaml`] has done it; whoever builds settings in code calls it.
    ///
    /// # Errors
    /// The first field that is refused, with the limit and, where there is one, the other field it disagrees with.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.server.validate()?;
        self.admin.validate()?;
        self.heartbeat.validate()?;
        self.limits.validate()?;
        self.auth.validate()?;
        self.origins.validate()?;
        self.proxies.validate()?;
        self.retention.validate()?;
        self.slow_client.validate()?;
        self.rooms.validate()?;
        routes::validate(&self.routes)?;
        self.cluster.validate()?;
        self.idempotency.validate()?;
        self.drain.validate()?;
        self.health.validate()?;
        self.why.validate()?;
        self.reload.validate()?;
        self.log.validate()?;
        self.message_fits()?;
        self.listeners_differ()
    }

    /// The largest message must pass every place it goes through.
    fn message_fits(&self) -> Result<(), SettingsError> {
        let message = self.limits.max_message;
        let pending = self.slow_client.max_pending;
        let log = self.retention.max_bytes;
        if self.cluster.enabled && message > MAX_MESSAGE_IN_CLUSTER {
            let most = MAX_MESSAGE_IN_CLUSTER;
            return refuse("limits.max_message", format!("must be at most {most} with cluster.enabled, got {message}"));
        }
        if pending > log {
            let message = format!("must be at most retention.max_bytes ({log}), got {pending}");
            return refuse("slow_client.max_pending", message);
        }
        if pending < message {
            let message = format!("must be at least limits.max_message ({message}), got {pending}");
            return refuse("slow_client.max_pending", message);
        }
        Ok(())
    }

    fn listeners_differ(&self) -> Result<(), SettingsError> {
        let mut listeners = vec![("server.addr", self.server.addr), ("admin.addr", self.admin.addr)];
        if self.cluster.enabled {
            listeners.push(("cluster.grpc_addr", self.cluster.grpc_addr));
        }
        for (i, (path, addr)) in listeners.iter().enumerate() {
            if let Some((other, taken)) = listeners[..i].iter().find(|(_, other)| collide(*addr, *other)) {
                return refuse(*path, format!("{addr} is taken by {other} ({taken})"));
            }
        }
        Ok(())
    }
}

/// Whether two listeners cannot both be open. Port 0 is any free port.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() != 0 && a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}
