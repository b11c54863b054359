//! Configuring a running hub: from settings to every part, in one place.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use gohub_settings::{Settings, SlowPolicy as SlowSetting};

use super::vitals::CERTIFICATE;
use super::{Inner, Listening};
use crate::clock;
use crate::dispatcher::Live;
use crate::log::Retention;
use crate::net::{AdmissionLimits, Door, Listener};
use crate::shard::{Command, Rates, ShardConfig, SharedRates, SlowPolicy};
use crate::ws::{FrameLimits, Library};

/// The shards' slice of the settings.
pub(super) fn shard_config(settings: &Settings) -> ShardConfig {
    let Settings { server, limits, heartbeat, slow_client, .. } = settings;
    ShardConfig {
        library: Library::default(),
        frames: FrameLimits { max_message: limits.max_message.as_u64(), max_fragments: limits.max_fragments },
        read_buffer: server.read_buffer.as_usize(),
        read_timeout: server.read_timeout.as_std(),
        write_timeout: server.write_timeout.as_std(),
        close_timeout: server.close_timeout.as_std(),
        heartbeat_interval: heartbeat.interval.as_std(),
        heartbeat_timeout: heartbeat.timeout.as_std(),
        app_interval: (!heartbeat.app_interval.is_zero()).then(|| heartbeat.app_interval.as_std()),
        expiry_warning: settings.auth.jwt.expiry_warning.as_std(),
        out_buffer: limits.out_buffer.as_usize(),
        max_inflight: limits.max_inflight_publishes,
        max_rooms: limits.max_rooms_per_connection as usize,
        message_rate: limits.message_rate,
        message_burst: limits.message_burst,
        byte_rate: limits.byte_rate.as_u64(),
        shared: SharedRates {
            client: Rates { messages: limits.message_rate_per_client, bytes: limits.byte_rate_per_client.as_u64() },
            address: Rates { messages: limits.message_rate_per_ip, bytes: limits.byte_rate_per_ip.as_u64() },
        },
        control_rate: limits.control_rate,
        max_errors: limits.errors_before_close,
        slow_policy: match slow_client.policy {
            SlowSetting::Drop => SlowPolicy::Drop,
            SlowSetting::Conflate => SlowPolicy::Conflate,
            SlowSetting::Kick => SlowPolicy::Kick,
        },
        slow_bytes: slow_client.max_pending.as_usize(),
        slow_age: slow_client.max_age.as_std(),
        trail_events: settings.why.events as usize,
        max_history: limits.max_page as usize,
    }
}

pub(super) fn retention(settings: &Settings) -> Retention {
    Retention {
        max_bytes: settings.retention.max_bytes.as_usize(),
        max_age: settings.retention.max_age.as_std(),
        max_entries: settings.retention.max_entries.into(),
    }
}

pub(super) fn admission_limits(settings: &Settings) -> AdmissionLimits {
    AdmissionLimits {
        max_connections: settings.limits.max_connections,
        max_per_ip: settings.limits.max_connections_per_ip,
        rate: settings.limits.accept_rate,
        rate_per_ip: settings.limits.accept_rate_per_ip,
    }
}

