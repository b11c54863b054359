//! The mark every measured message carries inside `data`: which stream, which number in it, when it was sent.
//!
//! It has a fixed width and a fixed beginning, so the reader finds and decodes it in a frame without parsing the
//! envelope around it. Numbers are written four bits a byte as `@`..`O`: safe inside a JSON string, and decoded with a
//! few shifts instead of a loop. `~gohub~:` + stream (8) + sequence (8) + send time in ns (16).

/// Bytes of one stamp; a payload cannot be shorter.
pub(crate) const WIDTH: usize = 40;

const MAGIC: &[u8; 8] = b"~gohub~:";
/// The beginning of a stamp used as `ref`: another one, so that an ack is not taken for a delivery.
const REFERENCE: &[u8; 8] = b"-gohub~:";

/// What a stamp says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The ordered series this message belongs to: one publisher and one target.
    pub(crate) stream: u32,
    /// Position in the stream, from 0.
    pub(crate) sequence: u32,
    /// Send time in nanoseconds of [`crate::clock::now`]; in an open loop the time it was due.
    pub(crate) sent: u64,
}

impl Stamp {
    /// Writes the stamp over the first [`WIDTH`] bytes of `out`.
    pub(crate) fn write(&self, out: &mut [u8]) {
        out[..8].copy_from_slice(MAGIC);
        out[8..16].copy_from_slice(&spread(self.stream));
        out[16..24].copy_from_slice(&spread(self.sequence));
        out[24..32].copy_from_slice(&spread((self.sent >> 32) as u32));
        out[32..40].copy_from_slice(&spread(self.sent as u32));
    }

    /// Writes the stamp as a `ref` over the first [`WIDTH`] bytes of `out`.
    pub(crate) fn write_reference(&self, out: &mut [u8]) {
        self.write(out);
        out[..8].copy_from_slice(REFERENCE);
    }

    /// Reads the `ref` of an answer; `None` when it is not one of ours.
    pub(crate) fn from_reference(reference: &str) -> Option<Stamp> {
        let stamp: &[u8; WIDTH] = reference.as_bytes().try_into().ok()?;
        stamp.starts_with(REFERENCE).then(|| Stamp::read(stamp))
    }

    /// Finds and reads the stamp in a message. `hint` is where the last one began: the envelope in front of `data`
    /// rarely changes its length, so the search is one comparison. `None` when the message carries no stamp.
    pub(crate) fn find(message: &[u8], hint: &mut usize) -> Option<Stamp> {
        if message.get(*hint..*hint + 8) != Some(MAGIC) {
            *hint = message.windows(8).position(|window| window == MAGIC)?;
        }
        Some(Stamp::read(message.get(*hint..*hint + WIDTH)?.try_into().ok()?))
    }

    #[inline]
    fn read(stamp: &[u8; WIDTH]) -> Stamp {
        let sent = u64::from(gather(stamp, 24)) << 32 | u64::from(gather(stamp, 32));
        Stamp { stream: gather(stamp, 8), sequence: gather(stamp, 16), sent }
    }
}

fn spread(value: u32) -> [u8; 8] {
    std::array::from_fn(|at| b'@' + (value >> (28 - 4 * at) & 15) as u8)
}

fn gather(stamp: &[u8; WIDTH], at: usize) -> u32 {
    let mut digits = [0; 8];
    digits.copy_from_slice(&stamp[at..at + 8]);
    let nibbles = u64::from_be_bytes(digits) & 0x0F0F_0F0F_0F0F_0F0F;
    let bytes = (nibbles | nibbles >> 4) & 0x00FF_00FF_00FF_00FF;
    let pairs = (bytes | bytes >> 8) & 0x0000_FFFF_0000_FFFF;
    (pairs | pairs >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_wherever_it_stands() {
        for (stream, sequence, sent) in
            [(0, 0, 0), (7, 0x0123_4567, 0x89AB_CDEF_0123_4567), (u32::MAX, u32::MAX, u64::MAX)]
        {
            let stamp = Stamp { stream, sequence, sent };
            for before in ["", "{\"data\":\"", "~gohub~ is not it "] {
                let mut message = before.as_bytes().to_vec();
                let at = message.len();
                message.resize(at + WIDTH, 0);
                stamp.write(&mut message[at..]);
                message.extend_from_slice(b"xxx\"}");
                for mut hint in [0, at, 1000] {
                    assert_eq!(Stamp::find(&message, &mut hint), Some(stamp));
                    assert_eq!(hint, at);
                }
            }
        }
    }

    #[test]
    fn a_stamp_needs_no_escaping_in_json() {
        let mut text = [0; WIDTH];
        Stamp { stream: 0x0123_4567, sequence: 0x89AB_CDEF, sent: u64::MAX }.write(&mut text);
        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(serde_json::to_string(text).unwrap(), format!("\"{text}\""));
    }

    #[test]
    fn a_reference_is_read_back_and_not_taken_for_a_delivery() {
        let stamp = Stamp { stream: 3, sequence: 4, sent: 5 };
        let mut text = [0; WIDTH];
        stamp.write_reference(&mut text);
        assert_eq!(Stamp::from_reference(std::str::from_utf8(&text).unwrap()), Some(stamp));
        assert_eq!(Stamp::find(&text, &mut 0), None);
        assert_eq!(Stamp::from_reference("a1"), None);
    }

    #[test]
    fn a_message_without_a_whole_stamp_has_none() {
        let mut hint = 5;
        assert_eq!(Stamp::find(b"", &mut hint), None);
        assert_eq!(Stamp::find(b"{\"message_id\":3}", &mut hint), None);
        assert_eq!(Stamp::find(b"~gohub~:@@@@", &mut hint), None);
    }
}
