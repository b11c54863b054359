//! The delivery canary: a message of the hub's own that takes the whole way of every message, and must come out of a socket of every shard. `/readyz`
//! believes nothing less.
//!
//! ```text
//!   publish --> put --> etcd --> watch --> log --> shard's pass --> write --> socket --> here, with the same nonce
//!              `put`            `watch`          `shard`           `write`
//! ```
//!
//! A process can be alive, its port open and its bus "connected" while nothing is delivered any more; a probe that publishes notices, and says which hop
//! it is.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch as latest;
use tokio::time::timeout;

use super::Inner;
use crate::bus::{BusHop, MessageBus, Receipt};
use crate::clock;
use crate::metrics::BusStats;
use crate::net::CANARY;
use crate::protocol::{ClientId, MessageId, Offset, Payload, Publication, Target};

/// A shard silent for this long hangs.
const HUNG: Duration = Duration::from_secs(60);
/// How long a shard that did not pass the canary on is asked whether its loop turns.
const PULSE: Duration = Duration::from_secs(1);
/// What one read of a probe's socket takes.
const READ: usize = 4 << 10;

/// What the last canary found.
#[derive(Debug, Default)]
pub(super) struct Canary(Mutex<Option<(Broken, Instant)>>);

/// The hop that did not pass the canary on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// The bus does not take it.
    #[error("the delivery canary was not put on the bus: {0}")]
    Put(String),
    /// The bus has it and does not give it back.
    #[error("the delivery canary did not come back from the bus: {0}")]
    Watch(String),
    /// It is in the log, and the shard's loop did not come to it.
    #[error("shard {0} did not pass the delivery canary on")]
    Shard(usize),
    /// The shard has handed it out, and it did not come out of the socket.
    #[error("the delivery canary did not come out of the socket of shard {0}")]
    Write(usize),
}

impl Broken {
    fn hop(&self) -> &'static str {
        match self {
            Self::Put(_) => "put",
            Self::Watch(_) => "watch",
            Self::Shard(_) => "shard",
            Self::Write(_) => "write",
        }
    }
}

impl Canary {
    /// Why the last canary did not arrive; `None`: it did, or none has flown yet.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(broken, _)| broken.clone())
    }

    /// The shard that has been silent for so long that only a restart helps: one that is merely busy is not killed for it.
    pub(super) fn hung(&self, now: Instant) -> Option<Broken> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (broken, since) = state.as_ref()?;
        (matches!(broken, Broken::Shard(_)) && now.saturating_duration_since(*since) >= HUNG).then(|| broken.clone())
    }

    fn note(&self, found: Option<Broken>, stats: &BusStats, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.take();
        // The same fault goes on: it is as old as it was.
        let same = before.as_ref().filter(|(broken, _)| found.as_ref() == Some(broken));
        let since = same.map_or(now, |(_, since)| *since);
        *state = found.clone().map(|broken| (broken, since));
        drop(state);
        let hop = found.as_ref().map(Broken::hop);
        stats.canary_broke(hop);
        match (before.as_ref().map(|(broken, _)| broken.hop()), found) {
            (before, Some(broken)) if before != hop => {
                tracing::warn!(hop, reason = %broken, "delivery is broken");
            }
            (Some(hop), None) => tracing::info!(hop, "delivery works again"),
            _ => {}
        }
    }
}

/// The ends of the probes, one for each shard: the newest nonce that has come out of it.
pub(super) struct Perches(Vec<latest::Receiver<Option<u64>>>);

