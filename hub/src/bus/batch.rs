//! The value a hub puts on a bus key: many publications behind one leading marker byte.
//!
//! ```text
//! 0x01 | version | writer u64 | counter u64 | total | count | entries ... | checksum u64
//! entry: index | kind and presence bits | id | ts | [room] [type] [from] [key] [data]
//! ```
//!
//! Numbers without a width are LEB128 varints, texts and data have their length before them, fixed numbers are little-endian. One
//! transaction puts one such value on each of its keys; all have the same `(writer, counter)` and `total`, and each entry says at which
//! `index` of the whole transaction it stands, so the order of publishing holds across keys. The receiver of a unicast is not in the
//! value: it is the key's.

use bytes::{Buf, Bytes};
use thiserror::Error;

use crate::protocol::{ClientId, NameError, Payload, Publication, RoomName, Target};

/// No JSON text starts with it, so a value put by hand is told from a hub's by its first byte.
pub(crate) const MARKER: u8 = 0x01;
const VERSION: u8 = 1;
/// Marker, version, writer, counter and checksum, and the two varints at their longest.
pub(crate) const FRAME_BYTES: usize = 2 + 8 + 8 + 5 + 5 + 8;

const KIND_BROADCAST: u8 = 0;
const KIND_ROOM: u8 = 1;
const KIND_CLIENT: u8 = 2;
const KIND: u8 = 0b11;
const HAS_TYPE: u8 = 1 << 2;
const HAS_FROM: u8 = 1 << 3;
const HAS_KEY: u8 = 1 << 4;
const HAS_JSON: u8 = 1 << 5;
const HAS_BINARY: u8 = 1 << 6;

/// Which transaction of which hub process. A repeated attempt has the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BatchId {
    /// Random at the start of the process that publishes.
    pub(crate) writer: u64,
    /// Counts its transactions, from 1.
    pub(crate) counter: u64,
}

/// A value read back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) id: BatchId,
    /// Publications in the whole transaction.
    pub(crate) total: u32,
    /// Those of this key, each with its index in the transaction.
    pub(crate) entries: Vec<(u32, Publication)>,
}

/// Why a value with the marker is no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum BatchError {
    #[error("the batch ends in the middle")]
    Truncated,
    #[error("the batch has version {0}, this hub reads {VERSION}")]
    Version(u8),
    #[error("the checksum of the batch is wrong")]
    Checksum,
    #[error("a text of the batch is not UTF-8")]
    Text,
    #[error("an entry is of an unknown kind, or does not belong on its key")]
    Kind,
    #[error("a name in the batch {0}")]
    Name(#[from] NameError),
    #[error("the batch has bytes after its end")]
    Trailing,
}

/// An upper bound of what one publication takes in a batch, in bytes.
pub(crate) fn entry_bytes(publication: &Publication) -> usize {
    let text = |text: Option<&str>| text.map_or(0, |text| text.len() + 5);
    let room = publication.room().map(RoomName::as_str);
    let from = publication.from.as_ref().map(ClientId::as_str);
    let data = publication.data.as_ref().map_or(0, |data| data.len() + 5);
    5 + 1
        + 5
        + 10
        + text(room)
        + text(publication.message_type.as_deref())
        + text(from)
        + text(publication.key.as_deref())
        + data
}

