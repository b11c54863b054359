//! The keys as they stand in etcd, and when there is to be a new one. Pure, but for the random bytes of a new key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::auth::{SEALING_BYTES, TicketKey, TicketKeys, random_key};

/// How old the newest key gets, in milliseconds.
const ROTATE: u64 = 24 * 3600 * 1000;
/// A key seals only when every hub has had the time to look and can open what it seals, in milliseconds.
const SETTLED: u64 = 60 * 1000;
/// Keys that are kept: the newest, and the one before it for the tickets it has sealed.
const KEPT: usize = 2;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ring {
    /// Newest first.
    keys: Vec<Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    id: u32,
    /// Milliseconds since 1970.
    made: u64,
    key: String,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).field("made", &self.made).finish_non_exhaustive()
    }
}

impl Entry {
    fn bytes(&self) -> Option<[u8; SEALING_BYTES]> {
        STANDARD.decode(&self.key).ok()?.try_into().ok()
    }
}

impl Ring {
    /// What stands in etcd; whatever is no key is none.
    pub(super) fn read(value: &[u8]) -> Self {
        let mut ring: Self = serde_json::from_slice(value).unwrap_or_default();
        ring.keys.retain(|entry| entry.bytes().is_some());
        ring.keys.truncate(KEPT);
        ring
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The ring with a new key, when it is time for one.
    pub(super) fn rotated(&self, now: u64) -> Option<Self> {
        if self.keys.first().is_some_and(|newest| now.saturating_sub(newest.made) < ROTATE) {
            return None;
        }
        let new = Entry { id: fastrand::u32(..), made: now, key: STANDARD.encode(random_key()?) };
        let keys = std::iter::once(new).chain(self.keys.iter().cloned()).take(KEPT).collect();
        Some(Self { keys })
    }

    /// The keys, the one first that seals now.
    pub(super) fn keys(&self, now: u64) -> TicketKeys {
        let is_settled = |entry: &Entry| now.saturating_sub(entry.made) >= SETTLED;
        let first = self.keys.iter().position(is_settled).unwrap_or(self.keys.len().saturating_sub(1));
        let mut keys = self.keys.clone();
        let first = first.min(keys.len());
        keys.rotate_left(first);
        TicketKeys::of(keys.iter().filter_map(|entry| TicketKey::new(entry.id, &entry.bytes()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_a_day_and_the_one_before_is_kept_for_its_tickets() {
        let now = 1_748_000_000_000;
        let one = Ring::default().rotated(now).expect("there was none");
        assert!(one.rotated(now + ROTATE - 1).is_none());
        let two = one.rotated(now + ROTATE).expect("a day has passed");
        let three = two.rotated(now + 2 * ROTATE).expect("and another");
        assert_eq!([one.len(), two.len(), three.len()], [1, 2, 2]);
        let ids = |ring: &Ring| ring.keys.iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids(&two)[1], ids(&one)[0]);
        assert_eq!(ids(&three)[1], ids(&two)[0]);
        let read = Ring::read(&three.to_bytes());
        assert_eq!(ids(&read), ids(&three));
        assert!(one.rotated(now - 60_000).is_none(), "a clock that was set back makes no key");
    }

    #[test]
    fn a_new_key_seals_only_when_every_hub_has_seen_it() {
        let now = 1_748_000_000_000;
        let one = Ring::default().rotated(now).expect("there was none");
        let first = one.keys[0].id;
        assert_eq!(format!("{:?}", one.keys(now)), format!("[{first}]"), "the only one seals at once");
        let two = one.rotated(now + ROTATE).expect("a day has passed");
        let second = two.keys[0].id;
        let order = |age: u64| format!("{:?}", two.keys(now + ROTATE + age));
        assert_eq!(order(SETTLED - 1), format!("[{first}, {second}]"));
        assert_eq!(order(SETTLED), format!("[{second}, {first}]"));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for value in [&b""[..], b"{}", b"[]", br#"{"keys":[{"id":1,"made":2,"key":"c2hvcnQ="}]}"#] {
            assert_eq!(Ring::read(value).len(), 0);
        }
        assert!(!format!("{:?}", Ring::default().rotated(1)).contains("key:"), "and none is shown");
    }
}