impl Perches {
    /// Gives every shard a socket, and reads the other end. Without any, the canary flies as far as the log.
    pub(super) async fn set_up(hub: &Inner) -> Self {
        Self::try_set_up(hub).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the delivery canary has no socket to come out of");
            Self(Vec::new())
        })
    }

    async fn try_set_up(hub: &Inner) -> io::Result<Self> {
        let client = ClientId::parse(CANARY).map_err(io::Error::other)?;
        let mut perches = Vec::new();
        for shard in 0..hub.shards.len() {
            let (near, far) = pair().await?;
            let (sender, receiver) = latest::channel(None);
            hub.shards.probe(shard, client.clone(), far);
            hub.tasks.spawn("canary's perch", watch_perch(near, sender, hub.tasks.token()));
            perches.push(receiver);
        }
        Ok(Self(perches))
    }

    /// Waits until the nonce has come out everywhere; else the first shard where it has not.
    async fn all_have(&self, nonce: u64, patience: Duration) -> Result<(), usize> {
        let until = tokio::time::Instant::now() + patience;
        for (shard, perch) in self.0.iter().enumerate() {
            let mut perch = perch.clone();
            let came = perch.wait_for(|newest| *newest == Some(nonce));
            match tokio::time::timeout_at(until, came).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return Err(shard),
            }
        }
        Ok(())
    }
}

/// Two connected sockets; the second is the shard's.
async fn pair() -> io::Result<(TcpStream, mio::net::TcpStream)> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let near = TcpStream::connect(listener.local_addr()?).await?;
    loop {
        let (far, peer) = listener.accept().await?;
        // Whoever else found this port is not us.
        if peer == near.local_addr()? {
            far.set_nodelay(true)?;
            return Ok((near, mio::net::TcpStream::from_std(far.into_std()?)));
        }
    }
}

/// Reads frames, and of each the nonce. It keeps no more than a frame's length, whatever comes.
async fn watch_perch(
    mut socket: TcpStream,
    newest: latest::Sender<Option<u64>>,
    stop: tokio_util::sync::CancellationToken,
) {
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = vec![0; READ];
    while let Some(Ok(length @ 1..)) = stop.run_until_cancelled(socket.read(&mut buffer)).await {
        kept.extend_from_slice(&buffer[..length]);
        if let Some(nonce) = newest_nonce(&kept) {
            newest.send_replace(Some(nonce));
        }
        kept.drain(..kept.len().saturating_sub(READ));
    }
}

