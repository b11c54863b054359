//! Which history this etcd has: the epoch of its offsets.
//!
//! A wiped etcd may come back with the same cluster id (it is derived from the members' names), so the epoch is that id together with a
//! random value that the first hub writes once. An etcd restored from a snapshot has both, and is told by its revision going back;
//! the hub that notices writes a new value, and all others see it.

use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp, TxnOpResponse};

use super::fault::Fault;
use super::keys::Keys;
use crate::protocol::Epoch;

/// What etcd says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) cluster: u64,
    pub(crate) revision: u64,
    /// The value of the epoch key.
    pub(crate) mark: Vec<u8>,
}

impl Origin {
    /// The epoch that follows from cluster and mark.
    pub(crate) fn epoch(&self) -> Epoch {
        // FNV-1a: the mark is random already, all hubs must only come to the same number.
        let hash = self.mark.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Epoch::from(hash ^ self.cluster.rotate_left(17))
    }
}

/// Reads the epoch key, writing it first where there is none.
pub(crate) async fn read(client: &mut Client, keys: &Keys) -> Result<Origin, Fault> {
    let key = keys.epoch();
    let txn = Txn::new()
        .when([Compare::version(key.as_str(), CompareOp::Greater, 0)])
        .and_then([TxnOp::get(key.as_str(), None)])
        .or_else([TxnOp::put(key.as_str(), mark(), None), TxnOp::get(key.as_str(), None)]);
    let response = client.txn(txn).await?;
    let header = response.header().ok_or_else(|| Fault::Unknown("an answer without a header".to_owned()))?;
    let (cluster, revision) = (header.cluster_id(), header.revision().max(0) as u64);
    let value = response.op_responses().into_iter().find_map(|answer| match answer {
        TxnOpResponse::Get(found) => found.kvs().first().map(|kv| kv.value().to_vec()),
        _ => None,
    });
    let mark = value.ok_or_else(|| Fault::Unknown("an answer without the epoch".to_owned()))?;
    Ok(Origin { cluster, revision, mark })
}

/// Writes a new mark in the place of `old`, unless another hub has.
pub(crate) async fn renew(client: &mut Client, keys: &Keys, old: &[u8]) -> Result<(), Fault> {
    let key = keys.epoch();
    let txn = Txn::new().when([Compare::value(key.as_str(), CompareOp::Equal, old)]).and_then([TxnOp::put(
        key.as_str(),
        mark(),
        None,
    )]);
    client.txn(txn).await?;
    Ok(())
}

fn mark() -> String {
    format!("{:016x}", fastrand::u64(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cluster_or_another_mark_is_another_epoch() {
        let origin = |cluster, mark: &str| Origin { cluster, revision: 1, mark: mark.into() }.epoch();
        assert_eq!(origin(1, "a"), Origin { cluster: 1, revision: 9, mark: b"a".to_vec() }.epoch());
        assert_ne!(origin(1, "a"), origin(1, "b"));
        assert_ne!(origin(1, "a"), origin(2, "a"));
        assert_eq!(mark().len(), 16);
    }
}
