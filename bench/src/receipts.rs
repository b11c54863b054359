//! Everything the fleet received, judged: the one [`Sink`] of all measurements.
//!
//! A delivery costs here: find the stamp, one comparison in the ledger, two counters. Whatever has no stamp is a
//! message of the hub's own and takes the slow path.

use crate::connection::Sink;
use crate::latency::Latency;
use crate::ledger::{Ledger, Verdict};
use crate::stamp::Stamp;
use crate::wire::{Control, Format, id};

/// At most this many anomalies are kept in words.
const NOTES: usize = 8;

/// Counts and ledgers of one run.
#[derive(Debug)]
pub(crate) struct Receipts {
    format: Format,
    hint: usize,
    ledgers: Vec<Ledger>,
    /// One rolling hash of (stream, number) per connection, when the order across streams is checked.
    orders: Option<Vec<u64>>,
    /// A latency is recorded when `sequence & mask == 0`.
    mask: u32,
    pub(crate) latency: Latency,
    pub(crate) ack_latency: Latency,
    pub(crate) delivered: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    /// Deliveries to a connection that had not subscribed.
    pub(crate) misdelivered: u64,
    pub(crate) welcomed: u64,
    pub(crate) acks: u64,
    pub(crate) errors: u64,
    pub(crate) gaps: u64,
    /// Messages that gaps said will not come, as far as they said how many.
    pub(crate) gap_messages: u64,
    pub(crate) fragments: u64,
    pub(crate) unreadable: u64,
    /// Connections that sent an application-level ping and wait for the pong.
    pub(crate) pinged: Vec<usize>,
    /// The first anomalies, in words.
    pub(crate) notes: Vec<String>,
}

impl Receipts {
    /// Ledgers for `connections` connections that expect nothing yet.
    pub(crate) fn new(format: Format, connections: usize) -> Self {
        Self {
            format,
            hint: 0,
            ledgers: std::iter::repeat_with(Ledger::default).take(connections).collect(),
            orders: None,
            mask: 0,
            latency: Latency::default(),
            ack_latency: Latency::default(),
            delivered: 0,
            duplicated: 0,
            reordered: 0,
            misdelivered: 0,
            welcomed: 0,
            acks: 0,
            errors: 0,
            gaps: 0,
            gap_messages: 0,
            fragments: 0,
            unreadable: 0,
            pinged: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Expects `stream` on a connection.
    pub(crate) fn expect(&mut self, connection: usize, stream: u32) {
        self.ledgers[connection].expect(stream);
    }

    /// Records only one latency in `2^bits`.
    pub(crate) fn sample(&mut self, bits: u32) {
        self.mask = (1 << bits) - 1;
    }

    /// One latency in this many is recorded.
    pub(crate) fn sampled_one_in(&self) -> u32 {
        self.mask + 1
    }

    /// Checks from now on that all connections see all streams in the same order.
    pub(crate) fn check_order(&mut self) {
        self.orders = Some(vec![0; self.ledgers.len()]);
    }

    /// How many different orders were seen; 1 when all connections agree, `None` when not checked.
    pub(crate) fn orders(&self) -> Option<usize> {
        let mut orders = self.orders.clone()?;
        orders.sort_unstable();
        orders.dedup();
        Some(orders.len())
    }

    /// One more than the highest number of `stream` a connection received.
    pub(crate) fn seen(&self, connection: usize, stream: u32) -> u32 {
        self.ledgers[connection].seen(stream)
    }

    /// Messages that did not come, over all connections.
    pub(crate) fn lost(&self, sent: impl Fn(u32) -> u32 + Copy) -> u64 {
        self.ledgers.iter().map(|ledger| ledger.lost(sent)).sum()
    }

    /// Deliveries that were not there before, wherever they belong.
    pub(crate) fn fresh(&self) -> u64 {
        self.delivered - self.duplicated - self.misdelivered
    }

    #[cold]
    fn anomaly(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::InOrder | Verdict::Ahead => {}
            Verdict::Late => self.reordered += 1,
            Verdict::Duplicate => self.duplicated += 1,
            Verdict::Stray => self.misdelivered += 1,
        }
    }

    #[cold]
    fn control(&mut self, connection: usize, payload: &[u8], now: u64) {
        let Some(control) = Control::decode(self.format, payload) else {
            self.unreadable += 1;
            return self.note(|| {
                format!("c{connection}: unreadable: {}", String::from_utf8_lossy(&payload[..payload.len().min(120)]))
            });
        };
        match control.message_id {
            id::WELCOME => self.welcomed += 1,
            id::PING => self.pinged.push(connection),
            id::ACK => {
                self.acks += 1;
                if let Some(stamp) = control.reference.as_deref().and_then(Stamp::from_reference) {
                    self.ack_latency.record(now.saturating_sub(stamp.sent));
                }
            }
            id::ERROR => {
                self.errors += 1;
                let Control { code, message, .. } = control;
                self.note(|| {
                    format!("c{connection}: error {}: {}", code.unwrap_or_default(), message.unwrap_or_default())
                });
            }
            id::GAP => {
                self.gaps += 1;
                self.gap_messages += control.count.unwrap_or(0);
                self.note(|| {
                    format!("c{connection}: gap of {:?}: {}", control.count, control.reason.unwrap_or_default())
                });
            }
            _ => {}
        }
    }

    fn note(&mut self, note: impl FnOnce() -> String) {
        if self.notes.len() < NOTES {
            self.notes.push(note());
        }
    }
}

impl Sink for Receipts {
    #[inline]
    fn message(&mut self, connection: usize, payload: &[u8], now: u64) {
        let Some(stamp) = Stamp::find(payload, &mut self.hint) else { return self.control(connection, payload, now) };
        let verdict = self.ledgers[connection].enter(stamp.stream, stamp.sequence);
        if verdict != Verdict::InOrder {
            self.anomaly(verdict);
        }
        self.delivered += 1;
        if stamp.sequence & self.mask == 0 {
            self.latency.record(now.saturating_sub(stamp.sent));
        }
        if let Some(orders) = &mut self.orders {
            let mark = u64::from(stamp.stream) << 32 | u64::from(stamp.sequence);
            orders[connection] = (orders[connection].rotate_left(5) ^ mark).wrapping_mul(0x517C_C1B7_2722_0A95);
        }
    }

