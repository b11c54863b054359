//! Receiving: from a readable socket to events, with everything that keeps a peer within its bounds.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Stage;
use super::deadline::Due;
use super::inbox::ConnectionKey;
use super::trail::NO_CLOSE_FRAME;
use super::turn::Core;
use crate::blackbox::{By, What};
use crate::protocol::{CloseCode, Format, HubMessage};
use crate::ws::{Event, Inbound, frame};

/// Reads of one connection in one turn, so that a fast sender does not starve the others.
const READS_PER_TURN: usize = 16;
/// Bytes of unsent frames up to which every ping gets its own pong, in its place.
const PONGS_IN_ORDER: usize = 4 << 10;
/// Debt is looked at again after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A peer over its rate is told so when it has to wait longer than this; shorter waits it need not notice.
const WORTH_TELLING: Duration = Duration::from_millis(100);

impl Core {
    /// Reads what has come, until nothing is left, the peer is paused, or its share of the turn is used up.
    pub(super) fn read(&mut self, slot: usize) {
        for _ in 0..READS_PER_TURN {
            self.pause_debtor(slot);
            let Some(connection) = self.table.get(slot) else { return };
            if connection.paused.any() && connection.is_open() {
                connection.readable = true;
                return;
            }
            let mut scratch = std::mem::take(&mut self.scratch);
            let result = connection.transport.read(&mut scratch);
            let full = matches!(result, Ok(n) if n == scratch.len());
            let more = match result {
                Ok(0) => {
                    self.scratch = scratch;
                    return self.on_end(slot);
                }
                Ok(n) => {
                    self.stats.bytes_in.add(n as u64);
                    self.received(slot, &scratch[..n]);
                    true
                }
                Err(error) => {
                    matches!(error.kind(), io::ErrorKind::Interrupted) || {
                        self.scratch = scratch;
                        return self.on_read_error(slot, &error);
                    }
                }
            };
            self.scratch = scratch;
            // A short read has emptied the socket; the next bytes raise the next event, but an end that is already there does not.
            let Some(connection) = self.table.get(slot) else { return };
            let is_tls = matches!(connection.transport, super::transport::Transport::Tls(_));
            if !more || (!full && !connection.hung_up && !is_tls) {
                connection.readable = false;
                return;
            }
        }
        self.ready.push(slot);
    }

    fn on_read_error(&mut self, slot: usize, error: &io::Error) {
        if error.kind() == io::ErrorKind::WouldBlock {
            if let Some(connection) = self.table.get(slot) {
                connection.readable = false;
            }
            return;
        }
        if let Some(connection) = self.table.get(slot) {
            tracing::debug!(%error, connection = connection.identity.connection, "peer is gone");
        }
        self.note_stop(slot, By::Network, NO_CLOSE_FRAME, format!("reading failed: {}", error.kind()));
        self.remove(slot);
    }

    /// The peer has sent its last byte. It may still read: what it is owed, at least the answer to its close, is tried once.
    fn on_end(&mut self, slot: usize) {
        self.flush(slot);
        self.note_stop(slot, By::Network, NO_CLOSE_FRAME, "the peer ended the stream without a close frame");
        self.remove(slot);
    }

    /// Takes bytes of the stream, from the socket or from behind the handshake.
    pub(super) fn received(&mut self, slot: usize, bytes: &[u8]) {
        let now = Instant::now();
        let clock = self.clock(now);
        let Some(key) = self.table.key(slot) else { return };
        let Some(connection) = self.table.get(slot) else { return };
        connection.heard = clock;
        connection.pinged = None;
        self.counted = 0;
        if !connection.is_open() {
            return;
        }
        let mut inbound = std::mem::take(&mut connection.inbound);
        let mut pool = self.pool.lend();
        let outcome = inbound.receive(&mut pool, bytes, &mut |event| self.on_event(slot, clock, event));
        self.pool.take_back(pool);
        match outcome {
            Ok(ControlFlow::Continue(())) => {
                if let Some(connection) = self.table.get(slot) {
                    if inbound.has_begun() {
                        connection.unfinished = clock;
                    }
                    connection.inbound = inbound;
                    self.watch_message(key, now);
                }
            }
            Ok(ControlFlow::Break(())) => {}
            Err(fault) => {
                self.stats.protocol_errors.inc();
                self.close(slot, fault.code, fault.reason);
            }
        }
        self.settle_debts(slot, bytes.len(), clock, now);
    }

