//! The value of a bus key as anything that can write to etcd may put it there.

use bytes::Bytes;

use super::{Batch, BatchId, MARKER, VERSION, checksum, decode, encode};
use crate::protocol::ClientId;

/// The first byte says whose key it is. What is read is written and read again as the same; the checksum, which no fuzzer guesses, is put right.
pub fn batch(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else { return };
    let client = ClientId::parse("bob").ok().filter(|_| kind & 1 == 1);
    read(&Bytes::copy_from_slice(body), client.as_ref());
    let mut value = vec![MARKER, VERSION];
    value.extend_from_slice(body);
    let sum = checksum(&value);
    value.extend_from_slice(&sum.to_le_bytes());
    read(&Bytes::from(value), client.as_ref());
}

fn read(value: &Bytes, client: Option<&ClientId>) {
    let Ok(batch) = decode(value, client) else { return };
    let Batch { id: BatchId { writer, counter }, total, entries } = &batch;
    assert!(entries.capacity() <= value.len(), "{} places for {} bytes", entries.capacity(), value.len());
    let id = BatchId { writer: *writer, counter: *counter };
    let again = encode(id, *total, entries.iter().map(|(index, publication)| (*index, publication)));
    assert_eq!(decode(&Bytes::from(again), client).as_ref(), Ok(&batch));
    let bound: usize = entries.iter().map(|(_, publication)| super::entry_bytes(publication)).sum();
    let size = encode(id, *total, entries.iter().map(|(index, publication)| (*index, publication))).len();
    assert!(size <= super::FRAME_BYTES + bound, "{size} is over the bound that batches are cut by");
}