    fn fragment(&mut self, connection: usize) {
        self.fragments += 1;
        self.note(|| format!("c{connection}: a fragmented message or an unknown opcode"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::WIDTH;

    fn delivery(stream: u32, sequence: u32) -> Vec<u8> {
        let mut text = [0; WIDTH];
        Stamp { stream, sequence, sent: 0 }.write(&mut text);
        format!(r#"{{"message_id":20,"data":"{}"}}"#, std::str::from_utf8(&text).unwrap()).into_bytes()
    }

    #[test]
    fn deliveries_are_judged_per_connection() {
        let mut receipts = Receipts::new(Format::Json, 2);
        (0..2).for_each(|connection| receipts.expect(connection, 1));
        for (connection, stream, sequence) in [(0, 1, 0), (0, 1, 2), (0, 1, 1), (1, 1, 0), (1, 1, 0), (1, 2, 0)] {
            receipts.message(connection, &delivery(stream, sequence), 1);
        }
        assert_eq!(
            (receipts.delivered, receipts.fresh(), receipts.reordered, receipts.duplicated, receipts.misdelivered),
            (6, 4, 1, 1, 1)
        );
        assert_eq!(receipts.lost(|_| 3), 2);
    }

    #[test]
    fn two_connections_that_saw_another_order_are_told_apart() {
        let mut receipts = Receipts::new(Format::Json, 3);
        receipts.check_order();
        for (connection, order) in [(0, [1, 2]), (1, [1, 2]), (2, [2, 1])] {
            for stream in order {
                receipts.expect(connection, stream);
                receipts.message(connection, &delivery(stream, 0), 1);
            }
        }
        assert_eq!(receipts.orders(), Some(2));
        assert_eq!(receipts.lost(|_| 1), 0);
    }

    #[test]
    fn the_hubs_own_messages_are_counted_by_kind() {
        let mut receipts = Receipts::new(Format::Json, 1);
        for text in [
            r#"{"message_id":3}"#,
            r#"{"message_id":4,"ref":"x"}"#,
            r#"{"message_id":5,"code":"forbidden","message":"no"}"#,
            r#"{"message_id":31,"count":7,"reason":"slow"}"#,
            r#"{"message_id":1}"#,
            "?",
        ] {
            receipts.message(0, text.as_bytes(), 1);
        }
        assert_eq!(
            (
                receipts.welcomed,
                receipts.acks,
                receipts.errors,
                receipts.gaps,
                receipts.gap_messages,
                receipts.unreadable
            ),
            (1, 1, 1, 1, 7, 1)
        );
        assert_eq!(receipts.pinged, [0]);
        assert_eq!(receipts.notes.len(), 3);
    }
}