    /// Sees to it that a half received message has a deadline: one entry for each connection, however many messages come in pieces.
    fn watch_message(&mut self, key: ConnectionKey, now: Instant) {
        let (clock, timeout) = (self.clock(now), self.config.read_timeout);
        let Some(connection) = self.table.find(key) else { return };
        if connection.is_open()
            && connection.inbound.is_partial()
            && !std::mem::replace(&mut connection.message_watched, true)
        {
            let age = Duration::from_millis(clock.wrapping_sub(connection.unfinished).into());
            self.deadlines.add(now + timeout.saturating_sub(age), key, Due::Message);
        }
    }

    /// The deadline of a half received message; it may have been of one that has come since.
    pub(super) fn on_message_due(&mut self, key: ConnectionKey, now: Instant) {
        let (clock, timeout) = (self.clock(now), self.config.read_timeout);
        let Some(connection) = self.table.find(key) else { return };
        connection.message_watched = false;
        if !connection.is_open() || !connection.inbound.is_partial() {
            return;
        }
        if connection.paused.any() {
            // While we do not listen the peer cannot finish.
            connection.unfinished = clock;
        }
        let age = Duration::from_millis(clock.wrapping_sub(connection.unfinished).into());
        if age >= timeout {
            return self.close(key.slot, CloseCode::PolicyViolation, "message not complete within server.read_timeout");
        }
        self.watch_message(key, now);
    }

    pub(super) fn settle_debts(&mut self, slot: usize, bytes: usize, clock: u32, now: Instant) {
        let rate = self.config.byte_rate as f32;
        let (message_rate, burst) = self.message_rate();
        let out_buffer = self.config.out_buffer;
        let max_inflight = self.config.max_inflight;
        let Some(key) = self.table.key(slot) else { return };
        let Some(connection) = self.table.get(slot) else { return };
        connection.paused.answers = connection.direct_pending() > out_buffer;
        connection.paused.inflight = connection.inflight >= max_inflight;
        let own = if rate > 0.0 { connection.bytes.take(bytes as f32, rate, rate, clock) } else { None };
        // Both debts and the whole of them: one read may have brought thousands of messages.
        let messages =
            if message_rate > 0.0 { connection.messages.take(0.0, message_rate, burst, clock) } else { None };
        let shared = self.charge(slot, bytes, now);
        let limit = match () {
            () if shared > own.max(messages) => "the client's or the address's rate",
            () if messages > own => "limits.message_rate",
            () => "limits.byte_rate",
        };
        self.pause(key, slot, own.max(messages).max(shared), now, limit);
    }

    /// Messages a second of one connection, and how many at once; 0: any number.
    fn message_rate(&self) -> (f32, f32) {
        (self.config.message_rate as f32, self.config.message_burst.max(1) as f32)
    }

    /// Charges what was read to the accounts of the client and the address.
    fn charge(&mut self, slot: usize, bytes: usize, now: Instant) -> Option<Duration> {
        if !self.config.shared.any() {
            return None;
        }
        let connection = self.table.get(slot)?;
        let accounts = connection.accounts(&self.quotas, now);
        let (wait, debtor) = accounts.charge(self.counted, bytes as u64, &self.config.shared, now)?;
        self.stats.shared_debts.inc(debtor.label());
        Some(wait)
    }

    /// Stops reading from a connection whose client or address is in debt, by whatever connection.
    pub(super) fn pause_debtor(&mut self, slot: usize) {
        if !self.config.shared.any() {
            return;
        }
        let Some(connection) = self.table.get(slot).filter(|one| one.is_open() && !one.paused.debt) else { return };
        let now = Instant::now();
        if let Some((wait, _)) = connection.accounts(&self.quotas, now).debt(&self.config.shared, now)
            && let Some(key) = self.table.key(slot)
        {
            // Not all at the same moment, or the first of them were always the same.
            let wait = Some(wait.mul_f64(1.0 + fastrand::f64() / 4.0));
            self.pause(key, slot, wait, now, "the client's or the address's rate");
        }
    }

    fn pause(&mut self, key: ConnectionKey, slot: usize, wait: Option<Duration>, now: Instant, limit: &'static str) {
        let (Some(wait), Some(connection)) = (wait, self.table.get(slot)) else { return };
        // Longer waits are looked at again in between: the limit may be another by then.
        let wait = wait.min(LONGEST_PAUSE);
        if std::mem::replace(&mut connection.paused.debt, true) {
            return;
        }
        let is_told = wait >= WORTH_TELLING && !connection.identity.echo;
        self.deadlines.add(now + wait, key, Due::Resume);
        self.note(slot, What::Limited(limit));
        if let Some(mut session) = self.session(slot).filter(|_| is_told) {
            session.reply(&HubMessage::Retry { after_ms: wait.as_millis() as u64, reason: "rate_limited" });
        }
    }