/// Writes the value for one key.
pub(crate) fn encode<'a>(
    id: BatchId,
    total: u32,
    entries: impl ExactSizeIterator<Item = (u32, &'a Publication)>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(FRAME_BYTES + entries.len() * 192);
    out.extend_from_slice(&[MARKER, VERSION]);
    out.extend_from_slice(&id.writer.to_le_bytes());
    out.extend_from_slice(&id.counter.to_le_bytes());
    put_number(&mut out, u64::from(total));
    put_number(&mut out, entries.len() as u64);
    for (index, publication) in entries {
        put_entry(&mut out, index, publication);
    }
    let checksum = checksum(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads the value of one key; `client` is the receiver when it is a unicast key. Payloads share the value's memory.
pub(crate) fn decode(value: &Bytes, client: Option<&ClientId>) -> Result<Batch, BatchError> {
    let body = value.len().checked_sub(8).ok_or(BatchError::Truncated)?;
    if value.get(1).is_some_and(|version| *version != VERSION) {
        return Err(BatchError::Version(value[1]));
    }
    if checksum(&value[..body]).to_le_bytes() != value[body..] {
        return Err(BatchError::Checksum);
    }
    let mut rest = value.slice(..body);
    if rest.len() < 18 {
        return Err(BatchError::Truncated);
    }
    rest.advance(2);
    let id = BatchId { writer: rest.get_u64_le(), counter: rest.get_u64_le() };
    let total = take_u32(&mut rest)?;
    let count = take_u32(&mut rest)? as usize;
    // An entry has at least four bytes: a wrong count cannot make this reserve more than the value is worth.
    let mut entries = Vec::with_capacity(count.min(rest.len() / 4));
    for _ in 0..count {
        entries.push(take_entry(&mut rest, client)?);
    }
    if rest.is_empty() { Ok(Batch { id, total, entries }) } else { Err(BatchError::Trailing) }
}

fn put_entry(out: &mut Vec<u8>, index: u32, publication: &Publication) {
    let Publication { target, id, message_type, data, from, ts, key } = publication;
    let mut bits = match target {
        Target::Broadcast => KIND_BROADCAST,
        Target::Room(_) => KIND_ROOM,
        Target::Client(_) => KIND_CLIENT,
    };
    bits |= if message_type.is_some() { HAS_TYPE } else { 0 };
    bits |= if from.is_some() { HAS_FROM } else { 0 };
    bits |= if key.is_some() { HAS_KEY } else { 0 };
    bits |= match data {
        Some(Payload::Json(_)) => HAS_JSON,
        Some(Payload::Binary(_)) => HAS_BINARY,
        None => 0,
    };
    put_number(out, u64::from(index));
    out.push(bits);
    put_number(out, u64::from(*id));
    put_number(out, *ts);
    if let Target::Room(room) = target {
        put_bytes(out, room.as_str().as_bytes());
    }
    for text in [message_type.as_deref(), from.as_ref().map(ClientId::as_str), key.as_deref()].into_iter().flatten() {
        put_bytes(out, text.as_bytes());
    }
    if let Some(Payload::Json(bytes) | Payload::Binary(bytes)) = data {
        put_bytes(out, bytes);
    }
}

fn take_entry(rest: &mut Bytes, client: Option<&ClientId>) -> Result<(u32, Publication), BatchError> {
    let index = take_u32(rest)?;
    let bits = rest.try_get_u8().map_err(|_| BatchError::Truncated)?;
    let id = take_u32(rest)?;
    let ts = take_number(rest)?;
    let target = match (bits & KIND, client) {
        (KIND_BROADCAST, None) => Target::Broadcast,
        (KIND_ROOM, None) => Target::Room(RoomName::parse(&take_text(rest)?)?),
        (KIND_CLIENT, Some(client)) => Target::Client(client.clone()),
        _ => return Err(BatchError::Kind),
    };
    let message_type = if bits & HAS_TYPE == 0 { None } else { Some(take_text(rest)?.into()) };
    let from = if bits & HAS_FROM == 0 { None } else { Some(ClientId::parse(&take_text(rest)?)?) };
    let key = if bits & HAS_KEY == 0 { None } else { Some(take_text(rest)?.into()) };
    let data = match bits & (HAS_JSON | HAS_BINARY) {
        0 => None,
        HAS_JSON => {
            let bytes = take_bytes(rest)?;
            std::str::from_utf8(&bytes).map_err(|_| BatchError::Text)?;
            Some(Payload::Json(bytes))
        }
        HAS_BINARY => Some(Payload::Binary(take_bytes(rest)?)),
        _ => return Err(BatchError::Kind),
    };
    Ok((index, Publication { target, id, message_type, data, from, ts, key }))
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_bytes(rest: &mut Bytes) -> Result<Bytes, BatchError> {
    let length = take_u32(rest)? as usize;
    if length > rest.len() {
        return Err(BatchError::Truncated);
    }
    Ok(rest.split_to(length))
}

fn take_text(rest: &mut Bytes) -> Result<String, BatchError> {
    let bytes = take_bytes(rest)?;
    std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| BatchError::Text)
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(rest: &mut Bytes) -> Result<u64, BatchError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = rest.try_get_u8().map_err(|_| BatchError::Truncated)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BatchError::Truncated)
}

fn take_u32(rest: &mut Bytes) -> Result<u32, BatchError> {
    u32::try_from(take_number(rest)?).map_err(|_| BatchError::Truncated)
}

/// FNV-1a over words of eight bytes: it is to notice damage (etcd checks its own disk), not an attacker, who would write a valid batch.
fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut words = bytes.chunks_exact(8);
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64;
    let mut mix = |word: u64| hash = (hash ^ word).wrapping_mul(PRIME).rotate_left(23);
    for word in &mut words {
        mix(u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    mix(u64::from_le_bytes(last));
    hash
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

#[cfg(test)]
mod tests;
