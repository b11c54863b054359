//! What is published, by whom, and when: lanes of numbered messages, in a closed or an open loop.

use crate::fleet::Fleet;
use crate::frame::{opcode, write_client};
use crate::receipts::Receipts;
use crate::stamp::{Stamp, WIDTH};
use crate::wire::{Format, Request};

/// When the next message goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// So many messages are under way; one counts until its lane's witness has received it.
    Closed { outstanding: u32 },
    /// So many messages per second, whatever happens; latency counts from the time a message was due.
    Open { per_second: f64 },
}

/// One stream: a publisher, a target, and the connections that must receive every message of it.
#[derive(Debug)]
pub(crate) struct Lane {
    publisher: usize,
    witness: usize,
    receivers: u64,
    sent: u32,
    frame: Vec<u8>,
    stamp_at: usize,
    reference_at: Option<usize>,
}

impl Lane {
    /// A lane whose messages are `request` with `payload` bytes of `data`; `acked` asks for an ack by `ref`.
    pub(crate) fn new(
        format: Format,
        publisher: usize,
        witness: usize,
        receivers: u64,
        request: Request<'_>,
        payload: usize,
        acked: bool,
    ) -> Self {
        let mut data = vec![b'x'; payload.max(WIDTH)];
        Stamp { stream: 0, sequence: 0, sent: 0 }.write(&mut data);
        let mut reference = [0; WIDTH];
        Stamp { stream: 0, sequence: 0, sent: 0 }.write_reference(&mut reference);
        let text = |bytes| std::str::from_utf8(bytes).expect("stamps and padding are ASCII");
        let request = Request { data: Some(text(&data)), reference: acked.then(|| text(&reference)), ..request };
        let mut frame = Vec::new();
        let kind = if format == Format::Json { opcode::TEXT } else { opcode::BINARY };
        write_client(kind, &request.encode(format), &mut frame);
        let find = |what: &[u8]| frame.windows(what.len()).position(|window| window == what);
        let stamp_at = find(&data[..WIDTH]).expect("the stamp was just put there");
        let reference_at = acked.then(|| find(&reference).expect("the reference was just put there"));
        Self { publisher, witness, receivers, sent: 0, frame, stamp_at, reference_at }
    }

    fn write(&mut self, stream: u32, sent: u64, out: &mut Vec<u8>) {
        let stamp = Stamp { stream, sequence: self.sent, sent };
        stamp.write(&mut self.frame[self.stamp_at..]);
        if let Some(at) = self.reference_at {
            stamp.write_reference(&mut self.frame[at..]);
        }
        out.extend_from_slice(&self.frame);
        self.sent += 1;
    }
}

/// All lanes of a run; lane `i` is stream `i`.
#[derive(Debug)]
pub(crate) struct Load {
    lanes: Vec<Lane>,
    pace: Pace,
    /// The lane whose turn it is.
    turn: usize,
    due: Option<f64>,
    dirty: Vec<usize>,
}

impl Load {
    pub(crate) fn new(lanes: Vec<Lane>, pace: Pace) -> Self {
        Self { lanes, pace, turn: 0, due: None, dirty: Vec::new() }
    }

    /// Publishes what is allowed or due at `now`.
    pub(crate) fn publish(&mut self, now: u64, fleet: &mut Fleet, receipts: &Receipts) {
        match self.pace {
            Pace::Closed { outstanding } => {
                let under_way = self.under_way(receipts);
                for _ in under_way..u64::from(outstanding) {
                    self.publish_one(now, fleet);
                }
            }
            Pace::Open { per_second } => {
                let interval = 1e9 / per_second;
                let mut due = self.due.unwrap_or(now as f64);
                while due <= now as f64 {
                    self.publish_one(due as u64, fleet);
                    due += interval;
                }
                self.due = Some(due);
            }
        }
        for publisher in self.dirty.drain(..) {
            fleet.flush(publisher);
        }
    }

    fn publish_one(&mut self, sent: u64, fleet: &mut Fleet) {
        let stream = self.turn;
        self.turn = (self.turn + 1) % self.lanes.len();
        let lane = &mut self.lanes[stream];
        lane.write(stream as u32, sent, fleet.queue(lane.publisher));
        if self.dirty.last() != Some(&lane.publisher) {
            self.dirty.push(lane.publisher);
        }
    }

    fn under_way(&self, receipts: &Receipts) -> u64 {
        let lanes = self.lanes.iter().enumerate();
        lanes
            .map(|(stream, lane)| u64::from(lane.sent.saturating_sub(receipts.seen(lane.witness, stream as u32))))
            .sum()
    }

    /// When the next message is due in an open loop, in the unit of [`crate::clock::now`].
    pub(crate) fn due(&self) -> Option<u64> {
        self.due.map(|due| due as u64)
    }

    /// Messages published so far.
    pub(crate) fn published(&self) -> u64 {
        self.lanes.iter().map(|lane| u64::from(lane.sent)).sum()
    }

    /// Deliveries that must come of what was published.
    pub(crate) fn expected(&self) -> u64 {
        self.lanes.iter().map(|lane| u64::from(lane.sent) * lane.receivers).sum()
    }

    /// Messages published in one stream.
    pub(crate) fn sent(&self, stream: u32) -> u32 {
        self.lanes.get(stream as usize).map_or(0, |lane| lane.sent)
    }

    /// The pace the run was asked for.
    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frames;
    use crate::wire::id;

    #[test]
    fn a_lane_numbers_its_messages_in_both_forms() {
        for format in [Format::Json, Format::Cbor] {
            let request = Request { message_id: id::BROADCAST, ..Request::default() };
            let mut lane = Lane::new(format, 0, 0, 1, request, 128, true);
            let mut out = Vec::new();
            lane.write(7, 99, &mut out);
            lane.write(7, 100, &mut out);
            // The header of a masked frame with key zero, made readable for the scanner of server frames.
            let half = out.len() / 2;
            for (at, bytes) in [&out[..half], &out[half..]].iter().enumerate() {
                let mut hint = 0;
                assert_eq!(
                    Stamp::find(bytes, &mut hint),
                    Some(Stamp { stream: 7, sequence: at as u32, sent: 99 + at as u64 })
                );
                assert_eq!(bytes[1] & 128, 128);
            }
            assert_eq!(Frames::new(&out).next(), None, "a masked frame is not a server's");
        }
    }
}
