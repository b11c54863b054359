//! Server frames: unmasked, never fragmented (RFC 6455 section 5).

use crate::protocol::Format;

/// A complete text message.
pub const TEXT: u8 = 0x1;
/// A complete binary message.
pub const BINARY: u8 = 0x2;
/// A close frame.
pub const CLOSE: u8 = 0x8;
/// A ping.
pub const PING: u8 = 0x9;
/// A pong.
pub const PONG: u8 = 0xA;

/// The longest payload of a control frame, in bytes.
pub const MAX_CONTROL: usize = 125;

/// The opcode of messages in `format`.
pub fn opcode(format: Format) -> u8 {
    match format {
        Format::Json => TEXT,
        Format::Cbor => BINARY,
    }
}

/// Appends the header of a final frame of `length` payload bytes.
pub fn header(opcode: u8, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    if length < 126 {
        out.push(length as u8);
    } else if let Ok(short) = u16::try_from(length) {
        out.push(126);
        out.extend_from_slice(&short.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// Appends a whole frame.
pub fn whole(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    header(opcode, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends a frame whose payload `write` appends: the header is put in front of it afterwards.
pub fn with(opcode: u8, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let mut head = Vec::with_capacity(10);
    header(opcode, out.len() - start, &mut head);
    out.splice(start..start, head);
}

/// Appends a close frame; the reason is cut at a character boundary to fit a control frame.
pub fn close(code: u16, reason: &str, out: &mut Vec<u8>) {
    let mut end = reason.len().min(MAX_CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    header(CLOSE, 2 + end, out);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&reason.as_bytes()[..end]);
}

/// The payload of a frame made by [`header`].
pub fn payload(frame: &[u8]) -> &[u8] {
    let skip = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.get(skip..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimally_encoded_and_payloads_found_again() {
        for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let body = vec![7; length];
            let mut out = Vec::new();
            whole(TEXT, &body, &mut out);
            assert_eq!(out.len(), head + length);
            assert_eq!(payload(&out), body);
            let mut same = Vec::new();
            with(TEXT, &mut same, |out| out.extend_from_slice(&body));
            assert_eq!(same, out);
        }
    }

    #[test]
    fn a_long_close_reason_is_cut_between_characters() {
        let mut out = Vec::new();
        close(1008, &"é".repeat(100), &mut out);
        assert_eq!(out[1], 124, "2 bytes of code and 61 characters of 2 bytes");
        assert!(std::str::from_utf8(&out[4..]).is_ok());
    }
}