/// Other hubs' canaries come out here too: which is ours is told by the number alone.
fn newest_nonce(bytes: &[u8]) -> Option<u64> {
    const MARK: &[u8] = br#""data":"canary-"#;
    let at = bytes.windows(MARK.len()).rposition(|window| window == MARK)? + MARK.len();
    let digits = std::str::from_utf8(bytes.get(at..at + 16)?).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

/// Sends canaries until the hub stops.
pub(super) async fn watch(hub: Arc<Inner>, perches: Perches) {
    let stop = hub.tasks.token();
    loop {
        let health = hub.now().health.clone();
        let found = fly(&hub, &perches, health.canary_timeout.as_std()).await;
        hub.canary.note(found.err(), hub.metrics.bus(), Instant::now());
        if stop.run_until_cancelled(tokio::time::sleep(health.canary_interval.as_std())).await.is_none() {
            return;
        }
    }
}

async fn fly(hub: &Inner, perches: &Perches, patience: Duration) -> Result<(), Broken> {
    let started = Instant::now();
    let Ok(mailbox) = ClientId::parse(CANARY) else { return Ok(()) };
    let nonce = fastrand::u64(..);
    let canary = Publication {
        target: Target::Client(mailbox),
        id: MessageId::Unicast.id(),
        message_type: None,
        data: Payload::json(format!("\"canary-{nonce:016x}\"")).ok(),
        from: None,
        ts: clock::unix_millis(),
        key: None,
    };
    let (receipt, answer) = Receipt::channel();
    hub.bus.publish(canary, receipt);
    let answer = timeout(patience, answer).await;
    let offset = match answer {
        Ok(Ok(offset)) => offset,
        Ok(Err(error)) => return Err(on_the_bus(hub.bus.health().broken, &error.to_string())),
        Err(_) => return Err(on_the_bus(hub.bus.health().broken, &format!("nothing within {patience:?}"))),
    };
    if let Err(shard) = perches.all_have(nonce, patience.saturating_sub(started.elapsed())).await {
        // Committed is acked even when the watch is late: then no shard can have it.
        if hub.log.now().1 < offset {
            return Err(on_the_bus(Some(BusHop::Watch), "etcd has it, and the watch does not bring it"));
        }
        return Err(in_the_shard(shard, hub.shards.handed(shard, PULSE).await, offset));
    }
    hub.metrics.bus().canary.observe_duration(started.elapsed());
    Ok(())
}

fn on_the_bus(hop: Option<BusHop>, reason: &str) -> Broken {
    match hop {
        Some(BusHop::Watch) => Broken::Watch(reason.to_owned()),
        Some(BusHop::Put) | None => Broken::Put(reason.to_owned()),
    }
}

/// `handed`: the newest offset that the shard's last pass was through with; `None` when its loop does not turn.
fn in_the_shard(shard: usize, handed: Option<Offset>, canary: Offset) -> Broken {
    match handed {
        Some(handed) if handed >= canary => Broken::Write(shard),
        Some(_) | None => Broken::Shard(shard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_shard_that_was_silent_for_a_minute_without_a_break_is_hung() {
        let (canary, stats, start) = (Canary::default(), BusStats::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let note = |found, seconds| canary.note(found, &stats, at(seconds));
        let silent = |shard| Some(Broken::Shard(shard));
        note(silent(0), 0);
        note(silent(0), 50);
        assert_eq!((canary.broken(), canary.hung(at(59))), (silent(0), None), "busy is not hung");
        assert_eq!(canary.hung(at(60)), silent(0));
        note(None, 61);
        note(silent(0), 62);
        assert_eq!(canary.hung(at(100)), None, "it answered in between");
        note(silent(1), 110);
        assert_eq!(canary.hung(at(125)), None, "another shard's silence is its own");
        note(Some(Broken::Put("etcd is away".to_owned())), 130);
        assert_eq!(canary.hung(at(1000)), None, "a restart does not mend the bus");
    }

    #[test]
    fn the_hop_is_the_first_that_did_not_pass_the_canary_on() {
        let canary = Offset::new(17, 3);
        assert_eq!(in_the_shard(1, None, canary), Broken::Shard(1), "its loop does not turn");
        assert_eq!(in_the_shard(1, Some(Offset::new(17, 2)), canary), Broken::Shard(1), "it has not come there");
        assert_eq!(in_the_shard(1, Some(canary), canary), Broken::Write(1));
        assert_eq!(on_the_bus(Some(BusHop::Watch), "x").hop(), "watch");
        assert_eq!(on_the_bus(None, "x").hop(), "put");
    }

    #[test]
    fn a_nonce_is_found_in_whatever_pieces_it_comes() {
        let frame = |nonce: u64| format!(r#"{{"message_id":21,"data":"canary-{nonce:016x}"}}"#).into_bytes();
        let mut bytes = frame(7);
        bytes.extend(frame(u64::MAX));
        assert_eq!(newest_nonce(&bytes), Some(u64::MAX));
        assert_eq!(newest_nonce(&bytes[..bytes.len() - 4]), None, "not whole yet");
        assert_eq!(newest_nonce(b""), None);
    }

    #[tokio::test]
    async fn what_is_written_to_one_end_of_a_pair_is_read_at_the_other() {
        use std::io::Write as _;
        let (near, mut far) = pair().await.expect("sockets of the loopback");
        let (sender, mut newest) = latest::channel(None);
        let stop = tokio_util::sync::CancellationToken::new();
        let reading = watch_perch(near, sender, stop.clone());
        let writing = async {
            far.write_all(br#"{"data":"canary-00000000000000ff"}"#).expect("it fits");
            let came = newest.wait_for(|newest| *newest == Some(255)).await.is_ok();
            stop.cancel();
            came
        };
        assert!(futures::join!(reading, writing).1);
    }
}