/// `cluster.node`, or the host's name.
pub(super) fn node_name(settings: &Settings) -> String {
    if !settings.cluster.node.is_empty() {
        return settings.cluster.node.clone();
    }
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What the newest settings ask for and could not be had: another program has the port, etcd's address is wrong. It is tried again until it
/// works or other settings come.
#[derive(Debug, Default)]
pub(super) struct Undone {
    listener: bool,
    /// The settings whose cluster is in force instead.
    cluster: Option<Arc<Settings>>,
}

impl Undone {
    /// Whether anything has to be tried again.
    pub(super) fn is_any(&self) -> bool {
        self.listener || self.cluster.is_some()
    }
}

/// By then a stopped listener has let go of its port.
const FREED: std::time::Duration = std::time::Duration::from_millis(20);

impl Inner {
    /// Puts new settings in force. What cannot fail is done first; what did not succeed is left in `undone`, and the old part stays.
    pub(super) async fn configure(self: &Arc<Self>, settings: Arc<Settings>, undone: &mut Undone) {
        let before = self.settings.send_replace(Arc::clone(&settings));
        self.auth.configure(&settings);
        self.door.store(Arc::new(Door::new(&settings, Arc::clone(&self.auth))));
        self.admission.set_limits(admission_limits(&settings));
        self.stakes.alone(&settings);
        self.log.set_retention(retention(&settings));
        let why = &settings.why;
        self.local.archive.set_limits(why.keep.as_usize(), why.keep_for.as_std(), clock::unix_millis());
        self.local.node.store(Arc::new(node_name(&settings)));
        self.dispatcher.configure(Live::new(&settings, &self.local.node()));
        let config = shard_config(&settings);
        self.shards.tell(|| Command::Configure(config.clone()));
        match self.tls.load(|| Arc::clone(&settings)) {
            Ok(true) => self.reload.content(CERTIFICATE),
            Ok(false) => {}
            // The last good one stays.
            Err(error) => self.reload.complain(CERTIFICATE, &error),
        }
        undone.cluster.get_or_insert(before);
        self.finish(&settings, undone).await;
    }

    /// Does what can fail: the listener's move and the change of the bus.
    pub(super) async fn finish(self: &Arc<Self>, settings: &Arc<Settings>, undone: &mut Undone) {
        let server = &settings.server;
        undone.listener = false;
        if self.listening().wanted == server.addr {
            self.reload.content("server.addr");
        } else if let Err(error) = self.move_listener(server.addr, server.backlog).await {
            self.reload.complain("server.addr", &error);
            undone.listener = true;
        } else {
            self.reload.content("server.addr");
        }
        let Some(before) = undone.cluster.take() else { return };
        let is_touched = gohub_settings::diff(&before, settings).touches("cluster");
        if is_touched
            && (before.cluster.enabled || settings.cluster.enabled)
            && let Err(error) = self.change_bus(&before, settings).await
        {
            self.reload.complain("cluster", &error);
            undone.cluster = Some(before);
        } else {
            self.reload.content("cluster");
        }
    }

    /// Moves the listener. Another address of the same port may need the old one to be gone first; if it cannot be had all the same, the old one
    /// comes back.
    async fn move_listener(self: &Arc<Self>, wanted: SocketAddr, backlog: u32) -> io::Result<()> {
        let old = self.listening().address;
        match self.listen(wanted, backlog) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && old.port() == wanted.port() => {}
            done => return done,
        }
        let tasks = self.listening().tasks.clone();
        // Handshakes under way may be late; the socket itself is closed at once.
        tasks.stop(FREED).await.ok();
        self.listen(wanted, backlog).or_else(|error| self.listen(old, backlog).and(Err(error)))
    }

    /// Listens on `wanted`, and no longer where it listened before. Connections stay.
    pub(super) fn listen(self: &Arc<Self>, wanted: SocketAddr, backlog: u32) -> io::Result<()> {
        let listener = Listener::bind(wanted, backlog)?;
        let tasks = self.tasks.group();
        let next = Listening { wanted, address: listener.address(), tasks: tasks.clone() };
        let before = std::mem::replace(&mut *self.listening(), next);
        tracing::info!(addr = %listener.address(), library = ?Library::default(), "listening");
        let entrance: Arc<dyn crate::net::Entrance> = Arc::clone(self) as _;
        let serve = listener.serve(entrance, self.admission.clone(), self.tls.clone(), tasks.clone());
        tasks.spawn("listener", serve);
        self.tasks
            .spawn("old listener", async move { before.tasks.stop(std::time::Duration::from_secs(10)).await.ok() });
        Ok(())
    }
}
