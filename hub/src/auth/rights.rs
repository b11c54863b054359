//! What a connection may do: the grant of its token or of the settings, asked by the dispatcher for each request. Pure.

use std::sync::Arc;

use gohub_settings::{Grant, Operation};

use crate::protocol::{ClientId, RoomName};

/// See the module. Cheap to clone: connections with the same grant of the settings share it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights(Option<Arc<Grant>>);

impl Rights {
    /// Everything.
    pub const ALL: Self = Self(None);

    /// What the grant says; without one, everything.
    pub fn of(grant: Option<&Grant>) -> Self {
        Self(grant.cloned().map(Arc::new))
    }

    /// The grant; `None`: everything.
    pub(super) fn grant(&self) -> Option<&Grant> {
        self.0.as_deref()
    }

    /// Whether this may be done in the room.
    pub fn allow(&self, operation: Operation, room: &RoomName) -> bool {
        self.0.as_ref().is_none_or(|grant| {
            let rules = grant.rooms.iter().filter(|rule| rule.allow.contains(&operation));
            rules.into_iter().any(|rule| rule.pattern.matches(room.as_str()))
        })
    }

    /// Whether a unicast may go to the client.
    pub fn allow_unicast(&self, to: &ClientId) -> bool {
        self.0.as_ref().is_none_or(|grant| grant.clients.iter().any(|pattern| pattern.matches(to.as_str())))
    }

    /// Whether a message may go to everybody.
    pub fn allow_broadcast(&self) -> bool {
        self.0.as_ref().is_none_or(|grant| grant.broadcast)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_grant_leaves_out_is_not_allowed() {
        let rooms = [("chat:*", &[Operation::Join, Operation::Publish][..]), ("chat:7", &[Operation::History])];
        let rooms = rooms.map(|(pattern, allow)| gohub_settings::RoomGrant {
            pattern: pattern.parse().expect("a pattern"),
            allow: allow.to_vec(),
        });
        let grant = Grant { rooms: rooms.to_vec(), clients: vec!["bob".parse().expect("a pattern")], broadcast: false };
        let rights = Rights::of(Some(&grant));
        let room = |name: &str| RoomName::parse(name).expect("a name");
        let client = |name: &str| ClientId::parse(name).expect("a name");
        use Operation::{History, Join, Presence, Publish};
        for (name, allowed) in [("chat:7", &[Join, Publish, History][..]), ("chat:8", &[Join, Publish]), ("news", &[])]
        {
            for operation in [Join, Publish, Presence, History] {
                assert_eq!(rights.allow(operation, &room(name)), allowed.contains(&operation), "{name} {operation:?}");
            }
        }
        assert!(rights.allow_unicast(&client("bob")) && !rights.allow_unicast(&client("bobby")));
        assert!(!rights.allow_broadcast());
        let (nothing, all) = (Rights::of(Some(&Grant::default())), Rights::of(None));
        assert!(!nothing.allow(Join, &room("a")) && !nothing.allow_unicast(&client("a")) && !nothing.allow_broadcast());
        assert!(all == Rights::ALL && all.allow(History, &room("a")) && all.allow_unicast(&client("a")));
    }
}
