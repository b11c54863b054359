//! The guard: reads frame headers before any library does, to hold limits that libraries do not have and to know where messages end.
//!
//! It looks at headers only (masking, length, FIN) and skips payloads, so it costs a few nanoseconds a frame. What it refuses: unmasked frames,
//! lengths not minimally encoded or beyond 63 bits (RFC 6455 section 5.2), messages over the limit *at the header*, before a byte is kept, and
//! messages in too many fragments, empty ones counted.

use super::Fault;
use crate::protocol::CloseCode;

/// The longest header a client can send: 2 bytes, 8 of length, 4 of mask.
const MAX_HEADER: usize = 14;

/// What one message may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Bytes of a whole message, all fragments together.
    pub max_message: u64,
    /// Fragments of a message.
    pub max_fragments: u32,
}

/// Where one connection's stream stands between frames.
#[derive(Debug, Default)]
pub struct Guard {
    header: [u8; MAX_HEADER],
    have: u8,
    /// Payload bytes of the current frame still to come.
    payload_left: u64,
    /// Of the message under way: fragments so far (0: none under way) and bytes announced so far.
    fragments: u32,
    message: u64,
}

/// What the guard found.
#[derive(Debug, PartialEq, Eq)]
pub struct Scanned {
    /// So many bytes of the input are fine.
    pub valid: usize,
    /// What comes after them breaks this.
    pub fault: Option<Fault>,
    /// No message that began before this input is under way any more.
    pub fresh: bool,
}

impl Guard {
    /// Reads through the next bytes of the stream.
    pub fn scan(&mut self, input: &[u8], limits: FrameLimits) -> Scanned {
        let mut at = 0;
        let mut fresh = self.is_between_messages();
        loop {
            let skip = self.payload_left.min((input.len() - at) as u64);
            self.payload_left -= skip;
            at += skip as usize;
            fresh |= self.is_between_messages();
            if at == input.len() {
                return Scanned { valid: at, fault: None, fresh };
            }
            let frame_start = at - usize::from(self.have).min(at);
            while at < input.len() && usize::from(self.have) < self.header_length() {
                self.header[usize::from(self.have)] = input[at];
                self.have += 1;
                at += 1;
            }
            if usize::from(self.have) < self.header_length() {
                return match self.check_early() {
                    Ok(()) => Scanned { valid: at, fault: None, fresh },
                    Err(fault) => Scanned { valid: frame_start, fault: Some(fault), fresh },
                };
            }
            if let Err(fault) = self.check_early().and_then(|()| self.enter(limits)) {
                return Scanned { valid: frame_start, fault: Some(fault), fresh };
            }
            self.have = 0;
        }
    }

    /// Between two messages: nothing of the next one has come yet.
    pub fn is_between_messages(&self) -> bool {
        self.have == 0 && self.payload_left == 0 && self.fragments == 0
    }

    fn header_length(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let extended = match self.header[1] & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        2 + extended + mask
    }

    /// What is wrong as soon as two bytes are there.
    fn check_early(&self) -> Result<(), Fault> {
        if self.have >= 2 && self.header[1] & 0x80 == 0 {
            return Err(Fault::protocol("client frame is not masked"));
        }
        Ok(())
    }

    /// The header is complete: counts the frame.
    fn enter(&mut self, limits: FrameLimits) -> Result<(), Fault> {
        let length = self.length()?;
        let is_final = self.header[0] & 0x80 != 0;
        let opcode = self.header[0] & 0x0F;
        self.payload_left = length;
        if opcode >= 0x8 {
            // The library judges control frames; none is longer than this, so nothing large is ever buffered for one.
            return if length > super::frame::MAX_CONTROL as u64 {
                Err(Fault::protocol("control frame over 125 bytes"))
            } else {
                Ok(())
            };
        }
        self.message = self.message.saturating_add(length);
        self.fragments += 1;
        if self.message > limits.max_message {
            return Err(Fault { code: CloseCode::MessageTooBig, reason: "message over limits.max_message" });
        }
        if self.fragments > limits.max_fragments {
            return Err(Fault { code: CloseCode::PolicyViolation, reason: "message over limits.max_fragments" });
        }
        if is_final {
            self.fragments = 0;
            self.message = 0;
        }
        Ok(())
    }

