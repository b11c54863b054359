//! WebSocket frames, as little of RFC 6455 as a load generator needs: headers are walked, payloads are not looked at
//! (no UTF-8 check, no copy), and client frames are written with a zero masking key, so masking costs us nothing.

/// Opcodes of RFC 6455 section 5.2.
pub(crate) mod opcode {
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;
}

/// One whole frame inside the bytes it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    /// False when the peer fragmented a message; a hub under measure never should.
    pub(crate) fin: bool,
    pub(crate) payload: &'a [u8],
}

/// Walks the whole frames at the beginning of `bytes`; what [`Frames::consumed`] leaves over is an incomplete one.
#[derive(Debug)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    consumed: usize,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, consumed: 0 }
    }

    /// Bytes of the frames handed out so far.
    pub(crate) fn consumed(&self) -> usize {
        self.consumed
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        let bytes = &self.bytes[self.consumed..];
        let &[first, second, ..] = bytes else { return None };
        let (header, length): (usize, usize) = match second {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
            short @ 0..126 => (2, usize::from(short)),
            // A server never masks: such a stream is garbage, and the connection is given up when its buffer is full.
            128.. => return None,
        };
        let end = length.checked_add(header)?;
        let payload = bytes.get(header..end)?;
        self.consumed += end;
        Some(Frame { opcode: first & 15, fin: first & 128 != 0, payload })
    }
}

/// Appends a frame as a client sends it (masked, key zero) and returns where its payload begins in `out`.
pub(crate) fn write_client(opcode: u8, payload: &[u8], out: &mut Vec<u8>) -> usize {
    header(opcode, 128, payload.len(), out);
    out.extend_from_slice(&[0; 4]);
    let at = out.len();
    out.extend_from_slice(payload);
    at
}

/// Appends the header of a frame as a server sends it (unmasked).
pub(crate) fn write_server_header(opcode: u8, length: usize, out: &mut Vec<u8>) {
    header(opcode, 0, length, out);
}

fn header(opcode: u8, mask: u8, length: usize, out: &mut Vec<u8>) {
    out.push(128 | opcode);
    match length {
        0..126 => out.push(mask | length as u8),
        126..65_536 => {
            out.push(mask | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(mask | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_bytes(lengths: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, &length) in lengths.iter().enumerate() {
            write_server_header(opcode::TEXT, length, &mut bytes);
            bytes.extend(std::iter::repeat_n(at as u8, length));
        }
        bytes
    }

    #[test]
    fn frames_of_every_length_form_are_walked() {
        let lengths = [0, 1, 125, 126, 65_535, 65_536];
        let bytes = server_bytes(&lengths);
        let mut frames = Frames::new(&bytes);
        let seen: Vec<usize> = frames.by_ref().map(|frame| frame.payload.len()).collect();
        assert_eq!(seen, lengths);
        assert_eq!(frames.consumed(), bytes.len());
    }

    #[test]
    fn a_stream_split_at_every_byte_gives_the_same_frames() {
        let bytes = server_bytes(&[0, 5, 125, 126, 300]);
        for split in 0..=bytes.len() {
            let mut seen = Vec::new();
            let mut frames = Frames::new(&bytes[..split]);
            seen.extend(frames.by_ref().map(|frame| frame.payload.to_vec()));
            let mut held = bytes[frames.consumed()..split].to_vec();
            held.extend_from_slice(&bytes[split..]);
            let mut frames = Frames::new(&held);
            seen.extend(frames.by_ref().map(|frame| frame.payload.to_vec()));
            assert_eq!(frames.consumed(), held.len(), "split at {split}");
            let whole: Vec<Vec<u8>> = Frames::new(&bytes).map(|frame| frame.payload.to_vec()).collect();
            assert_eq!(seen, whole, "split at {split}");
        }
    }

    #[test]
    fn a_client_frame_is_masked_with_key_zero() {
        let mut out = vec![9];
        let at = write_client(opcode::BINARY, b"hello", &mut out);
        assert_eq!(out, [9, 0x82, 0x85, 0, 0, 0, 0, b'h', b'e', b'l', b'l', b'o']);
        assert_eq!(&out[at..], b"hello");
    }

    #[test]
    fn an_absurd_length_yields_nothing_instead_of_a_panic() {
        let mut bytes = vec![0x81, 127];
        bytes.extend_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(Frames::new(&bytes).next(), None);
    }
}
