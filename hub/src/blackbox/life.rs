//! A connection's life as it is told: over the API, between hubs, and by `gohub why`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::archive::Ended;
use super::trail::{Event, What};
use crate::inventory::Missing;

/// What became of connections of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lives {
    /// The client.
    pub client_id: String,
    /// Its connections, the newest first: those that are open, and those that ended not too long ago.
    pub lives: Vec<Life>,
    /// Hubs that did not answer: connections there are not here.
    pub missing: Vec<Missing>,
}

/// A connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Life {
    /// Its hub.
    pub node: String,
    /// Its id on that hub.
    pub connection: String,
    /// The peer's address and port.
    pub address: String,
    /// Its subprotocol.
    pub format: String,
    /// Since when it is open, unix milliseconds.
    pub opened_at: u64,
    /// Whether it could go on where it was; absent when it did not ask for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<bool>,
    /// What it did and got.
    pub counts: Counts,
    /// What happened, oldest first.
    pub events: Vec<Entry>,
    /// Events that were let go for newer ones (`why.events`).
    pub events_dropped: u64,
    /// How it stands; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Waiting>,
    /// How it ended; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Ending>,
}

/// What a connection did and got.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Messages it published, those that failed afterwards included.
    pub published: u64,
    /// Requests that were refused, and publications that failed.
    pub refused: u64,
    /// Messages of others, and its own, that the kernel took for it.
    pub delivered: u64,
    /// Bytes that the kernel, or the TLS session, took for it.
    pub bytes_sent: u64,
}

/// Something happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// When, unix milliseconds.
    pub at: u64,
    /// When the last time, if it happened several times in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// How often in a row.
    pub times: u32,
    /// `joined`, `left`, `published`, `refused`, `limited`, `blocked`, `gap`, `new_epoch`, `token_ends`, `refreshed`, `rights_changed`, `drain`; newer hubs may know
    /// more.
    pub what: String,
    /// The room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Whose doing: `client`, `back_end`, `rights`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The error code, the limit, or the reason of a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// More, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What waits for an open connection, and what it waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// The rooms it is in.
    pub rooms: Vec<String>,
    /// Bytes made for it alone that the kernel has not taken yet.
    pub unsent_bytes: u64,
    /// Bytes of messages that it has not been sent, up to `slow_client.max_pending`.
    pub pending_bytes: u64,
    /// Whether the kernel takes no more for it: the peer does not read.
    pub blocked: bool,
    /// Whether the hub does not read from it, because it is over a limit.
    pub paused: bool,
    /// Requests of it that are under way.
    pub inflight: u32,
    /// Milliseconds since something came from it.
    pub silent_ms: u64,
    /// Milliseconds until its token ends; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
}

/// How a connection ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ending {
    /// When, unix milliseconds.
    pub at: u64,
    /// The close code; 1006 when there was none.
    pub code: u16,
    /// Whose doing: `client`, `hub`, `network`.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Bytes made for it alone that had not been sent.
    pub unsent_bytes: u64,
    /// Bytes of the log, for whomever they were, that it had not passed.
    pub behind_bytes: u64,
}

impl Life {
    /// The life of a connection, from what its shard knows. `now` is for one that lives.
    pub fn of(ended: &Ended, node: &str, now: Option<Waiting>) -> Self {
        let trail = &ended.trail;
        let at = |clock: u32| ended.opened_at + u64::from(clock.wrapping_sub(ended.opened));
        let end = trail.stop.as_ref().map(|stop| Ending {
            at: ended.ended_at,
            code: stop.code,
            by: stop.by.name().to_owned(),
            reason: stop.reason.clone().into_owned(),
            unsent_bytes: stop.unsent,
            behind_bytes: stop.behind,
        });
        Self {
            node: node.to_owned(),
            connection: ended.connection.to_string(),
            address: ended.address.to_string(),
            format: ended.format.subprotocol().to_owned(),
            opened_at: ended.opened_at,
            recovered: trail.recovered,
            counts: Counts {
                published: trail.published,
                refused: trail.refused,
                delivered: trail.delivered,
                bytes_sent: trail.bytes,
            },
            events: trail.events.iter().map(|event| Entry::of(event, at)).collect(),
            events_dropped: u64::from(trail.dropped),
            now,
            end,
        }
    }
}

impl Entry {
    fn of(event: &Event, at: impl Fn(u32) -> u64) -> Self {
        let Event { what, times, .. } = event;
        let until = (*times > 1).then(|| at(event.until));
        let entry =
            |name: &str| Self { at: at(event.at), until, times: *times, what: name.to_owned(), ..Self::default() };
        match what {
            What::Joined(room, by) => {
                Self { room: Some(room.to_string()), by: Some(by.name().to_owned()), ..entry("joined") }
            }
            What::Left(room, by) => {
                Self { room: Some(room.to_string()), by: Some(by.name().to_owned()), ..entry("left") }
            }
            What::Published => entry("published"),
            What::Refused(code) => Self { code: Some(code.name().to_owned()), ..entry("refused") },
            What::Limited(limit) => Self { code: Some((*limit).to_owned()), ..entry("limited") },
            What::Blocked(bytes) => Self { detail: Some(format!("up to {bytes} bytes waited")), ..entry("blocked") },
            What::Gap(missed) => {
                let count = missed.count.map_or_else(|| "nobody knows how many".to_owned(), |count| count.to_string());
                let detail = format!("{count} messages, {} to {}", missed.from, missed.to);
                Self { code: Some(missed.reason.name().to_owned()), detail: Some(detail), ..entry("gap") }
            }
            What::Epoch(recovered) => {
                let detail = if *recovered { "nothing was lost" } else { "something was lost" };
                Self { detail: Some(detail.to_owned()), ..entry("new_epoch") }
            }
            What::TokenEnds(ms) => Self { detail: Some(format!("closes in {ms} ms")), ..entry("token_ends") },
            What::Refreshed => entry("refreshed"),
            What::Imposed => entry("rights_changed"),
            What::Drain(ms) => Self { detail: Some(format!("closes in {ms} ms")), ..entry("drain") },
        }
    }
}