    fn length(&self) -> Result<u64, Fault> {
        let head = &self.header;
        let (length, least) = match head[1] & 0x7F {
            126 => (u64::from(u16::from_be_bytes([head[2], head[3]])), 126),
            127 => {
                (u64::from_be_bytes([head[2], head[3], head[4], head[5], head[6], head[7], head[8], head[9]]), 1 << 16)
            }
            short => (u64::from(short), 0),
        };
        if length >> 63 != 0 {
            return Err(Fault::protocol("frame length has its top bit set"));
        }
        if length < least {
            return Err(Fault::protocol("frame length is not minimally encoded"));
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FrameLimits = FrameLimits { max_message: 1000, max_fragments: 3 };

    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut out = vec![first];
        match length {
            0..126 => out.push(0x80 | length as u8),
            126..65_536 => {
                out.push(0x80 | 126);
                out.extend((length as u16).to_be_bytes());
            }
            _ => {
                out.push(0x80 | 127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        out.extend([1, 2, 3, 4]);
        out.extend(std::iter::repeat_n(9, length));
        out
    }

    fn code(input: &[u8]) -> Option<CloseCode> {
        Guard::default().scan(input, LIMITS).fault.map(|fault| fault.code)
    }

    #[test]
    fn messages_end_where_they_end_however_the_stream_is_cut() {
        let stream: Vec<u8> =
            [frame(0x81, 5), frame(0x01, 200), frame(0x89, 3), frame(0x80, 0), frame(0x82, 1000)].concat();
        for step in 1..stream.len() {
            let mut guard = Guard::default();
            for part in stream.chunks(step) {
                let Scanned { valid, fault, .. } = guard.scan(part, LIMITS);
                assert_eq!((valid, fault), (part.len(), None));
            }
            assert!(guard.is_between_messages());
        }
        let mut guard = Guard::default();
        guard.scan(&frame(0x01, 5), LIMITS);
        assert!(!guard.is_between_messages(), "a fragment is not a message");
    }

    #[test]
    fn a_message_is_fresh_when_the_one_before_it_has_ended() {
        let mut guard = Guard::default();
        let mut fresh = |input: &[u8]| guard.scan(input, LIMITS).fresh;
        assert!(fresh(&frame(0x01, 5)), "began here");
        assert!(!fresh(&frame(0x89, 5)), "a ping in between ends no message");
        assert!(!fresh(&frame(0x00, 5)));
        assert!(fresh(&[frame(0x80, 5), vec![0x81]].concat()), "the next one has begun");
        assert!(!fresh(&[0x85]));
        assert!(!fresh(&[0; 8]), "one byte is still missing");
        assert!(fresh(&[0]));
    }

    #[test]
    fn what_stands_before_a_fault_is_still_valid() {
        let good = frame(0x81, 5);
        let bad = [good.clone(), vec![0x81, 0x05]].concat();
        let scanned = Guard::default().scan(&bad, LIMITS);
        assert_eq!(scanned.valid, good.len());
        assert_eq!(scanned.fault.map(|fault| fault.code), Some(CloseCode::ProtocolError));
    }

    #[test]
    fn lengths_are_judged_at_the_header() {
        assert_eq!(code(&[0x82, 0xFF, 0, 0, 0, 0, 6, 64, 0, 0, 1, 2, 3, 4, 9]), Some(CloseCode::MessageTooBig));
        assert_eq!(code(&[0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), Some(CloseCode::ProtocolError));
        assert_eq!(code(&[0x82, 0xFE, 0, 125, 1, 2, 3, 4]), Some(CloseCode::ProtocolError));
        assert_eq!(code(&[0x82, 0xFF, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 3, 4]), Some(CloseCode::ProtocolError));
        assert_eq!(code(&frame(0x82, 1000)), None);
        assert_eq!(code(&frame(0x82, 1001)), Some(CloseCode::MessageTooBig));
        assert_eq!(code(&[0x89, 0xFE, 0, 126, 1, 2, 3, 4]), Some(CloseCode::ProtocolError));
    }

    #[test]
    fn fragments_are_counted_in_bytes_and_in_number() {
        assert_eq!(code(&[frame(0x01, 600), frame(0x00, 401)].concat()), Some(CloseCode::MessageTooBig));
        assert_eq!(
            code(&[frame(0x01, 1), frame(0x00, 0), frame(0x00, 0), frame(0x00, 0)].concat()),
            Some(CloseCode::PolicyViolation)
        );
        assert_eq!(code(&[frame(0x01, 1), frame(0x00, 0), frame(0x80, 0), frame(0x01, 1)].concat()), None);
    }
}