    fn on_event(&mut self, slot: usize, clock: u32, event: Event<'_>) -> ControlFlow<()> {
        let Some(connection) = self.table.get(slot) else { return ControlFlow::Break(()) };
        match event {
            Event::Text(bytes) | Event::Binary(bytes) if connection.identity.echo => {
                let opcode = if matches!(event, Event::Text(_)) { frame::TEXT } else { frame::BINARY };
                frame::whole(opcode, bytes, &mut connection.direct);
                self.enqueue(slot);
            }
            Event::Text(bytes) if connection.format == Format::Json => self.on_message(slot, clock, bytes),
            Event::Binary(bytes) if connection.format == Format::Cbor => self.on_message(slot, clock, bytes),
            Event::Text(_) => self.close(slot, CloseCode::UnsupportedData, "text on a connection of the binary form"),
            Event::Binary(_) => self.close(slot, CloseCode::UnsupportedData, "binary on a connection of the JSON form"),
            Event::Ping(payload) => {
                // In order while the peer reads; of a flood that it does not read only the newest needs an answer.
                if connection.pong.is_none() && connection.direct_pending() < PONGS_IN_ORDER {
                    frame::whole(frame::PONG, payload, &mut connection.direct);
                } else {
                    connection.pong = Some(payload.into());
                }
                self.enqueue(slot);
                self.on_control(slot, clock);
            }
            Event::Pong(_) => {
                self.stats.pongs.inc();
                self.on_control(slot, clock);
            }
            Event::Close(code) => self.answer_close(slot, code),
        }
        let is_open = self.table.get(slot).is_some_and(|connection| connection.is_open());
        if is_open { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn on_control(&mut self, slot: usize, clock: u32) {
        let rate = self.config.control_rate as f32;
        let Some(connection) = self.table.get(slot) else { return };
        if rate > 0.0 && connection.control.take(1.0, rate, rate, clock).is_some() {
            self.close(slot, CloseCode::PolicyViolation, "more control frames than limits.control_rate");
        }
    }

    fn on_message(&mut self, slot: usize, clock: u32, bytes: &[u8]) {
        let (rate, burst) = self.message_rate();
        let Some(connection) = self.table.get(slot) else { return };
        connection.heard_app = clock;
        connection.app_pinged = None;
        self.counted += 1;
        if rate > 0.0 {
            connection.messages.take(1.0, rate, burst, clock);
        }
        if connection.paused.verdict {
            return self.hold(slot, bytes);
        }
        let application = Arc::clone(&self.application);
        if let Some(mut session) = self.session(slot) {
            application.message(&mut session, bytes);
        }
    }

    /// The peer closes: its close is answered with its own code, and the stream ends.
    fn answer_close(&mut self, slot: usize, code: Option<u16>) {
        let Some(connection) = self.table.get(slot) else { return };
        match code {
            Some(code) => frame::close(code, "", &mut connection.direct),
            None => frame::whole(frame::CLOSE, &[], &mut connection.direct),
        }
        self.note_stop(slot, By::Client, code.unwrap_or(1005), "the client closed");
        self.begin_closing(slot, code.unwrap_or(1005));
    }

    /// Closes the connection from our side. What is left of a cut frame goes out first; nothing more of the log does.
    pub(super) fn close(&mut self, slot: usize, code: CloseCode, reason: &str) {
        let Some(connection) = self.table.get(slot) else { return };
        if !connection.is_open() {
            return;
        }
        tracing::debug!(connection = connection.identity.connection, client = %connection.identity.client, code = code.code(), reason, "closing connection");
        self.note_stop(slot, By::Hub, code.code(), reason.to_owned());
        let Some(connection) = self.table.get(slot) else { return };
        frame::close(code.code(), reason, &mut connection.direct);
        self.begin_closing(slot, code.code());
    }

    fn begin_closing(&mut self, slot: usize, code: u16) {
        let Some(key) = self.table.key(slot) else { return };
        let Some(connection) = self.table.get(slot) else { return };
        connection.stage = Stage::Closing { code, finished: false };
        connection.lagging = false;
        connection.replay = Vec::new();
        connection.missed = None;
        connection.pong = None;
        // Nothing more is read as messages: what is half received is of no use.
        connection.inbound = Inbound::default();
        connection.paused = super::connection::Paused::default();
        self.deadlines.add(Instant::now() + self.config.close_timeout, key, Due::Closing);
        self.enqueue(slot);
        self.ready.push(slot);
    }
}
